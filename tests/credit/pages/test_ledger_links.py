"""From an entry of the history to the top-up, the payment or the withdrawal behind it; never to somebody else's."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from credit.links import links_of
from credit.models import Deposit, Dispute, Payment, TopUp
from credit.payment_states import DisputeKind

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HASH = "0x" + "ab" * 32


def urls(user, key: str) -> list[str]:
    return [link.url for link in links_of(user, key)]


def test_a_deposit_leads_to_its_top_up(alice, wanda):
    top_up = TopUp.objects.create(
        owner=alice,
        key="form",
        chain="evm:1",
        asset="0xdac1",
        recognised_by="sender",
        asked_micros=1,
        payable_micros=1,
        expires_at=NOW,
    )
    deposit = Deposit.objects.create(
        owner=alice,
        top_up=top_up,
        chain="evm:1",
        asset="0xdac1",
        tx_hash=HASH,
        log_index=3,
        units="1",
        amount_micros=1,
        block_number=1,
        mined_at=NOW,
    )
    page = reverse("credit:top-up-detail", args=[top_up.pk])
    assert urls(alice, deposit.ledger_key) == [page]
    assert urls(alice, f"{deposit.ledger_key}:claim") == [page]
    assert urls(wanda, deposit.ledger_key) == []


def test_a_payment_and_its_dispute_lead_to_its_page(alice, wanda):
    payment = Payment.objects.create(
        provider="paypal", owner=alice, form_key="form", amount_micros=1, fee_micros=0, capture_id="CAP1"
    )
    dispute = Dispute.objects.create(payment=payment, key="paypal:PP-D-1", kind=DisputeKind.values[0], amount_micros=1)
    page = reverse("credit:payment-detail", args=[payment.pk])
    for key in ("paypal:capture:CAP1", f"dispute:{dispute.pk}:hold:0/purchased", f"dispute:{dispute.pk}:lost/spendable"):
        assert urls(alice, key) == [page]
        assert urls(wanda, key) == []


@pytest.mark.parametrize("key", ["deposit", "deposit:evm:1:0xdac1:0xab:x", "paypal", "dispute", "dispute:x", "payout:x"])
def test_other_keys_lead_nowhere(alice, key):
    assert urls(alice, key) == []
