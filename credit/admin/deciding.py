"""What operators ask for in a form and, above a limit, decide on by two: the part of the console that adjustments and takings share."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.shortcuts import redirect
from unfold.admin import ModelAdmin

from common import clock
from common.admin import ReadOnlyAdmin
from common.transitions import IllegalMove
from credit.operating import REFUSALS, why_not

DECIDED_AT_ONCE = 100  # rows


class DecidedByTwo(ReadOnlyAdmin):
    """Rows that `asking` asks for; those that wait are agreed to or refused by an action."""

    asking: type[forms.ModelForm]
    asked: tuple[str, ...]  # its fields, in order
    ask: Callable[..., Any]  # (what the form says, operator): has the service make the row
    waits: str  # "It waits for a second operator: ..."
    actions = ["agree", "refuse"]

    def has_add_permission(self, request) -> bool:
        return ModelAdmin.has_add_permission(self, request)

    def has_decide_permission(self, request) -> bool:
        return ModelAdmin.has_change_permission(self, request)

    def get_form(self, request, obj=None, change=False, **kwargs):
        return super().get_form(request, obj, change, **kwargs) if obj else self.asking

    def get_fields(self, request, obj=None):
        return super().get_fields(request, obj) if obj else self.asked

    def add_view(self, request, form_url="", extra_context=None):
        """What is refused is said above the form, which keeps what was typed."""
        try:
            return super().add_view(request, form_url, extra_context)
        except REFUSALS as error:
            self.message_user(request, why_not(error), messages.ERROR)
        return redirect(f"{request.path}?{urlencode({name: request.POST.get(name, '') for name in self.asked})}")

    def save_model(self, request, obj, form, change) -> None:
        """The service saves; the console goes on with the row that it made."""
        made = self.ask(form.cleaned_data, request.user)
        obj.__dict__ |= {field.attname: getattr(made, field.attname) for field in self.opts.fields}
        if made.needs_second:
            self.message_user(request, f"It waits for a second operator: {self.waits}.", messages.WARNING)

    def decide(self, request, queryset, verb, done: str) -> None:
        for row in queryset[:DECIDED_AT_ONCE]:
            name = str(row).capitalize()
            try:
                verb(row.pk, operator=request.user, now=clock.now())
            except REFUSALS as error:
                level = messages.WARNING if isinstance(error, IllegalMove) else messages.ERROR
                self.message_user(request, f"{name}: {why_not(error)}", level)
            else:
                self.message_user(request, f"{name} {done}.", messages.SUCCESS)
