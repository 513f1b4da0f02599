"""What tests do with a browser that is signed in."""

from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from users import fresh

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def equip(user) -> None:
    """A second step, without which nobody operates anything."""
    TOTP.activate(user, SECRET)


def code_of(secret: str = SECRET) -> str:
    """What the app shows now."""
    cache.clear()  # a code counts once; in a test two sign-ins may fall into the same half minute
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def type_code(browser: Client, code: str, to: str = "mfa_authenticate"):
    return browser.post(reverse(to), {"code": code})


def age(browser: Client) -> Client:
    """The last proof of who it is was long ago."""
    session = browser.session
    session[fresh.KEY] = 0
    session.save()
    return browser


def ask(browser: Client, form: str, purpose: str = "sign_in", **more):
    """What a wallet is to sign."""
    said = {"form": form, "purpose": purpose, **more}
    return browser.post(reverse("users:wallet-challenge"), said, content_type="application/json")


def answer(browser: Client, said: dict):
    """What it signed."""
    return browser.post(reverse("users:wallet-answer"), said, content_type="application/json")
