from django import forms

from workers.places import COUNTRIES, REGIONS, keys_of


def plain_name(said: str) -> str:
    name = " ".join(said.split())
    if not name.isprintable():
        raise forms.ValidationError("Use letters, digits and ordinary signs.")
    return name


class WorkerForm(forms.Form):
    """A new node: its name, unique among its owner's."""

    name = forms.CharField(
        label="Name",
        max_length=60,
        help_text="What you call this machine; only you and operators see it.",
        widget=forms.TextInput(attrs={"placeholder": "atelier-4090", "autocomplete": "off", "autofocus": True}),
    )

    def clean_name(self) -> str:
        return plain_name(self.cleaned_data["name"])


class FleetTokenForm(forms.Form):
    """How many nodes a token may make, for how long, and what they are called."""

    name_prefix = forms.CharField(
        label="Names begin with",
        max_length=40,
        help_text="The nodes are numbered after it: rack-1, rack-2.",
        widget=forms.TextInput(attrs={"placeholder": "rack", "autocomplete": "off"}),
    )
    nodes_max = forms.IntegerField(label="Nodes at most", min_value=1, max_value=100, initial=10)
    days = forms.IntegerField(label="Days until it ends", min_value=1, max_value=90, initial=7)

    def clean_name_prefix(self) -> str:
        return plain_name(self.cleaned_data["name_prefix"])


def _countries() -> list:
    """The countries below their regions, for a select."""
    by_region = {key: [] for key in REGIONS}
    for code, name in COUNTRIES.items():
        region = next(key for key in keys_of(code) if key in REGIONS)
        by_region[region].append((code, name))
    return [("", "Not stated"), *((REGIONS[key], choices) for key, choices in by_region.items())]


class LocationForm(forms.Form):
    """Where a node stands, as its owner says."""

    country = forms.ChoiceField(
        label="Country",
        required=False,
        choices=_countries,
        help_text="Creators may ask for nodes of a country or region. Nobody sees more of the place than this.",
    )
