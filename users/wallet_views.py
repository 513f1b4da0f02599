"""The two calls behind "Connect a wallet": what to sign, and what was signed. JSON, with the page's CSRF token."""

import json
from http import HTTPStatus

import structlog
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from common import clock
from common.limits import limited
from users import challenges, fresh
from users.methods import has_second_step
from users.models import Purpose, WalletChallenge
from users.views import next_page
from users.wallets.refusals import Reason, Refused
from users.wording import NOT_CONFIRMED, NOT_LINKED, REFUSALS, TAKEN

log = structlog.get_logger(__name__)

BODY_BYTES_MAX = 32 << 10
FORMS = {"siwa", "message", "eip4361"}


@require_POST
@never_cache
@limited("wallet", limit=60, seconds=60)
def challenge(request: HttpRequest) -> JsonResponse:
    """{form, purpose, address?, next?} -> what the wallet is to sign."""
    said = _body(request)
    form, purpose = _line(said, "form"), _line(said, "purpose")
    is_known = form in FORMS and purpose in Purpose.values
    if not is_known or not is_offered(form) or (purpose != Purpose.SIGN_IN and not request.user.is_authenticated):
        return refusal(Refused(Reason.BAD_ENCODING, "no such challenge"))
    if purpose in (Purpose.LINK, Purpose.PAYOUT) and not fresh.is_fresh(request):
        return _said("not_confirmed", NOT_CONFIRMED)
    try:
        made = challenges.begin(
            session_key=_session_key(request),
            purpose=Purpose(purpose),
            form=form,
            user=request.user if request.user.is_authenticated else None,
            address=_line(said, "address"),
            next_page=next_page(request, "", wanted=_line(said, "next")),
            now=clock.now(),
        )
    except Refused as refused:
        return refusal(refused)
    return JsonResponse(_to_sign(made))


@require_POST
@never_cache
@limited("wallet", limit=60, seconds=60)
def answer(request: HttpRequest) -> JsonResponse:
    """{nonce, signature, ...} -> {next}: signed in, linked, or believed to be still the same person."""
    try:
        asked, address = proven(request, Purpose.SIGN_IN, Purpose.LINK, Purpose.CONFIRM)
    except Refused as refused:
        return refusal(refused)
    if asked.purpose == Purpose.CONFIRM:
        return _confirm(request, asked, address)
    try:
        with transaction.atomic():
            return JsonResponse({"next": _complete(request, asked, address)})
    except IntegrityError:  # linked in another browser at the same moment
        return _said("taken", TAKEN)


def _confirm(request: HttpRequest, asked: WalletChallenge, address: str) -> JsonResponse:
    """A linked wallet proves that it is still the same person, unless there is a second step: then that does."""
    is_mine = SocialAccount.objects.filter(user=request.user, provider=asked.network, uid=address).exists()
    if not is_mine or has_second_step(request.user):
        return _said("not_linked", NOT_LINKED)
    fresh.note(request)
    return JsonResponse({"next": asked.next or reverse("users:security")})


def proven(request: HttpRequest, *purposes: Purpose) -> tuple[WalletChallenge, str]:
    """What this browser was asked to sign for one of `purposes`, used up now, and the address whose owner signed it.

    Raises:
        Refused: no proof, or of something else.
    """
    said, now = _body(request), clock.now()
    user = request.user if request.user.is_authenticated else None
    session_key = request.session.session_key or ""
    asked = challenges.consume(nonce=_line(said, "nonce"), session_key=session_key, user=user, now=now)
    if asked.purpose not in purposes:
        raise Refused(Reason.NONCE_MISMATCH, f"asked for {asked.purpose}")
    return asked, challenges.verify(asked, said, now)


def is_offered(form: str) -> bool:
    """Aptos accounts are only believed with a node to ask."""
    return form == "eip4361" or bool(settings.APTOS_NODE_URL)


def _complete(request: HttpRequest, asked: WalletChallenge, address: str) -> str:
    """allauth signs in, signs up or links; where to go then."""
    provider = get_adapter().get_provider(request, asked.network)
    login = provider.sociallogin_from_response(request, {"address": address})
    login.state = {"process": "connect" if asked.purpose == Purpose.LINK else "login"}
    if asked.next:
        login.state["next"] = asked.next
    return complete_social_login(request, login).url


def _to_sign(made: WalletChallenge) -> dict:
    answer = {"nonce": made.nonce, "form": made.form, "statement": challenges.statement(made)}
    if made.form == "siwa":
        return answer | {"signIn": challenges.siwa_input(made)}
    if made.form == "eip4361":
        return answer | {"text": challenges.evm_text(made)}
    return answer | {"chainId": settings.APTOS_CHAIN_ID}


def _session_key(request: HttpRequest) -> str:
    if not request.session.session_key:
        request.session.create()
    return request.session.session_key


def _body(request: HttpRequest) -> dict:
    if len(request.body) > BODY_BYTES_MAX:
        return {}
    try:
        said = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _line(said: dict, name: str) -> str:
    """One line of text; empty where it is anything else, or holds what no database keeps (NUL, half a surrogate pair)."""
    value = said.get(name)
    return value if isinstance(value, str) and value.isprintable() else ""


def refusal(refused: Refused) -> JsonResponse:
    """Why a proof is not believed, in words."""
    log.info("wallet_refused", reason=refused.reason, detail=refused.detail)
    return _said(refused.reason, REFUSALS[refused.reason])


def _said(reason: str, words: str) -> JsonResponse:
    return JsonResponse({"reason": reason, "words": words}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
