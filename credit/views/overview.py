"""The Credit page: what one has, how long it lasts, and the newest movements."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common import clock
from common.http import fragment_response
from credit import budgeting, presentation, runway, services
from credit.services.disputes import owed_micros

ENTRIES_SHOWN = 8


@login_required
@require_safe
def overview(request):
    context = balance_context(request) | newest_context(request)
    return render(request, "credit/overview.html", context | {"section_tabs": presentation.sections()})


@login_required
@require_safe
def balance(request):
    return fragment_response(request, "credit/overview.html#balance", balance_context(request))


@login_required
@require_safe
def newest(request):
    return fragment_response(request, "credit/overview.html#newest", newest_context(request))


def balance_context(request) -> dict:
    """What the balance's cards show."""
    balance = services.balance_of(request.user)
    places = presentation.balance_places(balance)
    now = clock.now()
    return {
        "notices": budgeting.notices_of(budgeting.standing_of(request.user, now, balance)),
        "balance": balance,
        "owed_micros": owed_micros(request.user.pk) if balance.in_debt else 0,
        "balance_places": places,
        "parts": presentation.parts_of(balance),
        "runway": runway.of(request.user, balance, now),
    }


def newest_context(request) -> dict:
    entries = services.entries_of(request.user).select_related("source", "target")[:ENTRIES_SHOWN]
    return {"entries": [presentation.Entry(transfer) for transfer in entries]}
