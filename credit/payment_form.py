"""What a user says to pay through a provider: how much credit, and under which key the form is sent."""

import secrets

from django import forms
from django.conf import settings

from common.money import format_credits, format_exact, parse_credits
from credit.fees import CENT_MICROS
from credit.services.payments import MAXIMUM_MICROS


class AmountForm(forms.Form):
    """Asked for on the top-up page."""

    amount = forms.CharField(
        label="Amount",
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **{"auto_id": "id_paypal_%s"} | kwargs)
        least, most = format_exact(settings.TOP_UP_MINIMUM_MICROS), format_credits(MAXIMUM_MICROS, places=0)
        self.fields["amount"].help_text = f"At least {least}, at most {most} credits."

    def clean_amount(self) -> int:
        """Micros, whole cents."""
        try:
            amount_micros = parse_credits(self.cleaned_data["amount"].replace(",", "."))
        except ValueError as error:
            raise forms.ValidationError("Write an amount like 25 or 12.50.") from error
        if amount_micros % CENT_MICROS:
            raise forms.ValidationError("PayPal takes whole cents: write at most two decimals.")
        if amount_micros < settings.TOP_UP_MINIMUM_MICROS:
            raise forms.ValidationError(f"The least is {format_exact(settings.TOP_UP_MINIMUM_MICROS)} credits.")
        if amount_micros > MAXIMUM_MICROS:
            raise forms.ValidationError(f"The most is {format_credits(MAXIMUM_MICROS, places=0)} credits at once.")
        return amount_micros


class ConfirmForm(AmountForm):
    """Sent by the page that showed the fee. `fee`: the micros that it showed; another fee is shown again first."""

    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    fee = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


def new_key() -> str:
    """Of one form: sending it twice opens one checkout."""
    return secrets.token_urlsafe(24)
