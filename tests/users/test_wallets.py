"""Signing in with a wallet, linking one, and what does not work."""

import json
import threading
from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from common import clock
from tests.aptos_node import AptosNode
from tests.users.wallets import MetaMask, Petra
from users.challenges import domain
from users.models import User, WalletChallenge

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(settings):
    node = AptosNode()
    settings.APTOS_NODE_URL = node.url
    yield node
    node.close()


def ask(browser: Client, form: str, purpose: str = "sign_in", **more):
    return browser.post(
        reverse("users:wallet-challenge"), {"form": form, "purpose": purpose, **more}, content_type="application/json"
    )


def tell(browser: Client, said: dict):
    return browser.post(reverse("users:wallet-answer"), said, content_type="application/json")


def sign_in(browser: Client, wallet: Petra):
    return tell(browser, wallet.sign_in(ask(browser, "siwa").json()))


def test_a_petra_wallet_signs_up_and_in_again(chain):
    for browser in (Client(), Client()):
        assert sign_in(browser, Petra(1)).json() == {"next": "/"}
        assert browser.get(reverse("users:profile")).status_code == 200

    account = SocialAccount.objects.get()
    assert (account.provider, account.uid) == ("aptos", Petra(1).address)
    assert User.objects.get().name.startswith(Petra(1).address[:6])


def test_sign_message_is_taken_where_a_wallet_has_no_sign_in(chain):
    browser = Client()

    answered = tell(browser, Petra(1).sign_message(ask(browser, "message").json(), domain=domain()))

    assert answered.status_code == 200
    assert SocialAccount.objects.get().uid == Petra(1).address


def test_an_evm_wallet_signs_in():
    browser = Client()

    answered = tell(browser, MetaMask(1).sign(ask(browser, "eip4361", address=MetaMask(1).address).json()))

    assert answered.status_code == 200
    assert SocialAccount.objects.get().uid == MetaMask(1).address


def test_another_key_than_the_addresss_is_refused():
    browser = Client()

    answered = tell(browser, MetaMask(2).sign(ask(browser, "eip4361", address=MetaMask(1).address).json()))

    assert (answered.status_code, answered.json()["reason"]) == (422, "bad_signature")
    assert not User.objects.exists()


def test_a_key_that_was_replaced_does_not_sign_in(chain):
    chain.keys[Petra(1).address] = Petra(2).authentication_key

    assert sign_in(Client(), Petra(1)).json()["reason"] == "address_mismatch"
    assert sign_in(Client(), Petra(2, address=Petra(1).address)).status_code == 200


@pytest.mark.parametrize("sick", [{"status": 503}, {"status": 404}, {"chain_id": 1}])
def test_nobody_comes_in_while_the_chain_cannot_be_asked(chain, sick):
    for name, value in sick.items():
        setattr(chain, name, value)

    answered = sign_in(Client(), Petra(1))

    assert answered.json()["reason"] == "chain_unavailable"
    assert not User.objects.exists()


def test_aptos_is_not_offered_without_a_node(settings):
    settings.APTOS_NODE_URL = ""

    assert ask(Client(), "siwa").status_code == 422


def test_an_answer_counts_once(chain):
    browser = Client()
    said = Petra(1).sign_in(ask(browser, "siwa").json())

    first, second = tell(browser, said), tell(browser, said)

    assert first.status_code == 200
    assert second.json()["reason"] in ("nonce_used", "nonce_mismatch")  # signing in changed the session


def test_an_answer_from_another_browser_is_refused(chain):
    said = Petra(1).sign_in(ask(Client(), "siwa").json())

    assert tell(Client(), said).json()["reason"] == "nonce_mismatch"


def test_an_old_challenge_is_refused(chain):
    browser = Client()
    said = Petra(1).sign_in(ask(browser, "siwa").json())
    WalletChallenge.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    assert tell(browser, said).json()["reason"] == "nonce_expired"


def test_a_signature_to_sign_in_links_nothing(chain, alice, signed_in):
    """What somebody was led to sign for one purpose is worth nothing for another."""
    browser = signed_in(alice)
    linking, signing_in = ask(browser, "siwa", "link").json(), ask(browser, "siwa").json()
    said = Petra(1).sign_in(signing_in) | {"nonce": linking["nonce"]}

    assert tell(browser, said).status_code == 422
    assert not SocialAccount.objects.exists()


def test_a_wallet_is_linked_and_then_signs_in(chain, alice, signed_in):
    browser = signed_in(alice)

    assert tell(browser, Petra(1).sign_in(ask(browser, "siwa", "link").json())).status_code == 200

    later = Client()
    sign_in(later, Petra(1))
    assert int(later.session["_auth_user_id"]) == alice.pk


def test_a_wallet_belongs_to_one_account(chain, alice, mallory, signed_in):
    for person in (alice, mallory):
        browser = signed_in(person)
        tell(browser, Petra(1).sign_in(ask(browser, "siwa", "link").json()))

    assert SocialAccount.objects.get().user == alice


def test_only_who_is_signed_in_may_link(chain):
    assert ask(Client(), "siwa", "link").status_code == 422


@pytest.mark.parametrize("body", ["", "[]", "nonsense", '{"nonce": []}', '{"nonce": {"a": 1}}', "[" * 5000])
def test_nonsense_is_answered_with_words(body):
    for name in ("users:wallet-challenge", "users:wallet-answer"):
        answered = Client().post(reverse(name), body, content_type="application/json")
        assert (answered.status_code, "words" in answered.json()) == (422, True)


@pytest.mark.parametrize("field", ["form", "purpose", "address", "next", "nonce"])
@pytest.mark.parametrize("nonsense", [[], {}, 7, None, "\0", "/a\0b", "\ud800", "x" * 5_000])
def test_no_field_breaks_the_answer(field, nonsense):
    asked = {"form": "eip4361", "purpose": "sign_in", "address": MetaMask(1).address, "nonce": "n"}
    browser = Client()
    ask(browser, "eip4361", address=MetaMask(1).address)

    for name in ("users:wallet-challenge", "users:wallet-answer"):
        body = json.dumps(asked | {field: nonsense})
        assert browser.post(reverse(name), body, content_type="application/json").status_code in (200, 422)


def test_the_way_leads_to_pages_of_this_site_alone(chain):
    ours, theirs = Client(), Client()
    said = [Petra(1).sign_in(ask(b, "siwa", next=n).json()) for b, n in ((ours, "/rendering/"), (theirs, "//evil.example/"))]

    assert tell(ours, said[0]).json()["next"] == "/rendering/"
    assert tell(theirs, said[1]).json()["next"] == "/"


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_one_counts(chain):
    from django.db import connection

    from users import challenges
    from users.wallets.refusals import Refused

    browser = Client()
    nonce = ask(browser, "siwa").json()["nonce"]
    gate, heard = threading.Barrier(8), []

    def answer() -> None:
        gate.wait()
        try:
            heard.append(challenges.consume(nonce=nonce, session_key=browser.session.session_key, user=None, now=clock.now()))
        except Refused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=answer) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(heard) == 1
