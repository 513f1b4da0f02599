"""A bank takes money back: told by PayPal's signed event alone. Whatever else takes the same money, it is taken once."""

import pytest

from credit.models import Dispute, ProviderEvent
from credit.services.disputes import owed_micros
from credit.services.payments import refresh_payment
from tests.credit.builders import NOW, hold, top_up
from tests.credit.payments.conftest import MICROS, checkout, pay
from tests.credit.payments.test_disputes import ask, micros
from tests.credit.payments.test_events import announce

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order", "at_noon")]
ALL, HALF = "21.18", "10.59"


@pytest.fixture
def paid(alice, paypal):
    top_up(alice, 50 * MICROS)
    return pay(paypal, alice)


def left(user) -> int:
    """Credits at hand; 70 to begin with."""
    return micros(user, "spendable") // MICROS


def reverse(client, paypal, payment, value: str = ALL, reversal_id: str = "") -> None:
    assert announce(client, paypal, paypal.reversal_event(payment.order_id, value, reversal_id)) == 200


def test_it_takes_the_credit(client, alice, paypal, paid):
    reverse(client, paypal, paid)
    assert (left(alice), Dispute.objects.get().kind, Dispute.objects.get().status) == (50, "reversal", "lost")
    assert ProviderEvent.objects.get().outcome == "reversed"


def test_half_of_the_money_is_half_of_the_credit(client, alice, paypal, paid):
    reverse(client, paypal, paid, HALF)
    assert left(alice) == 60


def test_what_is_spent_is_owed(client, alice, paypal, paid):
    hold(alice, 65 * MICROS)
    reverse(client, paypal, paid)
    assert (left(alice), owed_micros(alice.pk)) == (0, 15 * MICROS)


def test_announced_twice_it_is_taken_once(client, alice, paypal, paid):
    for _ in range(2):  # two events, one reversal
        reverse(client, paypal, paid, HALF, "REV-1")
    assert left(alice) == 60


def test_two_halves_are_the_whole_and_a_third_takes_nothing(client, alice, paypal, paid):
    for number in range(3):
        reverse(client, paypal, paid, HALF, f"REV-{number}")
    assert left(alice) == 50


@pytest.mark.parametrize("value", [ALL, HALF])
def test_the_money_of_a_lost_dispute_is_not_taken_again(client, alice, paypal, paid, value):
    paypal.dispute(paid.order_id, value)
    paypal.resolve("PP-D-1", "RESOLVED_BUYER_FAVOUR", value)
    ask()
    expected = left(alice)
    for _ in range(2):
        reverse(client, paypal, paid, value, "REV-1")
    assert left(alice) == expected == (50 if value == ALL else 60)


def test_during_a_dispute_it_waits_and_a_dispute_that_is_then_won_gives_nothing_back(client, alice, paypal, paid):
    paypal.dispute(paid.order_id, ALL)
    ask()
    reverse(client, paypal, paid)
    assert (left(alice), micros(alice, "disputed")) == (50, 20 * MICROS)
    paypal.resolve("PP-D-1", "CANCELED_BY_BUYER")
    assert ask() == "won"
    assert (left(alice), micros(alice, "disputed")) == (50, 0)
    assert ask() == "won"
    assert left(alice) == 50


def test_beside_a_dispute_of_the_other_half_both_are_taken(client, alice, paypal, paid):
    """The reversal takes what is not at stake; won, the dispute shows that it was the same money no more."""
    paypal.dispute(paid.order_id, HALF)
    ask()
    reverse(client, paypal, paid)
    assert left(alice) == 50
    paypal.resolve("PP-D-1", "RESOLVED_SELLER_FAVOUR")
    ask()
    assert left(alice) == 50


def test_a_refund_during_a_dispute_is_taken_when_the_dispute_is_won(client, alice, paypal, paid):
    paypal.dispute(paid.order_id, ALL)
    ask()
    paypal.refund(paid.order_id, ALL, "REFUNDED")
    refresh_payment(payment_id=paid.pk, now=NOW)
    paypal.resolve("PP-D-1", "CANCELED_BY_BUYER")
    ask()
    assert left(alice) == 50


def test_a_reversal_that_the_order_lists_as_a_refund_counts_once(client, alice, paypal, paid):
    reverse(client, paypal, paid)
    paypal.refund(paid.order_id, ALL, "REFUNDED")
    refresh_payment(payment_id=paid.pk, now=NOW)
    assert left(alice) == 50


def test_before_the_payment_is_credited_it_waits_for_that(client, alice, paypal):
    payment = checkout(alice)
    paypal.outcome = "PENDING"
    paypal.approve(payment.order_id)
    refresh_payment(payment_id=payment.pk, now=NOW)
    reverse(client, paypal, payment)
    paypal.settle(payment.order_id)
    announce(client, paypal, paypal.capture_event(payment.order_id))
    assert left(alice) == 0


def test_one_of_somebody_elses_payment_takes_nothing(client, alice, chen, paypal, paid):
    other = pay(paypal, chen, form_key="chen")
    reverse(client, paypal, other)
    assert (left(alice), left(chen)) == (70, 0)
