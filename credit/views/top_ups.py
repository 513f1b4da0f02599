"""Topping up: the ways to pay, and the page of one top-up by chain. Each viewer sees their own."""

import secrets

import segno
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import clock
from common.http import fragment_response
from common.limits import limited
from credit import presentation, services
from credit.chains import deposit_chains
from credit.errors import TopUpRefused
from credit.models import RecognisedBy, TopUp
from credit.top_up_form import TopUpForm, TransactionForm, places
from credit.top_up_words import view_of
from credit.views.payments import paypal_offer
from users.networks import networks
from users.requests import SignedIn

SHOWN = 8
REFUSALS = {
    "open": ("place", "Five top-ups of yours are waiting. Pay or give up one of them first."),
    "busy": ("amount", "Too many payments of this amount are awaited at the moment. Choose a slightly different one."),
    "amount": ("amount", "That is more than a single top-up may be. Choose a smaller amount."),
    "recognised_by": ("recognised_by", "This asset cannot be recognised that way."),
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@limited("top-up", limit=20, seconds=600)
def top_up(request: SignedIn) -> HttpResponse:
    """The ways to pay; a POST begins one by chain."""
    wallets = wallets_of(request.user)
    if request.method != "POST":
        return _choose(request, TopUpForm(initial=_first(wallets), wallets=wallets))
    form = TopUpForm(request.POST, wallets=wallets)
    if form.is_valid() and (begun := _begin(request.user, form)):
        return redirect("credit:top-up-detail", begun.pk)
    return _choose(request, form, status=422)


@login_required
@require_safe
def top_up_detail(request: SignedIn, pk: int) -> HttpResponse:
    return _page(request, _own(request, pk), TransactionForm())


@login_required
@require_safe
def top_up_status(request: SignedIn, pk: int) -> HttpResponse:
    return fragment_response(request, "credit/top_up_detail.html#status", {"view": view_of(_own(request, pk)), "is_part": True})


@login_required
@require_POST
@limited("top-up-transaction", limit=30, seconds=600)
def top_up_transaction(request: SignedIn, pk: int) -> HttpResponse:
    """The wallet has sent this one."""
    found, form = _own(request, pk), TransactionForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    services.name_transaction(top_up_id=found.pk, tx_hash=form.cleaned_data["transaction"], now=clock.now())
    return redirect("credit:top-up-detail", found.pk)


@login_required
@require_POST
def top_up_give_up(request: SignedIn, pk: int) -> HttpResponse:
    services.give_up_top_up(top_up_id=_own(request, pk).pk, now=clock.now())
    return redirect("credit:top-up-detail", pk)


def wallets_of(user) -> dict[str, list[str]]:
    """Linked addresses by kind of chain."""
    linked = SocialAccount.objects.filter(user=user, provider__in=[chain.kind for chain in deposit_chains()])
    found: dict[str, list[str]] = {}
    for account in linked:
        found.setdefault(account.provider, []).append(account.uid)
    return found


def _own(request: SignedIn, pk: int) -> TopUp:
    return get_object_or_404(TopUp, pk=pk, owner=request.user)


def _first(wallets: dict[str, list[str]]) -> dict:
    """What the empty form proposes: a place that a linked wallet can pay to."""
    offered = places()
    place = next((value for value, chain, _ in offered if chain.kind in wallets), offered[0][0] if offered else "")
    by = RecognisedBy.SENDER if wallets else RecognisedBy.AMOUNT
    return {"amount": "25", "place": place, "recognised_by": by, "key": secrets.token_urlsafe(16)}


def _begin(user, form: TopUpForm) -> TopUp | None:
    said = form.cleaned_data
    chain, asset = said["place"]
    try:
        return services.start_top_up(
            user=user,
            chain=chain,
            asset=asset,
            amount_micros=said["amount"],
            recognised_by=RecognisedBy(said["recognised_by"]),
            key=said["key"],
            now=clock.now(),
        )
    except TopUpRefused as refused:
        form.add_error(*REFUSALS[refused.reason])
        return None


def _choose(request: SignedIn, form: TopUpForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "places": places(),
        "wallets": sorted(address for addresses in form.wallets.values() for address in addresses),
        "recent": [view_of(each) for each in TopUp.objects.filter(owner=request.user)[:SHOWN]],
        "section_tabs": presentation.sections(),
    }
    return render(request, "credit/top_up.html", context | paypal_offer(request), status=status)


def _page(request: SignedIn, found: TopUp, form: TransactionForm, status: int = 200) -> HttpResponse:
    view = view_of(found)
    wallets = wallets_of(request.user).get(found.chain.partition(":")[0], [])
    context = {"view": view, "form": form, "wallets": wallets, "networks": networks()}
    if view.chain:
        code = segno.make(view.chain.treasury, error="m", micro=False)
        context["qr"] = code.svg_data_uri(scale=4, border=2, light="#fff", dark="#111")
    return render(request, "credit/top_up_detail.html", context, status=status)
