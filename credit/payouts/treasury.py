"""May a batch be paid? Looked at before numbers are given, because a number that is given must be used."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from common.money import format_exact
from credit.chains import Asset
from credit.models import Payout
from credit.payouts.lanes import Funds

IN_FLIGHT_MAX = 50  # Aptos keeps a hundred of an account in its mempool


@dataclass(slots=True)
class Choice:
    """Which payouts go now, and why the others do not: words for operators -> payouts."""

    go: list[Payout] = field(default_factory=list)
    kept: dict[str, list[Payout]] = field(default_factory=dict)

    def keep(self, payout: Payout, words: str) -> None:
        self.kept.setdefault(words, []).append(payout)


def choose(
    waiting: Iterable[Payout],
    *,
    asset: Asset,
    funds: Funds,
    under_way: list[Payout],
    left_today_micros: int,
    payout_max_micros: int,
    refusal_of: Callable[[Payout], str],
) -> Choice:
    """In the order of asking, whatever still fits and would arrive. What is under way counts as if none of it had left yet."""
    choice = Choice()
    units = funds.asset_units - sum(int(payout.units) for payout in under_way)
    gas = funds.gas_units - funds.gas_units_each * len(under_way)
    for payout in waiting:
        if len(under_way) + len(choice.go) >= IN_FLIGHT_MAX:
            break
        if payout.arrives_micros > payout_max_micros:
            choice.keep(payout, f"Above {format_exact(payout_max_micros)} credits, which the signer signs at most.")
        elif payout.arrives_micros > left_today_micros:
            choice.keep(payout, "The sending wallet has paid out what it may in 24 hours.")
        elif payout.units > units:
            choice.keep(payout, f"The sending wallet has too little {asset.symbol}: top it up.")
        elif gas < funds.gas_units_each:
            choice.keep(payout, "The sending wallet has too little for gas: top it up.")
        elif refusal := refusal_of(payout):
            choice.keep(payout, refusal)
        else:
            choice.go.append(payout)
            units -= int(payout.units)
            gas -= funds.gas_units_each
            left_today_micros -= payout.arrives_micros
    return choice
