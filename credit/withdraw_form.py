"""What a user says to withdraw, and the name of an address."""

from dataclasses import dataclass
from typing import cast

from django import forms

from common.money import format_exact, parse_credits
from credit.chains import Asset, Chain
from credit.models import PayoutAddress
from credit.withdrawing import fee_micros, minimum_micros, payout_chains


@dataclass(frozen=True, slots=True)
class Way:
    """One asset, on one network, to one address."""

    place: PayoutAddress
    chain: Chain
    asset: Asset

    @property
    def value(self) -> str:
        return f"{self.place.pk}/{self.chain.key}/{self.asset.contract}"

    @property
    def fee_micros(self) -> int:
        return fee_micros(self.chain)

    @property
    def minimum_micros(self) -> int:
        return minimum_micros(self.chain)


def ways_of(user) -> list[Way]:
    """Every verified address with everything that is paid out on its network; those that still wait too."""
    places = list(PayoutAddress.objects.filter(owner=user, removed_at=None))
    return [
        Way(place, chain, asset)
        for place in places
        for chain in payout_chains()
        for asset in chain.assets
        if chain.kind == place.network
    ]


class WithdrawForm(forms.Form):
    """`key`: one form asks for one withdrawal, however often it is sent."""

    amount = forms.CharField(
        label="Amount",
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    way = forms.ChoiceField(label="To", widget=forms.RadioSelect)
    key = forms.RegexField(r"^[\w-]{10,40}$", widget=forms.HiddenInput)

    def __init__(self, *args, ways: list[Way], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.ways = {way.value: way for way in ways}
        cast(forms.ChoiceField, self.fields["way"]).choices = [(value, str(way.place)) for value, way in self.ways.items()]

    def clean_amount(self) -> int:
        """Micros."""
        try:
            amount_micros = parse_credits(self.cleaned_data["amount"].replace(",", "."))
        except ValueError as error:
            raise forms.ValidationError("Write an amount like 25 or 12.50.") from error
        return amount_micros

    def clean_way(self) -> Way:
        return self.ways[self.cleaned_data["way"]]

    def clean(self) -> dict:
        way, amount_micros = self.cleaned_data.get("way"), self.cleaned_data.get("amount")
        if way and amount_micros is not None and amount_micros < way.minimum_micros:
            self.add_error("amount", f"The least on {way.chain.name} is {format_exact(way.minimum_micros)} credits.")
        return self.cleaned_data


class LabelForm(forms.Form):
    """What a person calls an address."""

    label = forms.CharField(label="Name", max_length=60, required=False)

    def clean_label(self) -> str:
        label = " ".join(self.cleaned_data["label"].split())
        if label and not label.isprintable():
            raise forms.ValidationError("Use letters, digits and ordinary signs.")
        return label
