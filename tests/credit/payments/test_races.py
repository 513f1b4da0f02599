"""The event, the browser's return and the sweep at once; two tabs at once: one capture, one credit."""

import pytest

from credit.models import Payment, Transfer
from credit.payment_states import PaymentStatus
from credit.proof import differences
from credit.providers import provider
from credit.services import balance_of
from credit.services.payments import apply_order, refresh_payment
from credit.services.provider_events import refresh_dispute
from tests.credit.builders import NOW, person
from tests.credit.payments.conftest import MICROS, checkout, pay
from tests.credit.test_races import race
from tests.overlap import overlapped

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 6


@pytest.fixture(autouse=True)
def in_order(transactional_db):
    yield
    assert list(differences(NOW)) == []


class RaceTests:
    def test_everybody_asks_at_once_and_one_credits(self, paypal):
        alice = person("alice")
        payment = checkout(alice)
        paypal.approve(payment.order_id)
        race(*[lambda: refresh_payment(payment_id=payment.pk, now=NOW)] * AT_ONCE)
        assert Payment.objects.get().status == PaymentStatus.CREDITED
        assert balance_of(alice).available_micros == 20 * MICROS
        assert Transfer.objects.filter(code="top_up").count() == 1
        assert paypal.asked["captured"] == 1

    def test_two_tabs_open_one_checkout(self, paypal):
        alice = person("alice")
        outcomes = race(*[lambda: checkout(alice)] * AT_ONCE)
        assert {outcome.order_id for outcome in outcomes} == {Payment.objects.get().order_id}
        assert paypal.asked["opened"] == 1

    def test_the_event_overlaps_with_the_return(self, paypal):
        """The second has read the order before the first has committed."""
        alice = person("alice")
        payment = checkout(alice)
        paypal.approve(payment.order_id)
        order = _captured(paypal, payment)
        overlapped(
            lambda: apply_order(payment_id=payment.pk, order=order, now=NOW),
            lambda: apply_order(payment_id=payment.pk, order=order, now=NOW),
        )
        assert balance_of(alice).available_micros == 20 * MICROS

    def test_a_dispute_is_opened_once(self, paypal):
        alice = person("alice")
        payment = pay(paypal, alice)
        paypal.dispute(payment.order_id, "21.18")
        race(*[lambda: refresh_dispute(provider_name="paypal", dispute_id="PP-D-1", now=NOW)] * AT_ONCE)
        assert balance_of(alice).available_micros == 0
        assert payment.disputes.count() == 1


def _captured(paypal, payment):
    provider("paypal").capture(payment.order_id, reference=f"{payment.pk}-0")
    return provider("paypal").order(payment.order_id)
