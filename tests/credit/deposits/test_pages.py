"""The top-up pages: what they offer, what a top-up says in each state, and what they refuse."""

import re

import pytest
from django.urls import reverse

from common import clock
from credit import services
from credit.chains import deposit_chains
from credit.deposit_states import Failure, TopUpStatus
from credit.models import TopUp
from credit.services import top_ups
from tests.credit.deposits.builders import STRANGER, announce, arrive, available, link, payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(alice, evm_settings, signed_in):
    return signed_in(alice)


def fields(**said) -> dict:
    place = f"evm:31337/{contract()}"
    return {"amount": "25", "place": place, "recognised_by": "sender", "key": "k1"} | said


def contract() -> str:
    return deposit_chains()[0].assets[0].contract


def words(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


class ChoosingTests:
    def test_without_a_chain_the_page_says_so(self, alice, signed_in, settings):
        settings.APTOS_ASSET = settings.EVM_ASSET = ""
        assert "No chain is set up here" in words(signed_in(alice).get(reverse("credit:top-up")))

    def test_a_linked_wallet_starts_a_top_up_with_the_amount_as_it_is(self, alice, browser):
        link(alice, STRANGER)
        answer = browser.post(reverse("credit:top-up"), fields(amount="12,50"))

        top_up = TopUp.objects.get()
        assert answer["Location"] == reverse("credit:top-up-detail", args=[top_up.pk])
        assert (top_up.asked_micros, top_up.payable_micros, top_up.owner) == (12_500_000, 12_500_000, alice)

    def test_sending_the_form_twice_starts_one(self, alice, browser):
        for _ in range(2):
            browser.post(reverse("credit:top-up"), fields(recognised_by="amount"))
        assert TopUp.objects.count() == 1

    @pytest.mark.parametrize(
        ("said", "hint"),
        [
            ({"amount": "9.99"}, "The least is 10.00 credits."),
            ({"amount": "much"}, "Write an amount like 25 or 12.50."),
            ({"amount": "-25"}, "Write an amount"),
            ({"amount": "2000000"}, "Choose a smaller amount"),
            ({"place": "evm:1/0x0"}, "valid choice"),
            ({"recognised_by": "sender"}, "No wallet of yours is linked for Local."),
        ],
    )
    def test_what_cannot_be_is_refused_with_words(self, browser, said, hint):
        answer = browser.post(reverse("credit:top-up"), fields(recognised_by="amount") | said)
        assert answer.status_code == 422
        assert hint in words(answer)
        assert TopUp.objects.count() == 0

    def test_five_may_wait_at_once(self, alice, browser):
        for number in range(5):
            announce(alice, by="amount", key=f"f{number}")
        answer = browser.post(reverse("credit:top-up"), fields(recognised_by="amount"))
        assert answer.status_code == 422
        assert "Five top-ups of yours are waiting" in words(answer)


class PaymentPageTests:
    def test_it_shows_what_to_send_where(self, alice, browser):
        top_up = announce(alice, by="amount", draw=lambda _: 41)
        page = words(browser.get(reverse("credit:top-up-detail", args=[top_up.pk])))
        for shown in (
            deposit_chains()[0].treasury,
            "25.000042",
            "Local",
            "USDT",
            contract(),
            "data:image/svg+xml",
            "data-until",
        ):
            assert shown in page

    def test_its_states_survive_a_reload(self, alice, browser):
        link(alice, STRANGER)
        top_up = announce(alice)
        url = reverse("credit:top-up-detail", args=[top_up.pk])
        now = clock.now()

        assert "Nothing has arrived yet" in words(browser.get(url))
        services.name_transaction(top_up_id=top_up.pk, tx_hash=payment().tx_hash, now=now)
        assert "no block has it yet" in words(browser.get(url))
        arrive(payment(mined_at=now), final=0)
        assert "A block has the payment" in words(browser.get(url))
        arrive(payment(mined_at=now))
        assert "25.00 credits were added" in words(browser.get(url))
        assert available(alice) == 25_000_000

    @pytest.mark.parametrize("failure", Failure)
    def test_a_failure_says_what_to_do(self, alice, browser, failure):
        top_up = announce(alice, by="amount")
        services.name_transaction(top_up_id=top_up.pk, tx_hash="0x" + "1" * 64, now=clock.now())
        top_ups.fail_top_up(top_up=TopUp.objects.get(), failure=failure, now=clock.now())
        assert failure.label in words(browser.get(reverse("credit:top-up-detail", args=[top_up.pk])))

    @pytest.mark.parametrize("status", TopUpStatus)
    def test_every_status_has_a_page(self, alice, browser, status):
        top_up = announce(alice, by="amount")
        TopUp.objects.update(status=status, received_micros=1_000_000, failure="reverted", tx_hash="0x" + "1" * 64)
        page = words(browser.get(reverse("credit:top-up-status", args=[top_up.pk])))
        assert status.label in page

    def test_the_part_that_is_fetched_again_is_tagged(self, alice, browser):
        url = reverse("credit:top-up-status", args=[announce(alice, by="amount").pk])
        tag = browser.get(url)["ETag"]
        assert browser.get(url, headers={"if-none-match": tag}).status_code == 304

    def test_what_is_missing_is_asked_for_without_a_reload(self, alice, browser):
        """By the person, who reads the amount, and by the script, which asks a wallet for the units."""
        link(alice, STRANGER)
        top_up = announce(alice)
        url = reverse("credit:top-up-status", args=[top_up.pk])
        assert 'data-units="25000000"' in words(browser.get(url))
        arrive(payment(units=20_000_000, mined_at=clock.now()))
        part = words(browser.get(url))
        assert 'data-units="5000000"' in part
        assert 'id="pay-amount" hx-swap-oob="true">5.00<' in part

    def test_a_wallet_of_the_browser_is_told_who_may_pay(self, alice, browser):
        """Only where the sender tells whose the payment is."""
        link(alice, STRANGER)
        page = words(browser.get(reverse("credit:top-up-detail", args=[announce(alice).pk])))
        assert f'data-linked="{STRANGER}"' in page
        page = words(browser.get(reverse("credit:top-up-detail", args=[announce(alice, by="amount", key="form-2").pk])))
        assert 'data-linked=""' in page


class VerbTests:
    @pytest.mark.parametrize("said", ["0x" + "AB" * 32, f"https://etherscan.io/tx/0x{'ab' * 32}?x=1"])
    def test_a_hash_or_its_page_in_an_explorer_names_a_transaction(self, alice, browser, said):
        top_up = announce(alice, by="amount")
        browser.post(reverse("credit:top-up-transaction", args=[top_up.pk]), {"transaction": said})
        top_up.refresh_from_db()
        assert (top_up.status, top_up.tx_hash) == ("submitted", "0x" + "ab" * 32)

    @pytest.mark.parametrize("said", ["", "0x12", "0x" + "ab" * 33, "0x" + "ab" * 32 + " 0x" + "cd" * 32])
    def test_anything_else_is_refused(self, alice, browser, said):
        top_up = announce(alice, by="amount")
        answer = browser.post(reverse("credit:top-up-transaction", args=[top_up.pk]), {"transaction": said})
        assert answer.status_code == 422
        assert TopUp.objects.get().status == "waiting"

    def test_giving_up(self, alice, browser):
        top_up = announce(alice, by="amount")
        browser.post(reverse("credit:top-up-give-up", args=[top_up.pk]))
        assert TopUp.objects.get().status == "rejected"

    def test_nobody_else_sees_or_touches_it(self, alice, mallory, browser, signed_in):
        top_up = announce(alice, by="amount")
        other = signed_in(mallory)
        assert other.get(reverse("credit:top-up-detail", args=[top_up.pk])).status_code == 404
        assert other.post(reverse("credit:top-up-give-up", args=[top_up.pk])).status_code == 404
        assert TopUp.objects.get().status == "waiting"
