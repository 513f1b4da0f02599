"""Each payout happens exactly once, wherever the process that sends it dies.

Tried without its guards: with the chain's next number instead of the reserved one, or with bytes stored after they were sent,
payouts arrive twice here.
"""

import itertools
import random
from datetime import timedelta

import pytest
from django.db import connection

from credit.chains import Chain
from credit.models import Payout
from credit.payout_states import OPEN, PayoutStatus
from credit.payouts import sending
from credit.payouts.lanes import Unreachable
from credit.proof import differences
from credit.services import withdrawals
from tests.credit.builders import NOW, earn, top_up
from tests.credit.payouts.conftest import address_of
from tests.credit.payouts.crashing import Points, survives
from tests.credit.payouts.worlds import AptosWorld, EvmWorld

pytestmark = pytest.mark.django_db(transaction=True)
RUNS_MAX = 60
KINDS = {"before a request", "after a request", "before a commit", "after a commit"}


class Sending:
    """A chain, somebody who withdraws on it, and looks at it that may die."""

    def __init__(self, chain: Chain, world, owner, monkeypatch) -> None:
        self.chain, self.world, self.owner, self.monkeypatch = chain, world, owner, monkeypatch
        self.now = NOW + timedelta(hours=2)

    def approved(self, address: str, amount_micros: int = 2_000_000) -> Payout:
        """A withdrawal that is to be sent next."""
        place = self.owner.payout_addresses.filter(address=address).first()
        place = place or address_of(self.owner, self.chain.kind, address)
        payout = withdrawals.request_withdrawal(
            owner=self.owner,
            address_id=place.pk,
            chain_key=self.chain.key,
            contract=self.chain.assets[0].contract,
            amount_micros=amount_micros,
            key=f"test:{Payout.objects.count()}",
            now=NOW,
        )
        withdrawals.release_due_withdrawals(now=NOW + timedelta(hours=1))
        return payout

    def look(self) -> None:
        """As the sweep does; time passes, so that what waits for time is due at the next one."""
        self.now += timedelta(seconds=30)
        with sending.turn(self.chain) as is_mine:
            assert is_mine
            try:
                sending.pay_out(self.chain, self.now)
            except Unreachable:
                pass

    def lives(self, points: Points) -> bool:
        return survives(self.monkeypatch, self.look, points)

    def settle(self) -> None:
        """Looks and time until nothing is open."""
        for _ in range(RUNS_MAX):
            self.look()
            if not self.is_open:
                return
            self.world.pass_time()
        raise AssertionError(list(Payout.objects.values("pk", "status", "problem", "lane__stopped_because")))

    @property
    def is_open(self) -> bool:
        return Payout.objects.filter(status__in=OPEN).exists()

    def check(self, payouts: list[Payout]) -> None:
        """Paid is paid once, returned is not paid, and the ledger says the same."""
        refused = self.world.refused
        for payout in payouts:
            payout.refresh_from_db()
            is_refused = payout.address == refused
            wanted = ("returned", self.world.refused_units) if is_refused else ("confirmed", payout.units)
            assert (payout.status, self.world.arrived(payout.address)) == wanted, payout
        assert list(differences(NOW)) == []


@pytest.fixture(params=["evm", "aptos"])
def paying(request, settings, wanda, alice, monkeypatch) -> Sending:
    """wanda has more than all payouts of a test."""
    if request.param == "evm":
        chain = request.getfixturevalue("evm_pays")
        world = EvmWorld(request.getfixturevalue("evm_chain"))
    else:
        chain, node = request.getfixturevalue("aptos_pays")
        world = AptosWorld(node)
    settings.WITHDRAW_DAY_MAX_MICROS = settings.PAYOUT_DAY_MAX_MICROS = 10**12
    top_up(alice, 10**10)
    earn(wanda, 10**10, alice)
    return Sending(chain, world, wanda, monkeypatch)


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
