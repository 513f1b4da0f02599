"""Google by OpenID Connect. allauth's provider does the dance (state, PKCE, accounts); stricter here are two things:

the ID token's signature is checked against Google's keys though the token came straight from Google, and it must carry
the nonce of this browser's request. The endpoints come from the settings, so that any OpenID provider can stand in.
"""

import secrets
from functools import cache

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.http import HttpRequest, HttpResponse

KEYS_SECONDS = 3600
TIMEOUT_SECONDS = 5
CLAIMS = ["iss", "aud", "exp", "iat", "sub", "nonce"]


class GoogleAdapter(GoogleOAuth2Adapter):
    @property
    def authorize_url(self) -> str:
        return settings.GOOGLE_AUTHORIZE_URL

    @property
    def access_token_url(self) -> str:
        return settings.GOOGLE_TOKEN_URL

    def complete_login(self, request: HttpRequest, app, token, **kwargs):
        """Without an ID token nothing says who it is: userinfo carries no nonce."""
        if not kwargs["response"].get("id_token"):
            raise OAuth2Error("no id_token")
        return super().complete_login(request, app, token, **kwargs)

    def _decode_id_token(self, app, id_token: str) -> dict:
        try:
            key = _keys(settings.GOOGLE_KEYS_URL).get_signing_key_from_jwt(id_token)
            return jwt.decode(
                id_token,
                key.key,
                algorithms=["RS256"],
                audience=app.client_id,
                issuer=settings.GOOGLE_ISSUER,
                options={"require": CLAIMS},
            )
        except jwt.PyJWTError as error:
            raise OAuth2Error("invalid id_token") from error


@cache
def _keys(url: str) -> jwt.PyJWKClient:
    """Fetched when a key is first needed or unknown, kept for an hour."""
    return jwt.PyJWKClient(url, cache_keys=True, lifespan=KEYS_SECONDS, timeout=TIMEOUT_SECONDS)


callback = OAuth2CallbackView.adapter_view(GoogleAdapter)


def go(request: HttpRequest, *, process: str, then: str, data: dict | None = None) -> HttpResponse:
    """To Google and back. `process` is allauth's: login, connect or redirect."""
    provider = get_adapter().get_provider(request, "google")
    provider.oauth2_adapter_class = GoogleAdapter
    nonce = secrets.token_urlsafe(24)
    wishes = {"nonce": nonce, "prompt": "select_account"}
    return provider.redirect(request, process, next_url=then or None, data=data, auth_params=wishes, nonce=nonce)
