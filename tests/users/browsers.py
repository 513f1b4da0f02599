"""What tests do with a browser that is signed in."""

from django.test import Client
from django.urls import reverse

from users import fresh


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
