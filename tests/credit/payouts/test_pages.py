"""The pages: addresses by signature, the form, the page that asks once more, the list."""

from datetime import timedelta

import pytest
from django.urls import reverse

from common import clock
from credit import services
from credit.links import links_of
from credit.models import Payout, PayoutAddress
from credit.payment_states import DisputeKind
from credit.services import disputes, withdrawals
from tests.credit.builders import NOW, hold, pay_by_provider
from tests.credit.payouts.conftest import RECEIVER, address_of
from tests.users.browsers import age
from tests.users.wallets import MetaMask
from users.models import Notice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order")]
URL = "/credit/withdraw/"
ADDRESSES = "/credit/withdraw/addresses/"


def challenge(browser, wallet, purpose: str) -> dict:
    asked = {"form": "eip4361", "purpose": purpose, "address": wallet.address}
    return browser.post(reverse("users:wallet-challenge"), asked, content_type="application/json").json()


def answer(browser, said: dict):
    return browser.post(reverse("credit:payout-address-answer"), said, content_type="application/json")


def fields(user, chain, amount="10", key="form-000000001", **more) -> dict:
    place = user.payout_addresses.first() or address_of(user)
    return {"amount": amount, "way": f"{place.pk}/{chain.key}/{chain.assets[0].contract}", "key": key} | more


def test_an_address_enters_the_book_by_a_signature_for_that(earner, rules, signed_in):
    browser = signed_in(earner)

    said = answer(browser, RECEIVER.sign(challenge(browser, RECEIVER, "payout")))

    assert said.json() == {"next": ADDRESSES}
    place = PayoutAddress.objects.get()
    assert (place.owner, place.address, place.network) == (earner, RECEIVER.address, "evm")
    assert timedelta(hours=23) < place.usable_at - clock.now() <= timedelta(hours=24)
    assert Notice.objects.get().kind == "payout"
    assert RECEIVER.address in browser.get(ADDRESSES).content.decode()


def test_a_stolen_session_adds_no_address(earner, rules, signed_in):
    """A thief signs with a wallet of their own: who asks proves first to be the person of the account."""
    browser = age(signed_in(earner))

    assert challenge(browser, RECEIVER, "payout")["reason"] == "not_confirmed"
    page = browser.get(ADDRESSES).content.decode()
    assert reverse("users:confirm") in page
    assert "data-wallet-open" not in page


@pytest.mark.parametrize("purpose", ["link", "sign_in"])
def test_a_signature_for_something_else_adds_no_address(earner, rules, signed_in, purpose):
    browser = signed_in(earner)

    assert answer(browser, RECEIVER.sign(challenge(browser, RECEIVER, purpose))).status_code == 422
    assert not PayoutAddress.objects.exists()


def test_a_signature_for_a_payout_address_signs_nobody_in_and_links_nothing(earner, rules, signed_in):
    browser = signed_in(earner)
    said = RECEIVER.sign(challenge(browser, RECEIVER, "payout"))

    assert browser.post(reverse("users:wallet-answer"), said, content_type="application/json").status_code == 422
    assert not earner.socialaccount_set.exists()


def test_somebody_elses_signature_adds_no_address(earner, rules, signed_in):
    browser = signed_in(earner)
    asked = challenge(browser, RECEIVER, "payout")

    assert answer(browser, MetaMask(7).sign(asked)).status_code == 422


def test_what_one_person_was_asked_another_cannot_answer(earner, alice, rules, signed_in):
    said = RECEIVER.sign(challenge(signed_in(earner), RECEIVER, "payout"))

    assert answer(signed_in(alice), said).status_code == 422


def test_the_page_asks_once_more_before_anything_moves(earner, offered, signed_in):
    browser = signed_in(earner)

    page = browser.post(URL, fields(earner, offered)).content.decode()

    assert "9.80 USDT" in page
    assert RECEIVER.address in page
    assert services.balance_of(earner).withdrawable_micros == 100_000_000
    assert browser.post(URL, fields(earner, offered, confirmed="1")).status_code == 302
    assert services.balance_of(earner).withdrawable_micros == 90_000_000
    assert "Until then you may cancel it" in browser.get(URL).content.decode()


