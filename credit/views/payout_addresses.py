"""The address book of withdrawals: proven by a fresh signature, named, removed. Each viewer sees their own."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from common import clock
from common.limits import limited
from credit import presentation
from credit.models import PayoutAddress
from credit.services import payout_addresses
from credit.withdraw_form import LabelForm
from credit.withdrawing import payout_chains
from users import fresh
from users.models import Purpose
from users.networks import networks
from users.requests import SignedIn
from users.wallet_views import proven, refusal
from users.wallets.refusals import Refused


@login_required
@require_safe
def address_list(request: SignedIn) -> HttpResponse:
    context = {
        "places": PayoutAddress.objects.filter(owner=request.user, removed_at=None),
        "now": clock.now(),
        "chains": payout_chains(),
        "networks": networks(),
        "answer_url": reverse("credit:payout-address-answer"),
        "delay_seconds": settings.PAYOUT_ADDRESS_DELAY_SECONDS,
        "is_fresh": fresh.is_fresh(request),
        "confirm_url": fresh.confirm_url(request.path),
        "section_tabs": presentation.sections(),
    }
    return render(request, "credit/withdraw_addresses.html", context)


@login_required
@require_POST
@never_cache
@limited("payout-address", limit=20, seconds=600)
def address_answer(request: SignedIn) -> JsonResponse:
    """{nonce, signature, ...} -> {next}: the address that signed is in the book."""
    try:
        asked, address = proven(request, Purpose.PAYOUT)
    except Refused as refused:
        return refusal(refused)
    payout_addresses.add_payout_address(
        owner=request.user, network=asked.network, address=address, now=clock.now(), request=request
    )
    return JsonResponse({"next": reverse("credit:payout-addresses")})


@login_required
@require_POST
def address_label(request: SignedIn, pk: int) -> HttpResponse:
    form = LabelForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Names have up to 60 letters, digits and ordinary signs.")
    elif not payout_addresses.label_payout_address(owner=request.user, address_id=pk, label=form.cleaned_data["label"]):
        raise Http404
    return redirect("credit:payout-addresses")


@login_required
@require_POST
def address_remove(request: SignedIn, pk: int) -> HttpResponse:
    if not payout_addresses.remove_payout_address(owner=request.user, address_id=pk, now=clock.now(), request=request):
        raise Http404
    messages.success(request, "The address is removed. To use it again, sign with it again; it then waits anew.")
    return redirect("credit:payout-addresses")
