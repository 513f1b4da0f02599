"""Each payout happens exactly once, wherever the process that sends it dies.

Tried without its guards: with the chain's next number instead of the reserved one, or with bytes stored after they were sent,
payouts arrive twice here.
"""

import itertools
import random
from datetime import timedelta

import pytest
from django.db import connection
from eth_utils import keccak

from credit.models import Payout, PayoutTransaction
from credit.payout_states import OPEN, PayoutStatus
from credit.payouts import sending
from credit.proof import differences
from credit.services import withdrawals
from tests.credit.builders import NOW, earn, top_up
from tests.credit.payouts.conftest import address_of
from tests.credit.payouts.crashing import Points, survives

pytestmark = pytest.mark.django_db(transaction=True)
RUNS_MAX = 60
NOBODY = "0x" + "0b" * 20  # has all the tokens that fit into an account: the token refuses to pay it more
BALANCES = 3  # where tests/chains/contracts/TestTokens.sol keeps balanceOf
fresh = (f"0x{number:040x}" for number in itertools.count(0xABC0_0000_0000))


@pytest.fixture
def rich(settings, evm_pays, evm_chain, wanda, alice):
    """wanda with more than all payouts of a test, and an address that the token does not pay."""
    place = "0x" + keccak(bytes.fromhex(NOBODY[2:]).rjust(32, b"\0") + BALANCES.to_bytes(32, "big")).hex()
    evm_chain.rpc("anvil_setStorageAt", evm_chain.usdt.address, place, "0x" + "ff" * 32)
    settings.WITHDRAW_DAY_MAX_MICROS = settings.PAYOUT_DAY_MAX_MICROS = 10**12
    top_up(alice, 10**10)
    earn(wanda, 10**10, alice)
    return wanda


def approved(owner, chain, address: str, amount_micros: int) -> Payout:
    """A withdrawal that is to be sent next."""
    place = owner.payout_addresses.filter(address=address).first() or address_of(owner, chain.kind, address)
    payout = withdrawals.request_withdrawal(
        owner=owner,
        address_id=place.pk,
        chain_key=chain.key,
        contract=chain.assets[0].contract,
        amount_micros=amount_micros,
        key=f"test:{Payout.objects.count()}",
        now=NOW,
    )
    withdrawals.release_due_withdrawals(now=NOW + timedelta(hours=1))
    return payout


class Clock:
    """Moves by itself, so that what waits for time is due at the next look."""

    def __init__(self) -> None:
        self.now = NOW + timedelta(hours=2)

    def next(self):
        self.now += timedelta(seconds=30)
        return self.now


def look(chain, clock) -> None:
    with sending.turn(chain) as is_mine:
        assert is_mine
        sending.pay_out(chain, clock.next())


def settle(chain, evm_chain, clock) -> None:
    """Looks and blocks until nothing is open."""
    for _ in range(RUNS_MAX):
        look(chain, clock)
        if not Payout.objects.filter(status__in=OPEN).exists():
            return
        evm_chain.finalize()
    raise AssertionError(
        list(Payout.objects.filter(status__in=OPEN).values("pk", "status", "problem", "lane__stopped_because"))
    )


def check(evm_chain, payouts: list[Payout]) -> None:
    """Paid is paid once, returned is not paid, and the ledger says the same."""
    for payout in payouts:
        payout.refresh_from_db()
        wanted = ("returned", 2**256 - 1) if payout.address == NOBODY else ("confirmed", payout.units)
        assert (payout.status, evm_chain.usdt.balance(payout.address)) == wanted, payout
    assert list(differences(NOW)) == []


def test_a_crash_at_every_point(rich, evm_pays, evm_chain, monkeypatch):
    """One point after the other, until a run has no such point any more."""
    clock, crashed = Clock(), []
    for point in itertools.count(1):
        payouts = [approved(rich, evm_pays, address, 2_000_000) for address in (next(fresh), NOBODY, next(fresh))]
        points = Points(lambda number, _, point=point: number == point)
        while not points.names or len(points.names) < point:
            if not survives(monkeypatch, lambda: look(evm_pays, clock), points):
                crashed.append(points.names[-1])
            if not Payout.objects.filter(status__in=OPEN).exists():
                break
            evm_chain.finalize()
        settle(evm_pays, evm_chain, clock)
        check(evm_chain, payouts)
        if len(points.names) < point:
            break
    assert len(crashed) == point - 1 > 50
    assert set(crashed) == {"before a request", "after a request", "before a commit", "after a commit"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_crashes_in_a_row(rich, evm_pays, evm_chain, monkeypatch, seed):
    """Thirty payouts, a crash at one point of twelve, blocks that vanish, a pool that forgets."""
    chance, clock = random.Random(seed), Clock()
    payouts = [approved(rich, evm_pays, next(fresh) if n % 7 else NOBODY, 2_000_000 + n) for n in range(30)]
    crashes = 0
    for _ in range(RUNS_MAX):
        points = Points(lambda *_: chance.random() < 1 / 12)
        crashes += not survives(monkeypatch, lambda: look(evm_pays, clock), points)
        disturb(evm_chain, chance)
    evm_chain.release()
    settle(evm_pays, evm_chain, clock)
    check(evm_chain, payouts)
    assert crashes > 10


def disturb(evm_chain, chance) -> None:
    """What a chain does between two looks."""
    what = chance.choice(["nothing", "mine", "hold", "release", "reorg", "drop", "finalize"])
    if what == "reorg":
        evm_chain.mine(2)
        evm_chain.reorg(2)
    elif what == "drop":
        rows = list(PayoutTransaction.objects.filter(outcome="").order_by("pk"))
        if rows:
            evm_chain.drop(chance.choice(rows).hash)
    elif what != "nothing":
        getattr(evm_chain, what)()


def test_nothing_of_a_dead_process_is_left_locked(rich, evm_pays, evm_chain, monkeypatch):
    approved(rich, evm_pays, next(fresh), 2_000_000)
    points = Points(lambda _, name: name == "before a commit")

    assert not survives(monkeypatch, lambda: look(evm_pays, Clock()), points)
    with sending.turn(evm_pays) as is_mine, connection.cursor():
        assert is_mine
    assert Payout.objects.get().status == PayoutStatus.APPROVED
