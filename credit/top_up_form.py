"""What a user says to start a top-up by chain, and the transaction that a wallet names."""

import re
from typing import cast

from django import forms
from django.conf import settings

from common.money import format_exact, parse_credits
from credit.chains import CREDIT_DECIMALS, Asset, Chain, deposit_chains
from credit.models import RecognisedBy
from credit.services.top_ups import CENT_MICROS

HASH = re.compile(r"0x([0-9a-fA-F]{64})(?![0-9a-fA-F])")


def places() -> list[tuple[str, Chain, Asset]]:
    """(value, chain, asset) of everything that takes payments."""
    return [(f"{chain.key}/{asset.contract}", chain, asset) for chain in deposit_chains() for asset in chain.assets]


class TopUpForm(forms.Form):
    """`wallets`: the user's linked addresses by kind of chain."""

    amount = forms.CharField(
        label="Amount",
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    place = forms.ChoiceField(label="Asset and network", widget=forms.RadioSelect)
    recognised_by = forms.ChoiceField(
        label="Where the payment comes from",
        widget=forms.RadioSelect,
        choices=[("sender", "A wallet linked to my account"), ("amount", "An exchange, or any other wallet")],
    )
    key = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args, wallets: dict[str, list[str]], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.wallets = wallets
        place = cast(forms.ChoiceField, self.fields["place"])
        place.choices = [(value, f"{asset.symbol} on {chain.name}") for value, chain, asset in places()]
        self.fields["amount"].help_text = f"At least {format_exact(settings.TOP_UP_MINIMUM_MICROS)} credits."

    def clean_amount(self) -> int:
        """Micros."""
        try:
            amount_micros = parse_credits(self.cleaned_data["amount"].replace(",", "."))
        except ValueError as error:
            raise forms.ValidationError("Write an amount like 25 or 12.50.") from error
        if amount_micros < settings.TOP_UP_MINIMUM_MICROS:
            raise forms.ValidationError(f"The least is {format_exact(settings.TOP_UP_MINIMUM_MICROS)} credits.")
        return amount_micros

    def clean_place(self) -> tuple[Chain, Asset]:
        return next((chain, asset) for value, chain, asset in places() if value == self.cleaned_data["place"])

    def clean(self) -> dict:
        place, by = self.cleaned_data.get("place"), self.cleaned_data.get("recognised_by")
        if place and by == RecognisedBy.SENDER and not self.wallets.get(place[0].kind):
            words = f"No wallet of yours is linked for {place[0].name}. Link one in your profile, or choose the other way."
            self.add_error("recognised_by", words)
        if place and by == RecognisedBy.AMOUNT and place[1].decimals < CREDIT_DECIMALS:
            self.add_error("recognised_by", "This asset has too few decimals for exact amounts. Pay from a linked wallet.")
        if by == RecognisedBy.AMOUNT and self.cleaned_data.get("amount", 0) % CENT_MICROS:
            self.add_error("amount", "Write at most two decimals: the digits after them tell your payment from others.")
        return self.cleaned_data


class TransactionForm(forms.Form):
    """A hash, or the address of its page in an explorer."""

    transaction = forms.CharField(
        label="Transaction hash",
        max_length=300,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
        help_text="Optional: your payment is found without it, only later.",
    )

    def clean_transaction(self) -> str:
        found = HASH.findall(self.cleaned_data["transaction"])
        if len(found) != 1:
            raise forms.ValidationError("A transaction hash is 0x and 64 digits and letters from a to f.")
        return "0x" + found[0].lower()
