"""May a batch be paid? Looked at before numbers are given, because a number that is given must be used."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from common.money import format_exact
from credit.chains import Asset
from credit.models import Payout
from credit.payouts.lanes import Funds, Refusal, Unreachable

IN_FLIGHT_MAX = 50  # Aptos keeps a hundred of an account in its mempool
REFUSALS_MAX = 20  # of the node, in one look: each takes some requests, and what is under way waits meanwhile
SILENCES_MAX = 3  # then it is the node, and not what it was asked about


@dataclass(slots=True)
class Choice:
    """Which payouts go now, and why the others do not. Neither: those that this look did not come to."""

    go: list[Payout] = field(default_factory=list)
    kept: dict[Refusal, list[Payout]] = field(default_factory=dict)
    refusals: int = 0  # of the node
    silences: int = 0

    @property
    def is_over(self) -> bool:
        return self.refusals >= REFUSALS_MAX or self.silences >= SILENCES_MAX

    def keep(self, payout: Payout, refusal: Refusal) -> None:
        self.kept.setdefault(refusal, []).append(payout)

    def would_arrive(self, payout: Payout, refusal_of: Callable[[Payout], Refusal | None]) -> bool:
        """One that the node fails over, each time perhaps, must not keep the others."""
        try:
            refusal = refusal_of(payout)
        except Unreachable as error:
            self.silences += 1
            refusal = Refusal(f"The node could not try it: {error}"[:300], is_its_own=True)
        if refusal:
            self.refusals += 1
            self.keep(payout, refusal)
        return refusal is None


def choose(
    waiting: Iterable[Payout],
    *,
    asset: Asset,
    funds: Funds,
    under_way: list[Payout],
    left_today_micros: int,
    payout_max_micros: int,
    refusal_of: Callable[[Payout], Refusal | None],
) -> Choice:
    """In the order given, whatever still fits and would arrive. What is under way counts as if none of it had left yet."""
    choice = Choice()
    units = funds.asset_units - sum(int(payout.units) for payout in under_way)
    gas = funds.gas_units - funds.gas_units_each * len(under_way)
    for payout in waiting:
        if choice.is_over or len(under_way) + len(choice.go) >= IN_FLIGHT_MAX:
            break
        if payout.arrives_micros > payout_max_micros:
            words = f"Above {format_exact(payout_max_micros)} credits, which the signer signs at most."
            choice.keep(payout, Refusal(words))
        elif payout.arrives_micros > left_today_micros:
            choice.keep(payout, Refusal("The sending wallet has paid out what it may in 24 hours."))
        elif payout.units > units:
            choice.keep(payout, Refusal(f"The sending wallet has too little {asset.symbol}: top it up."))
        elif gas < funds.gas_units_each:
            choice.keep(payout, Refusal("The sending wallet has too little for gas: top it up."))
        elif choice.would_arrive(payout, refusal_of):
            choice.go.append(payout)
            units -= int(payout.units)
            gas -= funds.gas_units_each
            left_today_micros -= payout.arrives_micros
    return choice
