"""The pages of a payment, and the way to PayPal and back."""

import re

import pytest
from django.urls import reverse

from credit.models import Payment
from credit.payment_states import PaymentStatus
from credit.payment_words import DISPUTES, WORDS
from credit.services import balance_of
from credit.services.payments import refresh_payment
from credit.services.provider_events import refresh_dispute
from tests.credit.builders import NOW, charge, hold
from tests.credit.payments.conftest import MICROS, checkout, pay

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order", "at_noon")]
NEW = "/credit/top-up/paypal/"


@pytest.fixture
def browser(alice, paypal, signed_in):
    return signed_in(alice)


def send(browser, amount: str = "25", fee: str = "1400000", key: str = "k"):
    return browser.post(NEW, {"amount": amount, "fee": fee, "key": key})


def page_of(browser, payment) -> str:
    return browser.get(reverse("credit:payment-detail", args=[payment.pk])).text


class SumTests:
    def test_the_fee_is_shown_before_paying(self, browser):
        page = browser.get(NEW, {"amount": "25"}).text
        for words in ("4.4 % + 0.30", "25.00 USD", "1.40 USD", "26.40 USD"):
            assert words in page

    def test_the_top_up_page_offers_it(self, browser):
        page = browser.get("/credit/top-up/").text
        assert "By PayPal or card" in page
        assert "4.4 % + 0.30" in page

    def test_the_sum_follows_what_is_typed(self, browser):
        assert "10.74 USD" in browser.get(NEW + "sum/", {"amount": "10"}).text
        assert "you see the sum before you pay" in browser.get(NEW + "sum/", {"amount": "ten"}).text

    @pytest.mark.parametrize("amount", ["", "ten", "9.99", "10000.01", "10.001", "-20", "1e5", "٢٥"])
    def test_wrong_amounts_are_explained(self, browser, amount):
        answer = browser.get(NEW, {"amount": amount})
        assert answer.status_code == 422
        assert "field-error" in answer.text
        assert send(browser, amount).status_code == 422
        assert not Payment.objects.exists()

    def test_where_it_is_not_set_up_there_is_no_such_page(self, browser, settings):
        settings.PAYPAL_CLIENT_ID = ""
        assert browser.get(NEW, {"amount": "25"}).status_code == 404
        assert "PayPal is not set up here" in browser.get("/credit/top-up/").text

    def test_the_page_that_shows_the_sum_sends_it(self, browser, paypal):
        page = browser.get(NEW, {"amount": "25"}).text
        fields = dict(re.findall(r'<input type="hidden" name="(amount|fee|key)" value="([^"]+)">', page))
        assert browser.post(NEW, fields)["Location"].startswith(paypal.url)


