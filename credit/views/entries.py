"""One entry of the history: what moved where, why, and what it was for."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from credit import presentation, services
from credit.legs import legs_of
from credit.links import links_of

RELATED = ("source", "target", "hold", "reverses", "reversed_by", "earning", "invoice")


@login_required
@require_safe
def entry_detail(request, pk: int):
    """The page of an entry of one's own; for others it does not exist."""
    transfer = get_object_or_404(services.entries_of(request.user).select_related(*RELATED).defer("invoice__pdf"), pk=pk)
    context = {
        "entry": presentation.Entry(transfer),
        "transfer": transfer,
        "legs": legs_of(transfer, request.user),
        "links": links_of(request.user, transfer.key),
        "earning": getattr(transfer, "earning", None),
        "invoice": getattr(transfer, "invoice", None),
        "related": _related(request.user, transfer),
    }
    return render(request, "credit/entry.html", context)


def _related(user, transfer) -> list[tuple[str, object]]:
    """(words, entry) of what this one undid, and what undid it, in the same history."""
    pairs = [("Reverses", transfer.reverses), ("Reversed by", getattr(transfer, "reversed_by", None))]
    return [(words, row) for words, row in pairs if row is not None and row.owner_id == user.pk]
