"""Withdrawing: the form, a page that asks once more, the list that follows by itself. Each viewer sees their own."""

import secrets

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import clock
from common.http import fragment_response
from common.limits import limited
from common.paging import LongPaginator
from credit import presentation, services
from credit.errors import KeyReused
from credit.models import Payout
from credit.services import withdrawals
from credit.withdraw_form import WithdrawForm, ways_of
from credit.withdraw_words import views_of
from credit.withdrawing import Refusal, TooLate, WithdrawalRefused, delay, payout_chains, quote
from users.requests import SignedIn

PER_PAGE = 10
OF_THE_WAY = {Refusal.ADDRESS_GONE, Refusal.ADDRESS_NEW, Refusal.NOT_OFFERED}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@limited("withdraw", limit=20, seconds=600)
def withdraw(request: SignedIn) -> HttpResponse:
    """The form. A first POST shows what would happen, a second one, `confirmed`, lets it happen."""
    ways = ways_of(request.user)
    if request.method != "POST":
        first = next((way.value for way in ways if way.place.usable_at <= clock.now()), "")
        form = WithdrawForm(ways=ways, initial={"way": first, "key": secrets.token_urlsafe(16)})
        return _form_page(request, form)
    form = WithdrawForm(request.POST, ways=ways)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    try:
        return _request(request, form) if "confirmed" in request.POST else _confirm(request, form)
    except WithdrawalRefused as refused:
        form.add_error("way" if refused.reason in OF_THE_WAY else "amount", refused.words)
    except KeyReused:
        form.add_error(None, "This form was sent before with other values. Open the page again.")
    return _form_page(request, form, status=422)


@login_required
@require_safe
def withdraw_list(request: SignedIn) -> HttpResponse:
    return fragment_response(request, "credit/withdraw.html#list", _list(request))


@login_required
@require_POST
def withdraw_cancel(request: SignedIn, pk: int) -> HttpResponse:
    try:
        withdrawals.cancel_withdrawal(owner=request.user, payout_id=pk, now=clock.now())
        messages.success(request, "The withdrawal is cancelled; its credit is back in your balance.")
    except Payout.DoesNotExist as error:
        raise Http404 from error
    except TooLate:
        messages.error(request, "It is too late to cancel this withdrawal: it is on its way, or has ended.")
    return redirect("credit:withdraw")


def _confirm(request: SignedIn, form: WithdrawForm) -> HttpResponse:
    said = form.cleaned_data
    way = said["way"]
    withdrawals.check_withdrawal(
        owner=request.user,
        address_id=way.place.pk,
        chain_key=way.chain.key,
        contract=way.asset.contract,
        amount_micros=said["amount"],
        now=clock.now(),
    )
    what = quote(way.chain, way.asset, said["amount"])
    context = {
        "form": form,
        "way": way,
        "what": what,
        "due_at": clock.now() + delay(),
        "address_url": way.chain.address_url(way.place.address),
        "needs_operator": what.amount_micros > settings.WITHDRAW_APPROVAL_MICROS,
    }
    return render(request, "credit/withdraw_confirm.html", context)


def _request(request: SignedIn, form: WithdrawForm) -> HttpResponse:
    said = form.cleaned_data
    withdrawals.request_withdrawal(
        owner=request.user,
        address_id=said["way"].place.pk,
        chain_key=said["way"].chain.key,
        contract=said["way"].asset.contract,
        amount_micros=said["amount"],
        key=said["key"],
        now=clock.now(),
    )
    messages.success(request, "The withdrawal is requested. You may cancel it until it goes out.")
    return redirect("credit:withdraw")


def _form_page(request: SignedIn, form: WithdrawForm, status: int = 200) -> HttpResponse:
    now = clock.now()
    asked_micros = withdrawals.asked_today(request.user, now)
    context = {
        "form": form,
        "ways": list(form.ways.values()),
        "now": now,
        "balance": services.balance_of(request.user),
        "chains": payout_chains(),
        "owes": withdrawals.owes(request.user),
        "in_doubt": withdrawals.is_in_doubt(request.user),
        "day_left_micros": max(0, settings.WITHDRAW_DAY_MAX_MICROS - asked_micros),
        "day_max_micros": settings.WITHDRAW_DAY_MAX_MICROS,
        "approval_micros": settings.WITHDRAW_APPROVAL_MICROS,
        "delay_seconds": settings.WITHDRAW_DELAY_SECONDS,
        "section_tabs": presentation.sections(),
    }
    return render(request, "credit/withdraw.html", context | _list(request), status=status)


def _list(request: SignedIn) -> dict:
    payouts = Payout.objects.filter(owner=request.user).select_related("place").prefetch_related("transactions")
    page = LongPaginator(payouts, PER_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "views": views_of(page)}
