"""What a user may say about limits and about to whom documents are made out."""

from django import forms

from common.fields import CreditsField
from credit.models import BillingDetails

LINES_MAX = 6


class BudgetForm(forms.Form):
    """Limits; an empty field is no limit."""

    monthly = CreditsField(
        required=False, label="Monthly budget", help_text="You are told at 50, 80 and 100 %. A month is one of UTC."
    )
    stops_new_jobs = forms.BooleanField(
        required=False,
        label="Stop new jobs at the limit",
        help_text="A job that could pass it is not submitted. What runs already goes on.",
    )
    low_balance = CreditsField(required=False, label="Low balance", help_text="You are told when less than this is available.")

    def clean(self) -> dict:
        said = self.cleaned_data
        for name in ("monthly", "low_balance"):
            if said.get(name) == 0:
                self.add_error(name, "Write more than zero, or leave it empty for no limit.")
        if said.get("stops_new_jobs") and not said.get("monthly") and "monthly" not in self.errors:
            self.add_error("monthly", "New jobs can only be stopped at a limit: write one.")
        return said


class BillingForm(forms.ModelForm):
    """To whom documents are made out."""

    class Meta:
        model = BillingDetails
        fields = ["name", "address", "tax_number"]
        labels = {"name": "Name or company", "address": "Address", "tax_number": "Tax number"}
        help_texts = {
            "name": "Empty: the name of your profile.",
            "tax_number": "As it should be printed, for example a VAT ID.",
        }
        widgets = {"address": forms.Textarea(attrs={"rows": 4, "autocomplete": "street-address"})}

    def clean_address(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["address"].splitlines() if line.strip()]
        if len(lines) > LINES_MAX:
            raise forms.ValidationError(f"At most {LINES_MAX} lines.")
        return "\n".join(lines)
