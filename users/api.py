"""What programs ask with a token: the helper that lets them in, and the first address."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from common import clock
from common.limits import address_of, is_within
from users import tokens

WRONG_TOKENS_MAX, WRONG_TOKENS_SECONDS = 30, 300  # of one address
CALLS_MAX, CALLS_SECONDS = 600, 60  # of one token


def token_required(*scopes: str) -> Callable:
    """Decorate a view: `Authorization: Bearer pictor_...` with every scope named. No cookie lets anybody in here.

    The view finds the person in request.user and the token in request.token.
    """

    def decorate(view: Callable) -> Callable:
        @wraps(view)
        @csrf_exempt  # no cookie counts, so no other site can use one
        def asked(request: HttpRequest, *args, **kwargs):
            refusal = _let_in(request, scopes)
            return refusal or view(request, *args, **kwargs)

        return asked

    return decorate


def _let_in(request: HttpRequest, scopes: tuple[str, ...]) -> JsonResponse | None:
    kind, _, said = request.headers.get("Authorization", "").partition(" ")
    token = tokens.find(said.strip(), clock.now()) if kind.lower() == "bearer" else None
    if token is None:
        return _nobody(request)
    if not is_within("api", f"token:{token.pk}", limit=CALLS_MAX, seconds=CALLS_SECONDS):
        return too_many(CALLS_SECONDS)
    missing = [scope for scope in scopes if scope not in token.scopes]
    if missing:
        return refused(HTTPStatus.FORBIDDEN, "scope", f"This token lacks the scope {missing[0]}.")
    request.user, request.token = token.user, token
    return None


def _nobody(request: HttpRequest) -> JsonResponse:
    if not is_within("api-nobody", address_of(request), limit=WRONG_TOKENS_MAX, seconds=WRONG_TOKENS_SECONDS):
        return too_many(WRONG_TOKENS_SECONDS)
    answer = refused(HTTPStatus.UNAUTHORIZED, "token", "Send a token of your account: Authorization: Bearer pictor_...")
    answer["WWW-Authenticate"] = "Bearer"
    return answer


def too_many(seconds: int) -> JsonResponse:
    answer = refused(HTTPStatus.TOO_MANY_REQUESTS, "rate", "Too many calls in a short time.")
    answer["Retry-After"] = str(seconds)
    return answer


def refused(status: HTTPStatus, code: str, words: str) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "words": words}}, status=status)


@require_safe
@never_cache
@token_required("account:read")
def me(request: HttpRequest) -> JsonResponse:
    """Who the token is of. The e-mail address comes with its own scope alone."""
    user = request.user
    said = {"id": user.pk, "name": user.name, "joined": user.date_joined.isoformat(), "time_zone": user.time_zone or None}
    if "email:read" in request.token.scopes:
        said["email"] = user.email or None
    return JsonResponse(said | {"scopes": request.token.scopes})
