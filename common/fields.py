"""Form fields that every app may use."""

import re

from django import forms

from common.money import MICROS, parse_credits

CREDITS_MAX = 1_000_000
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6}|,[0-9]{1,2})?")  # a comma with three digits could be a thousand: refused


class CreditsField(forms.CharField):
    """An amount of credits as written ("12.5"), cleaned to micros; None when left empty."""

    def __init__(self, **arguments):
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(max_length=20, widget=widget, **arguments)

    def clean(self, value):
        text = super().clean(value).replace(" ", "")
        if not text:
            return None
        if not AMOUNT.fullmatch(text):
            raise forms.ValidationError("Write an amount of credits, for example 5 or 2.50.")
        amount_micros = parse_credits(text.replace(",", "."))
        if amount_micros > CREDITS_MAX * MICROS:
            raise forms.ValidationError(f"At most {CREDITS_MAX:,} credits.")
        return amount_micros
