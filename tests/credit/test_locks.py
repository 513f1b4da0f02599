"""Each lock that money depends on, alone: two connections, and nothing left to chance.

The first verb has written and not committed when the second begins on a connection of its own; the first commits once the
second waits for it. As the ledger is, the second then sees what the first did. Every race is also run with its lock taken
out, and must go wrong: a race that passes without the lock proves nothing.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import QuerySet

from credit import services
from credit.chains import all_chains
from credit.codes import Bucket
from credit.errors import HoldTooSmall, InsufficientCredit
from credit.models import Account, Adjustment, Dispute, Earning, Hold, Payment, PayoutAddress, PayoutBatch, PayoutLane
from credit.payment_states import DisputeKind
from credit.posting import chart_of
from credit.proof import differences
from credit.services import disputes, payouts, withdrawals
from tests.credit.builders import NOW, charge, earn, hold, pay_by_provider, person, top_up
from tests.credit.machine.border import money_rules
from tests.credit.test_races import race
from tests.overlap import until_somebody_waits
from users.models import User

LATER = NOW + timedelta(days=30)
pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Meeting:
    """Two verbs, and whether what came of them is right, by what the second returned or which exception it met."""

    first: Callable[[], object]
    second: Callable[[], object]
    is_right: Callable[[object], bool]


def two_additions() -> Meeting:
    alice = person("alice")
    chart_of([alice.pk])
    first, second = (lambda key=key: top_up(alice, 100, key=key) for key in ("a", "b"))
    return Meeting(first, second, lambda _: services.balance_of(alice).available_micros == 200)


def two_holds_of_more_than_half() -> Meeting:
    alice = person("alice")
    top_up(alice, 100)
    first, second = (lambda key=key: hold(alice, 60, key=key) for key in ("a", "b"))
    return Meeting(first, second, lambda outcome: isinstance(outcome, InsufficientCredit))


def two_charges_of_more_than_half() -> Meeting:
    """Beside another hold, so that the owner's held account would bear both."""
    alice, wanda = person("alice"), person("wanda")
    top_up(alice, 200)
    held, _ = hold(alice, 100, key="job:1"), hold(alice, 100, key="job:2")
    first, second = (lambda key=key: charge(held, 60, wanda, key=key) for key in ("a", "b"))
    return Meeting(first, second, lambda outcome: isinstance(outcome, HoldTooSmall))


def a_maturity_and_a_refund() -> Meeting:
    """Beside a later earning, so that the pending account would bear both."""
    alice, wanda = person("alice"), person("wanda")
    top_up(alice, 200)
    held = hold(alice, 200)
    charge(held, 100, wanda, key="task:1")
    charge(held, 100, wanda, key="task:2", now=LATER)
    due = Earning.objects.earliest("matures_at").matures_at
    return Meeting(
        lambda: services.sweep_matured_earnings(now=due),
        lambda: services.refund_charge(key="refund", charge_key="task:1", reason=""),
        lambda outcome: outcome == 100 and services.balance_of(wanda).pending_micros == 60,
    )


def two_disputes_of_one_payment() -> Meeting:
    alice = person("alice")
    payment = pay_by_provider(alice, 100)
    first, second = (
        lambda key=key: disputes.open_dispute(
            payment_id=payment.pk, key=key, kind=DisputeKind.DISPUTE, credit_micros=100, now=NOW
        )
        for key in ("a", "b")
    )
    return Meeting(first, second, lambda _: sum(Dispute.objects.values_list("amount_micros", flat=True)) == 100)


def two_batches_of_one_lane() -> Meeting:
    alice, wanda = person("alice"), person("wanda")
    top_up(alice, 1_000)
    earn(wanda, 1_000, payer=alice)
    PayoutAddress.objects.create(owner=wanda, network="evm", address="0x" + "c" * 40, verified_at=NOW, usable_at=NOW)
    ids = [withdrawal_of(wanda, key) for key in ("a", "b")]
    withdrawals.release_due_withdrawals(now=LATER)
    lane = payouts.open_lane(chain=all_chains()[-1].key, sender="0x1", next_number=0)
    first, second = (
        lambda pk=pk: payouts.begin_batch(lane_id=lane.pk, payout_ids=[pk], asset_units=1, gas_units=1, now=LATER) for pk in ids
    )
    return Meeting(first, second, lambda outcome: isinstance(outcome, PayoutBatch))


def withdrawal_of(owner: User, key: str) -> int:
    chain = all_chains()[-1]
    place, contract = owner.payout_addresses.get().pk, chain.assets[0].contract
    asked = {"address_id": place, "chain_key": chain.key, "contract": contract, "amount_micros": 200, "key": key}
    return withdrawals.request_withdrawal(owner=owner, now=NOW, **asked).pk


def two_adjustments_at_the_limit_of_one_operator() -> Meeting:
    alice, sam = person("alice"), person("sam", is_staff=True)
    chart_of([alice.pk])
    asked = {"user": alice, "bucket": Bucket.PURCHASED, "amount_micros": 3_000, "reason": "Why", "operator": sam, "now": NOW}
    adjust = lambda: services.ask_adjustment(**asked)  # noqa: E731
    return Meeting(adjust, adjust, lambda _: Adjustment.objects.filter(needs_second=True).count() == 1)


RACES = [
    (Account, two_additions),
    (Account, two_holds_of_more_than_half),
    (Hold, two_charges_of_more_than_half),
    (Earning, a_maturity_and_a_refund),
    (Payment, two_disputes_of_one_payment),
    (PayoutLane, two_batches_of_one_lane),
    (User, two_adjustments_at_the_limit_of_one_operator),
]
every_race = pytest.mark.parametrize(("locked", "prepare"), RACES, ids=[prepare.__name__ for _, prepare in RACES])


def ends_right(meeting: Meeting) -> bool:
    """The first verb waits with its commit until the second waits for it."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            meeting.first()
            second = pool.submit(race, meeting.second)
            until_somebody_waits()
        (outcome,) = second.result(30)
    return meeting.is_right(outcome) and not list(differences(NOW))


@pytest.fixture(autouse=True)
def small_amounts(settings):
    money_rules(settings)


@every_race
def test_the_second_waits_and_then_sees_what_the_first_did(locked, prepare):
    assert ends_right(prepare())


@every_race
def test_without_its_lock_the_same_race_goes_wrong(locked, prepare, monkeypatch):
    lock = QuerySet.select_for_update
    meeting = prepare()
    monkeypatch.setattr(
        QuerySet,
        "select_for_update",
        lambda rows, *args, **how: rows.all() if rows.model is locked else lock(rows, *args, **how),
    )
    assert not ends_right(meeting)
