"""Countries and the regions they lie in, for nodes' locations and jobs that ask for one. Pure.

Source: ISO 3166-1 alpha-2 codes with short English names; regions follow the continents.
"""

REGIONS = {
    "europe": "Europe",
    "north_am": "North America",
    "south_am": "South America",
    "asia": "Asia",
    "africa": "Africa",
    "oceania": "Oceania",
}
_BY_REGION = {
    "europe": """
        AD Andorra;AL Albania;AT Austria;AX Åland Islands;BA Bosnia and Herzegovina;BE Belgium;BG Bulgaria;BY
        Belarus;CH Switzerland;CY Cyprus;CZ Czechia;DE Germany;DK Denmark;EE Estonia;ES Spain;FI Finland;FO Faroe
        Islands;FR France;GB United Kingdom;GG Guernsey;GI Gibraltar;GR Greece;HR Croatia;HU Hungary;IE Ireland;IM
        Isle of Man;IS Iceland;IT Italy;JE Jersey;LI Liechtenstein;LT Lithuania;LU Luxembourg;LV Latvia;MC Monaco;MD
        Moldova;ME Montenegro;MK North Macedonia;MT Malta;NL Netherlands;NO Norway;PL Poland;PT Portugal;RO Romania;RS
        Serbia;RU Russia;SE Sweden;SI Slovenia;SK Slovakia;SM San Marino;UA Ukraine;VA Vatican City;XK Kosovo
    """,
    "north_am": """
        AG Antigua and Barbuda;AI Anguilla;AW Aruba;BB Barbados;BM Bermuda;BS Bahamas;BZ Belize;CA Canada;CR Costa
        Rica;CU Cuba;CW Curaçao;DM Dominica;DO Dominican Republic;GD Grenada;GL Greenland;GP Guadeloupe;GT
        Guatemala;HN Honduras;HT Haiti;JM Jamaica;KN Saint Kitts and Nevis;KY Cayman Islands;LC Saint Lucia;MQ
        Martinique;MX Mexico;NI Nicaragua;PA Panama;PR Puerto Rico;SV El Salvador;TC Turks and Caicos Islands;TT
        Trinidad and Tobago;US United States;VC Saint Vincent and the Grenadines;VG British Virgin Islands;VI US
        Virgin Islands
    """,
    "south_am": """
        AR Argentina;BO Bolivia;BR Brazil;CL Chile;CO Colombia;EC Ecuador;FK Falkland Islands;GF French Guiana;GY
        Guyana;PE Peru;PY Paraguay;SR Suriname;UY Uruguay;VE Venezuela
    """,
    "asia": """
        AE United Arab Emirates;AF Afghanistan;AM Armenia;AZ Azerbaijan;BD Bangladesh;BH Bahrain;BN Brunei;BT
        Bhutan;CN China;GE Georgia;HK Hong Kong;ID Indonesia;IL Israel;IN India;IQ Iraq;IR Iran;JO Jordan;JP Japan;KG
        Kyrgyzstan;KH Cambodia;KP North Korea;KR South Korea;KW Kuwait;KZ Kazakhstan;LA Laos;LB Lebanon;LK Sri
        Lanka;MM Myanmar;MN Mongolia;MO Macao;MV Maldives;MY Malaysia;NP Nepal;OM Oman;PH Philippines;PK Pakistan;PS
        Palestine;QA Qatar;SA Saudi Arabia;SG Singapore;SY Syria;TH Thailand;TJ Tajikistan;TL Timor-Leste;TM
        Turkmenistan;TR Türkiye;TW Taiwan;UZ Uzbekistan;VN Vietnam;YE Yemen
    """,
    "africa": """
        AO Angola;BF Burkina Faso;BI Burundi;BJ Benin;BW Botswana;CD Congo (Kinshasa);CF Central African Republic;CG
        Congo (Brazzaville);CI Côte d’Ivoire;CM Cameroon;CV Cabo Verde;DJ Djibouti;DZ Algeria;EG Egypt;ER Eritrea;ET
        Ethiopia;GA Gabon;GH Ghana;GM Gambia;GN Guinea;GQ Equatorial Guinea;GW Guinea-Bissau;KE Kenya;KM Comoros;LR
        Liberia;LS Lesotho;LY Libya;MA Morocco;MG Madagascar;ML Mali;MR Mauritania;MU Mauritius;MW Malawi;MZ
        Mozambique;NA Namibia;NE Niger;NG Nigeria;RE Réunion;RW Rwanda;SC Seychelles;SD Sudan;SL Sierra Leone;SN
        Senegal;SO Somalia;SS South Sudan;ST São Tomé and Príncipe;SZ Eswatini;TD Chad;TG Togo;TN Tunisia;TZ
        Tanzania;UG Uganda;YT Mayotte;ZA South Africa;ZM Zambia;ZW Zimbabwe
    """,
    "oceania": """
        AS American Samoa;AU Australia;FJ Fiji;FM Micronesia;GU Guam;KI Kiribati;MH Marshall Islands;NC New
        Caledonia;NR Nauru;NZ New Zealand;PF French Polynesia;PG Papua New Guinea;PW Palau;SB Solomon Islands;TO
        Tonga;TV Tuvalu;VU Vanuatu;WS Samoa
    """,
}


def _entries(text: str) -> list[tuple[str, str]]:
    return [(entry[:2], entry[3:]) for entry in " ".join(text.split()).split(";")]


COUNTRIES = dict(
    sorted((entry for text in _BY_REGION.values() for entry in _entries(text)), key=lambda entry: entry[1])
)  # code -> name, by name
_REGION_OF = {code: region for region, text in _BY_REGION.items() for code, _ in _entries(text)}


def keys_of(country: str) -> frozenset[str]:
    """What a node in this country counts as: the country and its region; nothing while it is not known."""
    return frozenset({country, _REGION_OF[country]}) if country in _REGION_OF else frozenset()


def name_of(key: str) -> str:
    """A country's or a region's name; the key itself when it is neither."""
    return COUNTRIES.get(key) or REGIONS.get(key) or key
