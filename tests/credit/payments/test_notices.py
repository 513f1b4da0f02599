"""What people are told about payments through a provider, and about disputes over them."""

import pytest

from credit.services.payments import refresh_payment
from credit.services.provider_events import refresh_dispute
from tests.credit.builders import NOW, charge, hold
from tests.credit.payments.conftest import MICROS, checkout, pay
from users.models import Notice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order")]


def told(user, kind: str) -> list[str]:
    return list(Notice.objects.filter(user=user, kind=kind).order_by("pk").values_list("words", flat=True))


def ask() -> None:
    refresh_dispute(provider_name="paypal", dispute_id="PP-D-1", now=NOW)


def test_a_payment_that_arrived_is_told_once(alice, paypal):
    payment = pay(paypal, alice)
    refresh_payment(payment_id=payment.pk, now=NOW)
    assert told(alice, "top_up") == ["20.00 credits were added to your balance."]
    assert Notice.objects.get().url == f"/credit/payments/{payment.pk}/"


def test_one_that_waits_for_its_payer_is_no_news(alice, paypal):
    payment = checkout(alice)
    refresh_payment(payment_id=payment.pk, now=NOW)
    assert not Notice.objects.exists()


def test_a_dispute_and_its_end(alice, paypal):
    payment = pay(paypal, alice)
    paypal.dispute(payment.order_id, "21.18")
    for _ in range(2):
        ask()
    paypal.resolve("PP-D-1", "RESOLVED_SELLER_FAVOUR")
    for _ in range(2):
        ask()
    assert told(alice, "dispute") == [
        "A payment of yours is disputed: 20.00 credits are at stake.",
        "A dispute over a payment of yours is over: what was on hold is available again.",
    ]


def test_what_is_spent_and_gone_is_said_to_be_owed(alice, wanda, paypal):
    payment = pay(paypal, alice)
    charge(hold(alice, 15 * MICROS), 15 * MICROS, wanda)
    paypal.dispute(payment.order_id, "21.18")
    ask()
    assert Notice.objects.get(kind="dispute").text.startswith("15.00 of it are spent and owed.")


def test_money_that_a_bank_took_back_is_told_once(alice, paypal):
    payment = pay(paypal, alice)
    paypal.refund(payment.order_id, "21.18")
    refresh_payment(payment_id=payment.pk, now=NOW)
    assert told(alice, "dispute") == ["20.00 credits went back to who paid them."]
