"""Faults planted in the ledger, one at a time: the machine of random verbs must find each of them.

No lock is among them, for one thread needs none: test_locks.py takes those out.
"""

import pytest

from credit import posting
from credit.codes import Code
from credit.services import charges
from tests.credit.machine.base import Clock
from tests.credit.machine.border import money_rules
from tests.credit.machine.running import run

EXAMPLES, STEPS_EACH = 30, 100
divide_charge, post = charges.divide_charge, posting.post


def a_micro_to_another(taken, shares_bp):
    """The network gets a micro of the worker's."""
    divided = divide_charge(taken, shares_bp)
    for shares in divided.values():
        micros = min(1, shares["worker"])
        shares["worker"] -= micros
        shares["network"] += micros
    return divided


def without_fees(movements, **how):
    return post([move for move in movements if move.code != Code.WITHDRAWAL_FEE], **how)


def left_out(*args, **kwargs) -> int:
    return 0


# what is wrong -> where below credit, and what is there instead
FAULTS = {
    "a written key is not looked up": ("posting.written", lambda keys: {}),
    "a micro of each charge goes to another share": ("services.charges.divide_charge", a_micro_to_another),
    "a hold forgets what was taken from it": ("services.charges._save", left_out),
    "earnings mature before the money is beyond chargeback": ("services.earnings.matures_at", lambda earliest, **_: earliest),
    "what has matured is taken from pending earnings": (
        "services.refunds._lock_open_earnings",
        lambda rows: {r.pk for r in rows},
    ),
    "a debt marks no wallet": ("services.disputed_funds.Wallet.mark_debt", left_out),
    "earnings from disputed money go on maturing": ("services.disputes.freeze", left_out),
    "earnings from lost money stay with whom it paid": ("services.disputes.take_back", left_out),
    "a debt that was paid restores no earnings": ("services.disputes.restore", left_out),
    "a withdrawal that failed is not given back": ("services.payouts.give_money_back", left_out),
    "the fee of a withdrawal is not taken": ("services.payouts.post", without_fees),
}


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_the_machine_finds_every_planted_fault(fault, settings, monkeypatch):
    money_rules(settings)
    monkeypatch.setattr("django.utils.timezone.now", Clock.now)
    where, instead = FAULTS[fault]
    monkeypatch.setattr(f"credit.{where}", instead)
    assert is_found(), f"nobody noticed that {fault}"


def is_found() -> bool:
    try:
        run(seed=0, examples=EXAMPLES, steps_each=STEPS_EACH, shrinks=False)
    except Exception:
        return True
    return False
