"""The Credit page: what one has, and every movement of it."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from common.http import fragment_response
from common.paging import LongPaginator
from credit import presentation, services

ENTRIES_PER_PAGE = 25


@login_required
@require_safe
def overview(request):
    return render(request, "credit/overview.html", balance_context(request) | history_context(request))


@login_required
@require_safe
def balance(request):
    return fragment_response(request, "credit/overview.html#balance", balance_context(request))


@login_required
@require_safe
def history(request):
    return fragment_response(request, "credit/overview.html#history", history_context(request))


def balance_context(request) -> dict:
    """What the balance's cards show."""
    balance = services.balance_of(request.user)
    return {"balance": balance, "balance_places": presentation.balance_places(balance)}


def history_context(request) -> dict:
    """One page of the history, of the kind that the address asks for."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in presentation.FILTERS else ""
    entries = services.entries_of(request.user).select_related("source", "target")
    if kind:
        entries = entries.filter(code__in=presentation.codes_of(kind))
    page = LongPaginator(entries, ENTRIES_PER_PAGE).get_page(request.GET.get("page"))
    query = urlencode({"kind": kind}) if kind else ""
    return {
        "page": page,
        "entries": [presentation.Entry(transfer) for transfer in page],
        "kind": kind,
        "tabs": presentation.tabs(reverse("credit:overview")),
        "query": query,
        "fragment_query": urlencode({"kind": kind, "page": page.number}),
    }