def test_sending_the_same_page_twice_withdraws_once(earner, offered, signed_in):
    browser = signed_in(earner)
    said = fields(earner, offered, confirmed="1")

    assert [browser.post(URL, said).status_code for _ in range(2)] == [302, 302]
    assert Payout.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("", "This field is required"),
        ("ten", "Write an amount like"),
        ("-5", "Write an amount like"),
        ("0.5", "The least on"),
        ("99.5", None),
        ("100.01", "within 24 hours"),
        ("1e9", "Write an amount like"),
        ("9" * 20, "within 24 hours"),
    ],
)
def test_amounts_are_answered_with_words(earner, offered, signed_in, amount, words):
    answered = signed_in(earner).post(URL, fields(earner, offered, amount, confirmed="1"))

    assert answered.status_code == (422 if words else 302)
    assert not words or words in answered.content.decode()


def test_more_than_was_earned_is_refused_before_and_after_the_confirmation(earner, offered, signed_in, settings):
    settings.WITHDRAW_DAY_MAX_MICROS = 10**9
    for more in ({}, {"confirmed": "1"}):
        answered = signed_in(earner).post(URL, fields(earner, offered, "100.5", **more))
        assert "That is 0.50 credits more than you can withdraw." in answered.content.decode()
    assert not Payout.objects.exists()


def test_an_address_of_somebody_else_is_no_choice(earner, alice, offered, signed_in):
    theirs = address_of(alice)
    said = fields(earner, offered) | {"way": f"{theirs.pk}/{offered.key}/{offered.assets[0].contract}"}

    assert signed_in(earner).post(URL, said | {"confirmed": "1"}).status_code == 422
    assert not Payout.objects.exists()


def test_a_withdrawal_is_cancelled_on_the_page(earner, offered, signed_in):
    browser = signed_in(earner)
    browser.post(URL, fields(earner, offered, confirmed="1"))

    browser.post(reverse("credit:withdraw-cancel", args=[Payout.objects.get().pk]))

    assert services.balance_of(earner).withdrawable_micros == 100_000_000
    assert "You cancelled it" in browser.get(URL).content.decode()


def test_the_list_answers_304_until_something_moves(earner, sam, offered, signed_in):
    browser = signed_in(earner)
    browser.post(URL, fields(earner, offered, confirmed="1"))
    etag = browser.get(URL + "list/")["ETag"]

    assert browser.get(URL + "list/", headers={"if-none-match": etag}).status_code == 304
    withdrawals.refuse_withdrawal(operator=sam, payout_id=Payout.objects.get().pk, reason="Ask us first.", now=clock.now())
    assert "Ask us first." in browser.get(URL + "list/", headers={"if-none-match": etag}).content.decode()


def test_pages_say_what_to_do_where_nothing_is_set_up(earner, rules, signed_in):
    browser = signed_in(earner)

    assert "Withdrawals are not open here" in browser.get(URL).content.decode()
    assert "No address yet" in browser.get(ADDRESSES).content.decode()


def test_an_address_gets_a_name_and_goes(earner, rules, signed_in):
    browser, place = signed_in(earner), address_of(earner)

    browser.post(reverse("credit:payout-address-label", args=[place.pk]), {"label": "  My <b>ledger</b> "})
    assert "My &lt;b&gt;ledger&lt;/b&gt;" in browser.get(ADDRESSES).content.decode()
    browser.post(reverse("credit:payout-address-remove", args=[place.pk]))
    assert "No address yet" in browser.get(ADDRESSES).content.decode()


def test_the_history_leads_to_the_withdrawal(earner, alice, offered, signed_in):
    browser = signed_in(earner)
    browser.post(URL, fields(earner, offered, confirmed="1"))

    assert [link.url for link in links_of(earner, f"payout:{Payout.objects.get().pk}:withdrawal")] == [URL]
    assert links_of(alice, f"payout:{Payout.objects.get().pk}:withdrawal") == []


def test_who_owes_or_is_in_doubt_reads_why_there_is_no_form(earner, offered, signed_in):
    address_of(earner)
    payment = pay_by_provider(earner, 20_000_000)
    dispute = disputes.open_dispute(
        payment_id=payment.pk, key="paypal:D1", kind=DisputeKind.DISPUTE, credit_micros=20_000_000, now=NOW
    )
    page = signed_in(earner).get(URL).content.decode()
    assert "A payment of yours is disputed." in page
    assert 'name="amount"' not in page

    disputes.resolve_dispute(dispute_id=dispute.pk, lost_micros=0, now=NOW)
    hold(earner, 120_000_000)
    disputes.take_returned(payment_id=payment.pk, key="paypal:R1", kind=DisputeKind.REVERSAL, credit_micros=20_000_000, now=NOW)
    page = signed_in(earner).get(URL).content.decode()
    assert "A payment of yours was taken back." in page
    assert 'name="amount"' not in page