class WayTests:
    def test_there_and_back(self, browser, alice, paypal):
        answer = send(browser)
        payment = Payment.objects.get()
        assert answer["Location"] == f"{paypal.url}/checkoutnow?token={payment.order_id}"
        order = paypal.orders[payment.order_id]
        paypal.approve(payment.order_id)
        back = browser.get(order["return_url"].removeprefix("http://testserver"), {"token": payment.order_id, "PayerID": "X"})
        assert back["Location"] == reverse("credit:payment-detail", args=[payment.pk])
        assert balance_of(alice).available_micros == 25 * MICROS
        assert "Credited" in page_of(browser, payment)

    def test_coming_back_twice_credits_once(self, browser, alice, paypal):
        payment = checkout(alice)
        paypal.approve(payment.order_id)
        for _ in range(2):
            browser.get(reverse("credit:payment-return", args=[payment.pk]))
        assert balance_of(alice).available_micros == 20 * MICROS

    def test_coming_back_without_having_approved(self, browser, alice, paypal):
        payment = checkout(alice)
        browser.get(reverse("credit:payment-return", args=[payment.pk]), {"token": payment.order_id, "PayerID": "FORGED"})
        assert balance_of(alice).available_micros == 0
        assert "Go on at PayPal" in page_of(browser, payment)

    def test_coming_back_while_paypal_does_not_answer(self, browser, alice, paypal):
        payment = checkout(alice)
        paypal.down = True
        assert browser.get(reverse("credit:payment-return", args=[payment.pk])).status_code == 302

    def test_two_tabs_with_one_form_open_one_checkout(self, browser, paypal):
        assert send(browser)["Location"] == send(browser)["Location"]
        assert Payment.objects.count() == 1

    def test_two_forms_are_two_payments(self, browser, alice, paypal):
        for key in ("a", "b"):
            send(browser, key=key)
        for payment in Payment.objects.all():
            paypal.approve(payment.order_id)
            browser.get(reverse("credit:payment-return", args=[payment.pk]))
        assert balance_of(alice).available_micros == 50 * MICROS

    def test_a_form_that_was_paid_leads_to_its_payment(self, browser, alice, paypal):
        send(browser)
        payment = Payment.objects.get()
        paypal.approve(payment.order_id)
        refresh_payment(payment_id=payment.pk, now=NOW)
        assert send(browser)["Location"] == reverse("credit:payment-detail", args=[payment.pk])

    def test_another_fee_than_was_shown_is_shown_first(self, browser, settings):
        settings.PAYPAL_FEE_CENTS = 50
        answer = send(browser)
        assert answer.status_code == 422
        assert "26.60 USD" in answer.text
        assert not Payment.objects.exists()

    def test_paypal_down_says_so_and_the_same_form_goes_on(self, browser, paypal):
        paypal.down = True
        answer = send(browser)
        assert answer.status_code == 503
        assert "does not answer" in answer.text
        paypal.down = False
        assert send(browser)["Location"].startswith(paypal.url)
        assert Payment.objects.count() == 1

    def test_cancelling_and_going_on(self, browser, alice, paypal):
        payment = checkout(alice)
        browser.get(reverse("credit:payment-cancel", args=[payment.pk]))
        page = page_of(browser, payment)
        assert "Cancelled" in page
        assert payment.approve_url in page


class PageTests:
    def test_it_follows_by_itself_and_survives_a_reload(self, browser, alice, paypal):
        paypal.outcome = "PENDING"
        payment = pay(paypal, alice)
        assert f'data-live="user:{alice.pk}" data-live-on="credit"' in page_of(browser, payment)
        part = reverse("credit:payment-status", args=[payment.pk])
        assert "PENDING_REVIEW" in browser.get(part).text
        paypal.settle(payment.order_id)
        refresh_payment(payment_id=payment.pk, now=NOW)
        assert "the credit is yours" in browser.get(part).text

    def test_every_status_has_words(self, browser, alice, paypal):
        assert set(WORDS) == set(PaymentStatus)
        assert len(DISPUTES) == 3

    def test_a_debt_is_named(self, browser, alice, wanda, paypal):
        payment = pay(paypal, alice)
        charge(hold(alice, 15 * MICROS), 15 * MICROS, wanda)
        paypal.refund(payment.order_id, "21.18", "REFUNDED")
        refresh_payment(payment_id=payment.pk, now=NOW)
        page = page_of(browser, payment)
        assert "You owe 15.00 credits" in page
        assert "went back to who paid it" in page
        assert "You owe 15.00 credits" in browser.get("/credit/").text

    def test_what_is_on_hold_is_named(self, browser, alice, paypal):
        payment = pay(paypal, alice)
        paypal.dispute(payment.order_id, "21.18")
        refresh_dispute(provider_name="paypal", dispute_id="PP-D-1", now=NOW)
        assert "The payment is disputed" in page_of(browser, payment)
        assert "credits are on hold" in browser.get("/credit/balance/").text

    def test_nobody_else_sees_it(self, alice, mallory, paypal, signed_in):
        payment = checkout(alice)
        for name in ("detail", "status", "return", "cancel"):
            assert signed_in(mallory).get(reverse(f"credit:payment-{name}", args=[payment.pk])).status_code == 404
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.AWAITING
