"""Adjustments in the console: asked for in a form, agreed to or refused by an action."""

from django import forms
from django.contrib import admin
from unfold.widgets import UnfoldAdminTextInputWidget

from common import clock
from common.money import format_exact, parse_credits
from credit.admin.deciding import DecidedByTwo
from credit.models import Adjustment
from credit.services import agree_to_adjustment, ask_adjustment, refuse_adjustment


class AdjustmentForm(forms.ModelForm):
    amount = forms.CharField(
        max_length=30,
        widget=UnfoldAdminTextInputWidget,
        help_text="Credits: 12.50 adds, -12.50 takes.",
    )

    class Meta:
        model = Adjustment
        fields = ["user", "bucket", "reason"]
        help_texts = {"reason": "Stands in the user's history. Above your limit of a day it waits for a second operator."}

    def clean_amount(self) -> int:
        text = self.cleaned_data["amount"].strip()
        try:
            micros = parse_credits(text.removeprefix("-"))
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from error
        return -micros if text.startswith("-") else micros


@admin.register(Adjustment)
class AdjustmentAdmin(DecidedByTwo):
    list_display = [
        "id",
        "user",
        "amount",
        "bucket",
        "reason",
        "gives",
        "status",
        "asked_by",
        "asked_at",
        "decided_by",
        "decided_at",
    ]
    list_filter = ["status", "asked_at"]
    search_fields = ["user__email", "user__username", "reason"]
    list_select_related = ["user", "asked_by", "decided_by"]
    autocomplete_fields = ["user"]
    asking, asked = AdjustmentForm, ("user", "bucket", "amount", "reason")
    waits = "nothing has moved yet"

    @admin.display(description="Amount", ordering="amount_micros")
    def amount(self, adjustment: Adjustment) -> str:
        return format_exact(adjustment.amount_micros)

    @admin.display(description="Gives")
    def gives(self, adjustment: Adjustment) -> str:
        return f"deposit {adjustment.deposit_id}" if adjustment.deposit_id else ""

    def ask(self, said, operator) -> Adjustment:
        return ask_adjustment(
            user=said["user"],
            bucket=said["bucket"],
            amount_micros=said["amount"],
            reason=said["reason"],
            operator=operator,
            now=clock.now(),
        )

    @admin.action(description="Agree: the credit moves now", permissions=["decide"])
    def agree(self, request, queryset):
        self.decide(request, queryset, agree_to_adjustment, "is made")

    @admin.action(description="Refuse", permissions=["decide"])
    def refuse(self, request, queryset):
        self.decide(request, queryset, refuse_adjustment, "is refused")
