"""A network that takes PayPal, and a payer who goes through its checkout."""

from collections.abc import Iterator

import pytest

from credit.models import Payment
from credit.services.payments import open_checkout, refresh_payment, start_payment
from tests.credit.builders import NOW
from tests.paypal import PayPal

MICROS = 1_000_000


@pytest.fixture
def paypal(settings, tmp_path) -> Iterator[PayPal]:
    stand_in = PayPal(NOW)
    for name, value in stand_in.settings(tmp_path).items():
        setattr(settings, name, value)
    yield stand_in
    stand_in.close()


@pytest.fixture
def at_noon(monkeypatch):
    """The site's clock stands at NOW."""
    monkeypatch.setattr("common.clock.now", lambda: NOW)


def checkout(owner, *, credits: int = 20, form_key: str = "form") -> Payment:
    """A checkout that waits for its payer."""
    payment = start_payment(owner=owner, provider_name="paypal", amount_micros=credits * MICROS, form_key=form_key, now=NOW)
    return open_checkout(payment_id=payment.pk, return_url="http://testserver/back", cancel_url="http://testserver/no")


def pay(paypal: PayPal, owner, *, credits: int = 20, form_key: str = "form", now=NOW) -> Payment:
    """Opened, approved, collected, credited."""
    payment = checkout(owner, credits=credits, form_key=form_key)
    paypal.approve(payment.order_id)
    return refresh_payment(payment_id=payment.pk, now=now)
