"""Adjustments in the console: asked for in a form, agreed to or refused by an action."""

from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.shortcuts import redirect
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from common import clock
from common.admin import ReadOnlyAdmin
from common.money import format_exact, parse_credits
from common.transitions import IllegalMove
from credit.errors import AdjustmentRefused, InsufficientCredit, NotClaimable
from credit.models import Adjustment
from credit.services import agree_to_adjustment, ask_adjustment, refuse_adjustment

ASKED = ("user", "bucket", "amount", "reason")


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
class AdjustmentAdmin(ReadOnlyAdmin):
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
    actions = ["agree", "refuse"]

    @admin.display(description="Amount", ordering="amount_micros")
    def amount(self, adjustment: Adjustment) -> str:
        return format_exact(adjustment.amount_micros)

    @admin.display(description="Gives")
    def gives(self, adjustment: Adjustment) -> str:
        return f"deposit {adjustment.deposit_id}" if adjustment.deposit_id else ""

    def has_add_permission(self, request) -> bool:
        return ModelAdmin.has_add_permission(self, request)

    def get_form(self, request, obj=None, change=False, **kwargs):
        return super().get_form(request, obj, change, **kwargs) if obj else AdjustmentForm

    def get_fields(self, request, obj=None):
        return super().get_fields(request, obj) if obj else ASKED

    def add_view(self, request, form_url="", extra_context=None):
        """What the ledger refuses is said above the form, which keeps what was typed."""
        try:
            return super().add_view(request, form_url, extra_context)
        except AdjustmentRefused as refused:
            words = refused.words
        except InsufficientCredit as short:
            words = f"The account has {format_exact(short.short_micros)} credits less than that at hand in this bucket."
        self.message_user(request, words, messages.ERROR)
        return redirect(f"{request.path}?{urlencode({name: request.POST.get(name, '') for name in ASKED})}")

    def save_model(self, request, obj, form, change) -> None:
        said = form.cleaned_data
        made = ask_adjustment(
            user=said["user"],
            bucket=said["bucket"],
            amount_micros=said["amount"],
            reason=said["reason"],
            operator=request.user,
            now=clock.now(),
        )
        obj.__dict__ |= {name: getattr(made, name) for name in (field.attname for field in Adjustment._meta.fields)}
        if made.needs_second:
            self.message_user(request, "It waits for a second operator: nothing has moved yet.", messages.WARNING)

    @admin.action(description="Agree: the credit moves now", permissions=["change_status"])
    def agree(self, request, queryset):
        self._each(request, queryset, agree_to_adjustment, "is made")

    @admin.action(description="Refuse", permissions=["change_status"])
    def refuse(self, request, queryset):
        self._each(request, queryset, refuse_adjustment, "is refused")

    def has_change_status_permission(self, request) -> bool:
        return request.user.has_perm("credit.change_adjustment")

    def _each(self, request, queryset, verb, done: str) -> None:
        for adjustment in queryset[:100]:
            try:
                verb(adjustment.pk, operator=request.user, now=clock.now())
            except AdjustmentRefused as refused:
                self.message_user(request, f"Adjustment {adjustment.pk}: {refused.words}", messages.ERROR)
            except IllegalMove:
                self.message_user(request, f"Adjustment {adjustment.pk} was decided before.", messages.WARNING)
            except NotClaimable:
                words = f"Adjustment {adjustment.pk}: the deposit was credited to somebody else meanwhile. Refuse it."
                self.message_user(request, words, messages.ERROR)
            except InsufficientCredit:
                self.message_user(request, f"Adjustment {adjustment.pk}: the account has less than that now.", messages.ERROR)
            else:
                self.message_user(request, f"Adjustment {adjustment.pk} {done}.", messages.SUCCESS)
