"""Revenue taken out of a treasury, in the console: asked for in a form, agreed to or refused by an action."""

from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.shortcuts import redirect
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from common import clock
from common.admin import ReadOnlyAdmin
from common.money import format_exact, parse_credits
from common.transitions import IllegalMove
from credit.admin.acting import network_filter
from credit.chains import Asset, Chain, all_chains
from credit.errors import TakingRefused
from credit.models import Taking
from credit.services.takings import agree_to_taking, ask_taking, refuse_taking, revenue_micros

ASKED = ("treasury", "amount", "reason")


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
class TakingAdmin(ReadOnlyAdmin):
    list_display = ["id", "amount", "symbol", "chain", "reason", "status", "asked_by", "asked_at", "decided_by", "decided_at"]
    list_filter = ["status", network_filter(), "asked_at"]
    search_fields = ["reason"]
    list_select_related = ["asked_by", "decided_by"]
    actions = ["agree", "refuse"]

    @admin.display(description="Amount", ordering="amount_micros")
    def amount(self, taking: Taking) -> str:
        return format_exact(taking.amount_micros)

    def has_add_permission(self, request) -> bool:
        return ModelAdmin.has_add_permission(self, request)

    def get_form(self, request, obj=None, change=False, **kwargs):
        return super().get_form(request, obj, change, **kwargs) if obj else TakingForm

    def get_fields(self, request, obj=None):
        return super().get_fields(request, obj) if obj else ASKED

    def add_view(self, request, form_url="", extra_context=None):
        """What is refused is said above the form, which keeps what was typed."""
        try:
            return super().add_view(request, form_url, extra_context)
        except TakingRefused as refused:
            self.message_user(request, refused.words, messages.ERROR)
        return redirect(f"{request.path}?{urlencode({name: request.POST.get(name, '') for name in ASKED})}")

    def save_model(self, request, obj, form, change) -> None:
        chain, asset = treasuries()[form.cleaned_data["treasury"]]
        made = ask_taking(
            chain=chain,
            asset=asset,
            amount_micros=form.cleaned_data["amount"],
            reason=form.cleaned_data["reason"],
            operator=request.user,
            now=clock.now(),
        )
        obj.__dict__ |= {name: getattr(made, name) for name in (field.attname for field in Taking._meta.fields)}
        if made.needs_second:
            self.message_user(request, "It waits for a second operator: do not send it yet.", messages.WARNING)
        else:
            self.message_user(request, f"Booked: send {format_exact(made.amount_micros)} {made.symbol} now.", messages.SUCCESS)

    @admin.action(description="Agree: it may be sent now", permissions=["change_status"])
    def agree(self, request, queryset):
        self._each(request, queryset, agree_to_taking, "is booked: it may be sent")

    @admin.action(description="Refuse", permissions=["change_status"])
    def refuse(self, request, queryset):
        self._each(request, queryset, refuse_taking, "is refused")

    def has_change_status_permission(self, request) -> bool:
        return request.user.has_perm("credit.change_taking")

    def _each(self, request, queryset, verb, done: str) -> None:
        for taking in queryset[:100]:
            try:
                verb(taking.pk, operator=request.user, now=clock.now())
            except TakingRefused as refused:
                self.message_user(request, f"Taking {taking.pk}: {refused.words}", messages.ERROR)
            except IllegalMove:
                self.message_user(request, f"Taking {taking.pk} was decided before.", messages.WARNING)
            else:
                self.message_user(request, f"Taking {taking.pk} {done}.", messages.SUCCESS)
