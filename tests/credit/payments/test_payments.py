"""A top-up by PayPal: opened, approved, collected, credited once, whatever is lost, repeated or altered on the way."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from structlog.testing import capture_logs

from credit.models import Account, Payment, Transfer
from credit.payment_states import PaymentStatus
from credit.providers.base import ProviderUnavailable
from credit.services import balance_of
from credit.services.payments import apply_order, cancel_payment, open_checkout, refresh_payment, start_payment, sweep_payments
from tests.credit.builders import NOW, captured, charge, hold
from tests.credit.payments.conftest import MICROS, checkout, pay
from users.closing import close

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order")]


def refresh(payment, now=NOW):
    return refresh_payment(payment_id=payment.pk, now=now)


def available(user) -> int:
    return balance_of(user).available_micros


class CheckoutTests:
    def test_the_fee_is_on_top_and_both_its_parts_count(self, alice, paypal):
        payment = checkout(alice, credits=10)
        assert payment.fee_micros == 740_000
        amount = paypal.orders[payment.order_id]["purchase_units"][0]["amount"]
        assert (amount["value"], amount["currency_code"]) == ("10.74", "USD")

    def test_the_same_form_opens_one_checkout(self, alice, paypal):
        assert checkout(alice).order_id == checkout(alice).order_id
        assert paypal.asked["opened"] == 1

    def test_a_lost_answer_opens_it_once(self, alice, paypal):
        paypal.lose_answers = True
        with pytest.raises(ProviderUnavailable):
            checkout(alice)
        paypal.lose_answers = False
        assert checkout(alice).status == PaymentStatus.AWAITING
        assert paypal.asked["opened"] == 1

    def test_the_token_is_kept_and_renewed_when_it_is_no_longer_known(self, alice, paypal):
        payment = pay(paypal, alice)
        assert paypal.asked["token"] == 1
        paypal.tokens.clear()
        refresh(payment)
        assert paypal.asked["token"] == 2

    def test_a_token_that_ends_is_renewed(self, alice, paypal):
        paypal.token_seconds = 30
        pay(paypal, alice)
        assert paypal.asked["token"] > 1

    def test_a_page_elsewhere_is_no_place_to_send_a_payer(self, alice, paypal, settings):
        settings.PAYPAL_PAGE_URL = "https://www.paypal.example"
        with pytest.raises(ProviderUnavailable):
            checkout(alice)

    def test_a_checkout_that_never_opened_fails(self, alice, paypal):
        paypal.down = True
        with pytest.raises(ProviderUnavailable):
            checkout(alice)
        payment = Payment.objects.get()
        sweep_payments(now=payment.opened_at + timedelta(minutes=11))
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.FAILED


class CreditTests:
    def test_an_approved_payment_is_collected_and_credited(self, alice, paypal):
        payment = pay(paypal, alice)
        assert payment.status == PaymentStatus.CREDITED
        assert available(alice) == 20 * MICROS
        assert payment.provider_fee_micros == 1_230_000
        assert payment.transfer.amount_micros == 20 * MICROS

    def test_what_was_not_approved_is_not_collected(self, alice, paypal):
        payment = refresh(checkout(alice))
        assert payment.status == PaymentStatus.AWAITING
        assert available(alice) == 0

    def test_asking_again_credits_once(self, alice, paypal):
        payment = pay(paypal, alice)
        for _ in range(3):
            refresh(payment)
        assert available(alice) == 20 * MICROS
        assert paypal.asked["captured"] == 1

    def test_a_lost_answer_to_the_capture_is_found(self, alice, paypal):
        payment = checkout(alice)
        paypal.approve(payment.order_id)
        paypal.lose_answers = True
        with pytest.raises(ProviderUnavailable):
            refresh(payment)
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.CAPTURING
        paypal.lose_answers = False
        assert refresh(payment).status == PaymentStatus.CREDITED
        assert paypal.asked["captured"] == 1

    def test_a_pending_capture_is_credited_when_it_is_let_go(self, alice, paypal):
        paypal.outcome = "PENDING"
        payment = pay(paypal, alice)
        assert (payment.status, payment.reason) == (PaymentStatus.PENDING, "PENDING_REVIEW")
        assert available(alice) == 0
        paypal.settle(payment.order_id)
        assert refresh(payment).status == PaymentStatus.CREDITED
        assert available(alice) == 20 * MICROS

    def test_a_pending_capture_may_be_denied(self, alice, paypal):
        paypal.outcome = "PENDING"
        payment = pay(paypal, alice)
        paypal.settle(payment.order_id, "DECLINED")
        assert refresh(payment).status == PaymentStatus.DENIED
        assert available(alice) == 0

    def test_a_declined_card_may_be_tried_again(self, alice, paypal):
        paypal.outcome = "INSTRUMENT_DECLINED"
        payment = pay(paypal, alice)
        assert (payment.status, payment.reason) == (PaymentStatus.DENIED, "INSTRUMENT_DECLINED")
        paypal.outcome = "COMPLETED"
        assert refresh(payment).status == PaymentStatus.CREDITED

    @pytest.mark.parametrize("change", [{"value": "0.01"}, {"currency_code": "JPY"}, {"value": "20.00"}, {"value": "a lot"}])
    def test_another_amount_or_currency_is_not_credited(self, alice, paypal, change):
        paypal.outcome = "PENDING"
        payment = pay(paypal, alice)
        capture = paypal._captures(payment.order_id)[0]
        paypal.settle(payment.order_id, amount=capture["amount"] | change)
        assert refresh(payment).status == PaymentStatus.MISMATCHED
        assert available(alice) == 0
        assert refresh(payment).status == PaymentStatus.MISMATCHED

    def test_the_order_of_another_payment_is_not_credited(self, alice, mallory, paypal):
        paid, other = pay(paypal, alice), checkout(mallory)
        Payment.objects.filter(pk=paid.pk).update(order_id=None)
        Payment.objects.filter(pk=other.pk).update(order_id=paid.order_id)
        assert refresh(other).status == PaymentStatus.MISMATCHED
        assert available(mallory) == 0

    def test_a_capture_pays_one_payment(self, alice, mallory, paypal):
        paid, other = pay(paypal, alice), pay(paypal, mallory, form_key="other")
        third = checkout(mallory, form_key="third")
        paypal.approve(third.order_id)
        paypal.outcome = "PENDING"
        refresh(third)
        paypal._captures(third.order_id)[0].update(paypal._captures(paid.order_id)[0])
        assert refresh(third).status == PaymentStatus.MISMATCHED
        assert available(mallory) == other.amount_micros

    def test_the_money_may_be_charged_back_for_180_days(self, alice, wanda, paypal):
        payment = pay(paypal, alice)
        assert payment.clears_at == NOW + timedelta(days=180)
        assert Account.objects.get(owner=alice, kind="spendable", bucket="purchased").clears_at == payment.clears_at
        charge(hold(alice, 5 * MICROS), 5 * MICROS, wanda)
        earned = Transfer.objects.get(code="earning").earning
        assert earned.matures_at == payment.clears_at

    def test_what_runs_out_first_does_not_shorten_the_window(self, alice, paypal):
        later = pay(paypal, alice, now=NOW + timedelta(days=5))
        pay(paypal, alice, form_key="second", now=NOW)
        assert Account.objects.get(owner=alice, kind="spendable", bucket="purchased").clears_at == later.clears_at


class CancelTests:
    def test_it_can_be_cancelled_until_it_is_approved(self, alice, paypal):
        payment = cancel_payment(payment_id=checkout(alice).pk)
        assert payment.status == PaymentStatus.CANCELLED

    def test_approving_it_in_another_tab_counts(self, alice, paypal):
        payment = cancel_payment(payment_id=checkout(alice).pk)
        paypal.approve(payment.order_id)
        assert refresh(payment).status == PaymentStatus.CREDITED

    def test_a_credited_payment_cannot_be_cancelled(self, alice, paypal):
        payment = pay(paypal, alice)
        assert cancel_payment(payment_id=payment.pk).status == PaymentStatus.CREDITED


class SweepTests:
    def test_a_payment_whose_return_and_event_never_came_is_credited(self, alice, paypal):
        payment = checkout(alice)
        paypal.approve(payment.order_id)
        sweep_payments(now=payment.opened_at)
        assert available(alice) == 20 * MICROS

    def test_an_order_that_paypal_forgot_expires(self, alice, paypal):
        payment = checkout(alice)
        del paypal.orders[payment.order_id]
        sweep_payments(now=payment.opened_at)
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.EXPIRED

    def test_an_order_nobody_approves_expires(self, alice, paypal):
        payment = checkout(alice)
        sweep_payments(now=payment.opened_at + timedelta(hours=7))
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.EXPIRED

    def test_it_asks_less_and_less(self, alice, paypal):
        payment = checkout(alice)
        for minutes in range(0, 300):
            sweep_payments(now=payment.opened_at + timedelta(minutes=minutes))
        assert paypal.asked["order"] < 40

    def test_paypal_down_changes_nothing(self, alice, paypal):
        payment = checkout(alice)
        paypal.down = True
        sweep_payments(now=payment.opened_at)
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.AWAITING

    def test_one_that_is_not_answered_keeps_no_other(self, alice, paypal):
        broken, fine = checkout(alice, form_key="broken"), checkout(alice, form_key="fine")
        Payment.objects.filter(pk=broken.pk).update(ask_at=NOW - timedelta(hours=1))  # so it is asked about first
        paypal.broken[broken.order_id] = 500
        paypal.approve(fine.order_id)
        sweep_payments(now=NOW)
        assert available(alice) == 20 * MICROS

    def test_those_that_are_never_answered_come_after_the_others(self, alice, paypal):
        for number in range(5):
            paypal.broken[checkout(alice, form_key=f"broken:{number}").order_id] = 500
        fine = checkout(alice, form_key="fine")
        paypal.approve(fine.order_id)
        for _ in range(2):
            sweep_payments(now=NOW + timedelta(seconds=1))
            cache.clear()  # its rest is over
        assert available(alice) == 20 * MICROS

    def test_a_dead_provider_is_left_alone_longer_each_time(self, alice, paypal):
        for number in range(9):
            checkout(alice, form_key=f"form:{number}")
        paypal.down = True
        with capture_logs() as said:
            for _ in range(3):
                assert sweep_payments(now=NOW + timedelta(seconds=1)) == 3
                assert sweep_payments(now=NOW + timedelta(seconds=1)) == 0
                cache.delete("credit:provider:paypal:rests")  # it is over
        assert [line["seconds"] for line in said if line["event"] == "provider_rests"] == [30, 60, 120]

    def test_it_works_without_a_provider(self, alice, paypal, settings):
        payment = checkout(alice)
        settings.PAYPAL_CLIENT_ID = ""
        sweep_payments(now=payment.opened_at)
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.AWAITING


class ClosedTests:
    """Cancelled, its account closed, then approved in another tab."""

    @pytest.fixture
    def left_open(self, alice, paypal):
        payment = checkout(alice)
        cancel_payment(payment_id=payment.pk)
        paypal.approve(payment.order_id)
        return payment

    def test_nothing_is_collected_for_a_closed_account(self, alice, paypal, left_open):
        close(alice, NOW)
        assert refresh(left_open).status == PaymentStatus.DENIED
        assert paypal.asked["captured"] == 0

    def test_what_was_collected_meanwhile_is_held_for_an_operator(self, alice, left_open):
        close(alice, NOW)
        held = apply_order(payment_id=left_open.pk, order=captured(left_open), now=NOW)
        assert (held.status, held.reason) == (PaymentStatus.MISMATCHED, "the account was closed meanwhile")
        assert not Transfer.objects.exists()


class BoundTests:
    @pytest.mark.parametrize("micros", [10 * MICROS - 10_000, 10_000 * MICROS + 10_000, 10 * MICROS + 1])
    def test_amounts_have_bounds(self, alice, micros):
        with pytest.raises(AssertionError):
            start_payment(owner=alice, provider_name="paypal", amount_micros=micros, form_key="x", now=NOW)

    def test_a_checkout_is_not_opened_after_it_was_settled(self, alice, paypal):
        payment = pay(paypal, alice)
        again = open_checkout(payment_id=payment.pk, return_url="", cancel_url="")
        assert again.status == PaymentStatus.CREDITED
