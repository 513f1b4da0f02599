from django import forms

from workers.places import COUNTRIES, REGIONS, keys_of


class WorkerForm(forms.Form):
    """A new node: its name, unique among its owner's."""

    name = forms.CharField(
        label="Name",
        max_length=60,
        help_text="What you call this machine; only you and operators see it.",
        widget=forms.TextInput(attrs={"placeholder": "atelier-4090", "autocomplete": "off", "autofocus": True}),
    )

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        if not name.isprintable():
            raise forms.ValidationError("Use letters, digits and ordinary signs.")
        return name


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
