"""Topping up through PayPal: what it costs, the way there and back, the page of one payment, and PayPal's webhook."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import clock
from common.http import fragment_response
from common.limits import limited
from credit import background
from credit.models import Payment
from credit.payment_form import AmountForm, ConfirmForm, new_key
from credit.payment_words import view_of
from credit.providers import PAYPAL, offered
from credit.providers.base import BadEvent, ProviderUnavailable
from credit.services.disputes import owed_micros
from credit.services.payments import cancel_payment, fee, open_checkout, refresh_payment, start_payment
from credit.services.provider_events import receive_event
from users.requests import SignedIn

SHOWN = 8
EVENT_BYTES_MAX = 64 << 10
PROPOSED = "25"
log = structlog.get_logger(__name__)


def paypal_offer(request: SignedIn) -> dict:
    """What the top-up page shows of PayPal."""
    recent = Payment.objects.filter(owner=request.user)[:SHOWN]
    return {
        "paypal": PAYPAL in offered(),
        "paypal_form": AmountForm(initial={"amount": PROPOSED}),
        "paypal_fee": fee(),
        "payments": [view_of(payment) for payment in recent],
    }


def _needs_paypal(view: Callable) -> Callable:
    """There is no such page where PayPal is not set up."""

    def checked(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if PAYPAL not in offered():
            raise Http404
        return view(request, *args, **kwargs)

    return checked


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@limited("payment", limit=20, seconds=600)
@_needs_paypal
def payment_new(request: SignedIn) -> HttpResponse:
    """The fee and the sum, before anything is paid; a POST leads to PayPal."""
    if request.method == "POST":
        return _pay(request)
    form = AmountForm(request.GET)
    return _review(request, form, new_key(), status=200 if form.is_valid() else 422)


def _pay(request: SignedIn) -> HttpResponse:
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return _review(request, form, new_key(), status=422)
    said = form.cleaned_data
    if said["fee"] != fee().of(said["amount"]):
        return _review(request, form, said["key"], "The fee has changed since this page was shown. This is the new sum.", 422)
    payment = start_payment(
        owner=request.user, provider_name=PAYPAL, amount_micros=said["amount"], form_key=said["key"], now=clock.now()
    )
    try:
        payment = open_checkout(payment_id=payment.pk, **_ways_back(payment))
    except ProviderUnavailable as error:
        log.warning("checkout_not_opened", payment=str(payment.pk), error=str(error))
        return _review(request, form, said["key"], "PayPal does not answer at the moment. Nothing was paid. Try again.", 503)
    view = view_of(payment)
    return redirect(view.approve_url or reverse("credit:payment-detail", args=[payment.pk]))


def _ways_back(payment: Payment) -> dict[str, str]:
    names = {"return_url": "credit:payment-return", "cancel_url": "credit:payment-cancel"}
    return {name: settings.SITE_URL + reverse(address, args=[payment.pk]) for name, address in names.items()}


def _review(request: SignedIn, form: AmountForm, key: str, problem: str = "", status: int = 200) -> HttpResponse:
    context = {"form": form, "key": key, "problem": problem} | _sum_of(form)
    return render(request, "credit/payment_new.html", context, status=status)


def _sum_of(form: AmountForm) -> dict:
    """Credit, fee and sum of a form; nothing of a wrong one."""
    amount_micros = form.cleaned_data.get("amount") if form.is_valid() else None
    if not amount_micros:
        return {"fee": fee()}
    fee_micros = fee().of(amount_micros)
    return {
        "fee": fee(),
        "amount_micros": amount_micros,
        "fee_micros": fee_micros,
        "total_micros": amount_micros + fee_micros,
    }


@login_required
@require_safe
@_needs_paypal
def payment_quote(request: SignedIn) -> HttpResponse:
    """The sum for the amount that is being typed."""
    return fragment_response(request, "credit/top_up_paypal.html#quote", _sum_of(AmountForm(request.GET)))


@login_required
@require_safe
def payment_detail(request: SignedIn, pk) -> HttpResponse:
    return render(request, "credit/payment.html", {"view": _own_view(request, pk)})


@login_required
@require_safe
def payment_status(request: SignedIn, pk) -> HttpResponse:
    return fragment_response(request, "credit/payment.html#status", {"view": _own_view(request, pk)})


@login_required
@require_safe
@limited("payment-return", limit=60, seconds=600, method="GET")
def payment_return(request: SignedIn, pk) -> HttpResponse:
    """The payer is back from PayPal. What the address says besides is not believed: PayPal is asked."""
    payment = _own(request, pk)
    try:
        refresh_payment(payment_id=payment.pk, now=clock.now())
    except (ProviderUnavailable, LookupError) as error:
        log.warning("payment_not_asked", payment=str(payment.pk), error=str(error))  # the sweep asks within seconds
    return redirect("credit:payment-detail", payment.pk)


@login_required
@require_safe
def payment_cancel(request: SignedIn, pk) -> HttpResponse:
    """The payer came back without approving."""
    cancel_payment(payment_id=_own(request, pk).pk)
    return redirect("credit:payment-detail", pk)


def _own(request: SignedIn, pk) -> Payment:
    return get_object_or_404(Payment, pk=pk, owner=request.user)


def _own_view(request: SignedIn, pk):
    return view_of(_own(request, pk), owed_micros(request.user.pk))


@csrf_exempt
@require_POST
@limited("paypal-webhook", limit=600, seconds=60)
@_needs_paypal
def paypal_webhook(request: HttpRequest) -> HttpResponse:
    """PayPal announces something: kept if PayPal signed it, handled in the background. 503 makes PayPal send it again."""
    body = request.read(EVENT_BYTES_MAX + 1)
    if len(body) > EVENT_BYTES_MAX:
        return HttpResponse(status=413)
    try:
        event = receive_event(provider_name=PAYPAL, headers=request.headers, body=body, now=clock.now())
    except BadEvent as bad:
        log.warning("event_refused", why=bad.why)
        return HttpResponse(bad.why, status=bad.status, content_type="text/plain")
    except ProviderUnavailable as error:
        log.warning("event_not_checked", error=str(error))
        return HttpResponse(status=503)
    if event:
        transaction.on_commit(lambda: background.handle_provider_event.delay(event.pk))
    return HttpResponse(status=200)
