"""What people are told about payments by chain: once for each thing that comes of one, with what it means for the money."""

from datetime import timedelta

import pytest

from credit.chains import deposit_chains
from credit.deposit_states import Failure
from credit.services import claim_deposit, top_ups
from tests.credit.deposits.builders import HASH, NOON, STRANGER, announce, arrive, link, payment
from users.models import Notice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evm_settings")]
OTHER_HASH = "0x" + "cd" * 32


@pytest.fixture
def wallet(alice):
    return link(alice, STRANGER)


def told(user) -> list[str]:
    return list(Notice.objects.filter(user=user, kind="top_up").order_by("pk").values_list("words", flat=True))


def test_a_payment_in_full(alice, wallet):
    top_up = announce(alice, now=NOON)
    for _ in range(2):  # read twice
        arrive(payment())
    assert told(alice) == ["25.00 credits were added to your balance."]
    assert Notice.objects.get().url == f"/credit/top-up/{top_up.pk}/"


def test_in_part_then_the_rest(alice, wallet):
    announce(alice, now=NOON)
    arrive(payment(units=20_000_000))
    arrive(payment(units=2_000_000, log_index=1))
    arrive(payment(units=3_000_000, tx_hash=OTHER_HASH))
    assert told(alice) == [
        "20.00 of 25.00 credits arrived.",
        "22.00 of 25.00 credits arrived.",
        "25.00 credits were added to your balance.",
    ]
    assert "send the missing 5.00" in Notice.objects.order_by("pk")[0].text


def test_late(alice, wallet):
    top_up = announce(alice, now=NOON)
    arrive(payment(mined_at=top_up.expires_at + timedelta(hours=1)))
    assert told(alice) == ["25.00 credits were added to your balance."]
    assert "after its time" in Notice.objects.get().text


def test_one_that_failed(alice, wallet):
    top_up = announce(alice, now=NOON)
    top_ups.name_transaction(top_up_id=top_up.pk, tx_hash=HASH, now=NOON)
    top_up.refresh_from_db()
    top_ups.fail_top_up(top_up=top_up, failure=Failure.REVERTED, now=NOON)
    assert told(alice) == ["Your top-up of 25.00 credits failed."]
    assert "failed on the chain" in Notice.objects.get().text


def test_one_that_nobody_announced(alice, wallet):
    arrive(payment())
    assert told(alice) == ["25.00 credits were added to your balance."]
    assert "0x5E5E…5E5E" in Notice.objects.get().text


def test_one_whose_sender_became_known_later(alice):
    deposit = arrive(payment())
    assert not Notice.objects.exists()
    for _ in range(2):
        claim_deposit(deposit_id=deposit.pk, user=alice, now=NOON)
    assert told(alice) == ["25.00 credits were added to your balance."]


def test_what_is_not_final_is_no_news(alice, wallet):
    announce(alice, now=NOON)
    arrive(payment(), final=0)
    assert deposit_chains()
    assert not Notice.objects.exists()
