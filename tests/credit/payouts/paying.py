"""Somebody who withdraws on a chain, and looks at the chain as the sweep has them."""

from collections.abc import Callable
from datetime import timedelta

from credit.chains import Chain
from credit.models import Payout
from credit.payout_states import OPEN
from credit.payouts import sending
from credit.payouts.aptos import AptosLane
from credit.payouts.evm import EvmLane
from credit.payouts.lanes import Unreachable
from credit.proof import differences
from credit.services import withdrawals
from tests.credit.builders import NOW
from tests.credit.payouts.crashing import Points, survives

RUNS_MAX = 60


class Sending:
    """A chain, somebody who withdraws on it, and looks at it that may die."""

    def __init__(self, chain: Chain, world, owner, monkeypatch, address_of: Callable) -> None:
        self.chain, self.world, self.owner, self.monkeypatch = chain, world, owner, monkeypatch
        self.address_of = address_of
        self.now = NOW + timedelta(hours=2)
        for lane in (AptosLane, EvmLane):
            monkeypatch.setattr(lane, "preflight", self.blind(lane.preflight))

    def blind(self, preflight: Callable) -> Callable:
        """`world.refused` is blocked between the look and the block: what goes there fails on the chain."""
        return lambda lane, order: None if order.to == self.world.refused else preflight(lane, order)

    def approved(self, address: str, amount_micros: int = 2_000_000) -> Payout:
        """A withdrawal that is to be sent next."""
        place = self.owner.payout_addresses.filter(address=address).first()
        place = place or self.address_of(self.owner, self.chain.kind, address)
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
