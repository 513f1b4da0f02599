"""The last look at whether books, chains and provider agree, above those before it; and a way to look again."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from common.admin import ReadOnlyAdmin
from credit.hints import hint_on_commit
from credit.models import Reconciliation
from credit.reconciliation import Verdict
from credit.reconciling.books import PROVED_ELSEWHERE

PARTS = [("books", "Books against rows"), ("chains", "Books against chains"), ("provider", "Books against the provider")]


def sections(look: Reconciliation | None) -> list[tuple[str, list[dict]]]:
    """The lines of a look by part, each with the words of its verdict."""
    lines = [line | {"label": Verdict(line["verdict"]).label} for line in (look.lines if look else [])]
    return [(title, mine) for part, title in PARTS if (mine := [line for line in lines if line["part"] == part])]


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "verdict", "compared", "took"]
    list_filter = ["verdict", "started_at"]
    fields = ["started_at", "ended_at", "verdict"]
    list_before_template = "admin/credit/reconciliation.html"
    change_form_before_template = "admin/credit/reconciliation.html"

    def get_urls(self) -> list:
        again = path("again/", self.admin_site.admin_view(self.look_again), name="credit_reconciliation_look_again")
        return [again, *super().get_urls()]

    def changelist_view(self, request, extra_context=None):
        last = Reconciliation.objects.first()
        return super().changelist_view(request, self._said(last, may_look=True) | (extra_context or {}))

    def change_view(self, request, object_id, form_url="", extra_context=None):
        look = Reconciliation.objects.filter(pk=object_id).first() if object_id.isdigit() else None
        return super().change_view(request, object_id, form_url, self._said(look) | (extra_context or {}))

    def _said(self, look: Reconciliation | None, *, may_look: bool = False) -> dict:
        return {"look": look, "sections": sections(look), "proved_elsewhere": PROVED_ELSEWHERE, "may_look": may_look}

    @method_decorator(require_POST)
    def look_again(self, request):
        """A background process asks the nodes and the provider; no page waits for them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        hint_on_commit("sweep_reconciliation")
        self.message_user(request, "Being looked at: reload the page within a minute.", messages.INFO)
        return redirect("admin:credit_reconciliation_changelist")

    @admin.display(description="Compared")
    def compared(self, look: Reconciliation) -> int:
        return len(look.lines)

    @admin.display(description="Took")
    def took(self, look: Reconciliation) -> str:
        return f"{(look.ended_at - look.started_at).total_seconds():.1f} s"
