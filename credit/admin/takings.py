"""Revenue taken out of a treasury, in the console: asked for in a form, agreed to or refused by an action."""

from django import forms
from django.contrib import admin, messages
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from common import clock
from common.money import format_exact, parse_credits
from credit.admin.acting import network_filter
from credit.admin.deciding import DecidedByTwo
from credit.chains import Asset, Chain, all_chains
from credit.models import Taking
from credit.services.takings import agree_to_taking, ask_taking, refuse_taking, revenue_micros


def treasuries() -> dict[str, tuple[Chain, Asset]]:
    return {f"{chain.key} {asset.contract}": (chain, asset) for chain in all_chains() for asset in chain.assets}


class TakingForm(forms.ModelForm):
    amount = forms.CharField(max_length=30, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = Taking
        fields = ["reason"]
        help_texts = {"reason": "Stays in the books. Above your limit of a day it waits for a second operator."}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        choices = [(key, f"{asset.symbol} on {chain.name}") for key, (chain, asset) in treasuries().items()]
        self.fields["treasury"] = forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget)
        self.fields["amount"].help_text = f"Credits. The network has earned {format_exact(revenue_micros())} that it still has."

    def clean_amount(self) -> int:
        try:
            return parse_credits(self.cleaned_data["amount"].strip())
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from error


@admin.register(Taking)
class TakingAdmin(DecidedByTwo):
    list_display = ["id", "amount", "symbol", "chain", "reason", "status", "asked_by", "asked_at", "decided_by", "decided_at"]
    list_filter = ["status", network_filter(), "asked_at"]
    search_fields = ["reason"]
    list_select_related = ["asked_by", "decided_by"]
    asking, asked = TakingForm, ("treasury", "amount", "reason")
    waits = "do not send it yet"

    @admin.display(description="Amount", ordering="amount_micros")
    def amount(self, taking: Taking) -> str:
        return format_exact(taking.amount_micros)

    def ask(self, said, operator) -> Taking:
        chain, asset = treasuries()[said["treasury"]]
        return ask_taking(
            chain=chain,
            asset=asset,
            amount_micros=said["amount"],
            reason=said["reason"],
            operator=operator,
            now=clock.now(),
        )

    def save_model(self, request, obj, form, change) -> None:
        super().save_model(request, obj, form, change)
        if not obj.needs_second:
            self.message_user(request, f"Booked: send {format_exact(obj.amount_micros)} {obj.symbol} now.", messages.SUCCESS)

    @admin.action(description="Agree: it may be sent now", permissions=["decide"])
    def agree(self, request, queryset):
        self.decide(request, queryset, agree_to_taking, "is booked: it may be sent")

    @admin.action(description="Refuse", permissions=["decide"])
    def refuse(self, request, queryset):
        self.decide(request, queryset, refuse_taking, "is refused")
