"""What must never start where strangers can reach it: one-click people, debug pages, operators with one key only, played GPUs."""

import ipaddress
from urllib.parse import urlsplit

from pictor import env


def refuse_unsafe_start(
    *, environment: str, demo: bool, debug: bool, second_step: bool, simulated: bool, site_url: str
) -> None:
    """Stop the start with the variable's name.

    Raises:
        BadSetting: production with PICTOR_DEMO or DEBUG; the demo, operators without a second step, or nodes whose GPUs are
            played from files, in production or at a public or https address.
    """
    if environment not in {"", "development", "production"}:
        raise env.BadSetting(f"PICTOR_ENV={environment!r} is unknown. Write production or development.")
    if environment == "production" and demo:
        raise env.BadSetting("PICTOR_DEMO=1 lets anybody sign in as an operator. Production must not set it.")
    if environment == "production" and debug:
        raise env.BadSetting("DEBUG=1 shows settings and code to strangers. Production must not set it.")
    if not second_step and (environment == "production" or is_public(site_url)):
        raise env.BadSetting("STAFF_SECOND_STEP=0 opens the console to whoever has one key of an operator. Leave it out.")
    if simulated and (environment == "production" or is_public(site_url)):
        raise env.BadSetting("SIMULATED_GPUS=1 takes nodes whose GPUs are played from a file. Leave it out.")
    if demo and is_public(site_url):
        raise env.BadSetting(
            f"PICTOR_DEMO=1 lets anybody sign in as an operator, and SITE_URL={site_url} looks public. "
            "Use a private http:// address, or leave PICTOR_DEMO out."
        )


def refuse_plain_http(*, environment: str, urls: dict[str, str]) -> None:
    """What money and sign-ins are asked of is asked by https: on the way, anybody could answer for a chain or a bank.

    Raises:
        BadSetting: http in production; elsewhere, http to a public address. A test's stand-in on this machine is fine.
    """
    for name, url in urls.items():
        if url.startswith("http://") and (environment == "production" or is_public(url)):
            raise env.BadSetting(f"{name}={url} is not encrypted. Write https://, or run your own node behind TLS.")


def is_public(site_url: str) -> bool:
    """https, a public address, or a name with a dot that is not of a local network."""
    parts = urlsplit(site_url)
    host = parts.hostname or ""
    if parts.scheme != "http":
        return True
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".lan", ".internal", ".test"))
