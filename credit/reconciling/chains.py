"""What chains hold against the books, how far they are read, and payouts that take too long. Nodes are asked outside transactions."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Sum
from django.db.models.functions import Coalesce

from common.templatetags.pictor import ago
from credit.booked import SETTLED, booked_units
from credit.chains import Asset, Chain, all_chains, deposit_chains
from credit.deposits.watching import reader_of
from credit.deposits.wire import NodeDown
from credit.models import Deposit, DepositCursor, Payout, PayoutLane
from credit.payout_states import ON_ITS_WAY, PayoutStatus
from credit.payouts.aptos import AptosLane
from credit.payouts.evm import GWEI, EvmLane
from credit.payouts.lanes import Funds, Lane, Unreachable, WrongChain
from credit.payouts.signer import WatchOnly
from credit.reconciliation import Line, Verdict, Wallets, compare_wallets, judge_gas
from credit.withdrawing import sender_of

GAS_PAYOUTS_LEAST = 20
READ_WITHIN = timedelta(minutes=10)
ARRIVES_WITHIN = timedelta(hours=1)
NAMED_MAX = 10


def compare(now: datetime, gas_price_max_gwei: int) -> Iterator[Line]:
    for chain in all_chains():
        for asset in chain.assets:
            yield from _compare_asset(chain, asset, gas_price_max_gwei)
    yield from _not_set_up()
    for chain in deposit_chains():
        for asset in chain.assets:
            yield _judge_cursor(chain, asset, now)
    yield from _stopped_lanes(now)
    yield _late_payouts(now)


# Balances -------------------------------------------------------------------------------------------------------------


def _compare_asset(chain: Chain, asset: Asset, gwei_max: int) -> Iterator[Line]:
    """The books are read before and after the node: what moves meanwhile is no shortage."""
    subject, sender = f"{asset.symbol} on {chain.name}", sender_of(chain)
    addresses = [address for address in dict.fromkeys((sender, chain.treasury)) if address]
    if not addresses:
        return
    before = booked_units(chain, asset)
    try:
        reader_of(chain, asset).check()
        funds = {address: _lane(chain, address, gwei_max).funds(asset.contract) for address in addresses}
    except (NodeDown, Unreachable, WrongChain, ValueError, TypeError, KeyError) as error:
        yield Line("chains", subject, Verdict.UNKNOWN, f"The node cannot be believed: {error}"[:300])
        return
    held = sum(each.asset_units for each in funds.values())
    wallets = Wallets(held, min(before, booked_units(chain, asset)), _under_way(chain, asset))
    yield compare_wallets(subject, wallets, symbol=asset.symbol, micros_of=asset.micros)
    if sender:
        yield _judge_gas(chain, funds[sender])


def _lane(chain: Chain, address: str, gwei_max: int) -> Lane:
    """To look only: nothing can be signed with it."""
    if chain.kind == "aptos":
        return AptosLane(chain, address, WatchOnly())
    return EvmLane(chain, address, WatchOnly(), gas_price_max=gwei_max * GWEI)


def _judge_gas(chain: Chain, funds: Funds) -> Line:
    return judge_gas(
        f"Gas on {chain.name}",
        gas_units=funds.gas_units,
        gas_units_each=funds.gas_units_each,
        least_payouts=GAS_PAYOUTS_LEAST,
    )


def _under_way(chain: Chain, asset: Asset) -> int:
    rows = Payout.objects.filter(status__in=ON_ITS_WAY, chain=chain.key, asset=asset.contract)
    return int(rows.aggregate(units=Sum("units"))["units"] or 0)


def _not_set_up() -> Iterator[Line]:
    """Money in the books on a chain or in an asset that no node is asked about any more."""
    known = {(chain.key, asset.contract) for chain in all_chains() for asset in chain.assets}
    booked = set(Deposit.objects.filter(status__in=SETTLED).order_by().values_list("chain", "asset").distinct())
    for chain, asset in sorted(booked - known):
        words = f"{asset} is in the books and not in the settings: what is there is not looked at."
        yield Line("chains", f"Chain {chain}", Verdict.UNKNOWN, words)


# What stands still ----------------------------------------------------------------------------------------------------


def _judge_cursor(chain: Chain, asset: Asset, now: datetime) -> Line:
    subject = f"Reading {asset.symbol} on {chain.name}"
    cursor = DepositCursor.objects.filter(chain=chain.key, asset=asset.contract).first()
    if cursor is None:
        return Line("chains", subject, Verdict.UNKNOWN, "It has not been read yet.")
    if cursor.problem or now - cursor.read_at > READ_WITHIN:
        words = f"It stands still at {cursor.position:,}, read last {ago(cursor.read_at, now)}. {cursor.problem}".strip()
        return Line("chains", subject, Verdict.LOOK, words)
    return Line("chains", subject, Verdict.FINE, f"Read to {cursor.position:,}, {ago(cursor.read_at, now)}.")


def _stopped_lanes(now: datetime) -> Iterator[Line]:
    for lane in PayoutLane.objects.exclude(stopped_at=None)[:NAMED_MAX]:
        words = f"It stopped {ago(lane.stopped_at, now)}: {lane.stopped_because}"
        yield Line("chains", f"Lane {lane.pk} of {lane.chain}", Verdict.LOOK, words)


def _late_payouts(now: datetime) -> Line:
    """Those that got their number long ago, and approved ones that should have got one."""
    since = now - ARRIVES_WITHIN
    sent = Payout.objects.filter(status__in=ON_ITS_WAY, batch__created_at__lt=since)
    kept = Payout.objects.filter(status=PayoutStatus.APPROVED).annotate(from_when=Coalesce("decided_at", "due_at"))
    late = [*sent.order_by("pk")[:NAMED_MAX], *kept.filter(from_when__lt=since).order_by("pk")[:NAMED_MAX]]
    if not late:
        return Line("chains", "Payouts", Verdict.FINE, "None has been on its way for an hour.")
    named = ", ".join(f"{payout.pk} ({payout.get_status_display()})" for payout in late[:NAMED_MAX])
    return Line("chains", "Payouts", Verdict.LOOK, f"On their way for more than an hour: {named}.")
