"""Each payout happens exactly once, wherever the process that sends it dies.

Tried without its guards: with the chain's next number instead of the reserved one it fails on EVM, with bytes stored after they
were sent it fails on Aptos (EVM's bytes come out the same again): the lane meets a transaction that it does not know, and stops.
"""

import itertools
import random

import pytest
from django.db import connection

from credit.payout_states import PayoutStatus
from credit.payouts import sending
from tests.credit.payouts.crashing import Points
from tests.credit.payouts.paying import RUNS_MAX

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = {"before a request", "after a request", "before a commit", "after a commit"}


def test_a_crash_at_every_point(paying):
    """One point after the other, until a run has no such point any more."""
    crashed, world = [], paying.world
    for point in itertools.count(1):
        payouts = [paying.approved(address) for address in (next(world.fresh), world.refused, next(world.fresh))]
        points = Points(lambda number, _, point=point: number == point)
        while paying.is_open and len(points.names) < point:
            if not paying.lives(points):
                crashed.append(points.names[-1])
            world.pass_time()
        paying.settle()
        paying.check(payouts)
        if len(points.names) < point:
            break
    assert len(crashed) == point - 1
    assert point > 50
    assert set(crashed) == KINDS


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_crashes_in_a_row(paying, seed):
    """Thirty payouts, a crash at one point of twelve; blocks that vanish, pools that forget, answers that are lost."""
    chance, world = random.Random(seed), paying.world
    payouts = [paying.approved(next(world.fresh) if n % 7 else world.refused, 2_000_000 + n) for n in range(30)]
    crashes = 0
    for _ in range(RUNS_MAX):
        crashes += not paying.lives(Points(lambda *_: chance.random() < 1 / 12))
        world.disturb(chance)
    world.calm()
    paying.settle()
    paying.check(payouts)
    assert crashes > 10


def test_nothing_of_a_dead_process_is_left_locked(paying):
    payout = paying.approved(next(paying.world.fresh))

    assert not paying.lives(Points(lambda _, name: name == "before a commit"))
    with sending.turn(paying.chain) as is_mine, connection.cursor():
        assert is_mine
    payout.refresh_from_db()
    assert payout.status == PayoutStatus.APPROVED
