"""The rules of withdrawing, as settings have them: where one may withdraw to, what it costs, how much, how soon."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.conf import settings

from common.money import format_exact
from credit.chains import Asset, Chain, all_chains, canonical
from credit.errors import LedgerError

DAY = timedelta(days=1)


class Refusal(StrEnum):
    """Why a withdrawal is not taken."""

    NOT_OFFERED = "not_offered"
    ADDRESS_GONE = "address_gone"
    ADDRESS_NEW = "address_new"
    TOO_SMALL = "too_small"
    TOO_MUCH = "too_much"
    DAY_FULL = "day_full"
    DEBT = "debt"


class WithdrawalRefused(LedgerError):
    """Nothing moved; `words` are for the person."""

    def __init__(self, reason: Refusal, words: str) -> None:
        super().__init__(f"{reason}: {words}")
        self.reason, self.words = reason, words


class TooLate(LedgerError):
    """The payout has left the status in which that could be done."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What leaves the balance, what the network keeps, what arrives; `units` in the asset's smallest unit."""

    amount_micros: int
    fee_micros: int
    units: int

    @property
    def arrives_micros(self) -> int:
        return self.amount_micros - self.fee_micros


def sender_of(chain: Chain) -> str:
    """The canonical address that pays out on it; empty: none."""
    address = settings.APTOS_PAYOUT_ADDRESS if chain.kind == "aptos" else settings.EVM_PAYOUT_ADDRESS
    return canonical(chain.kind, address) if address else ""


def payout_chains() -> tuple[Chain, ...]:
    """Those that withdrawals are offered on."""
    return tuple(chain for chain in all_chains() if sender_of(chain))


def fee_micros(chain: Chain) -> int:
    return settings.WITHDRAW_FEE_MICROS[chain.kind]


def quote(chain: Chain, asset: Asset, amount_micros: int) -> Quote:
    """Raises WithdrawalRefused: below the minimum."""
    fee, least = fee_micros(chain), minimum_micros(chain)
    if amount_micros < least:
        raise WithdrawalRefused(Refusal.TOO_SMALL, f"The smallest withdrawal on {chain.name} is {format_exact(least)} credits.")
    return Quote(amount_micros, fee, asset.units(amount_micros - fee))


def minimum_micros(chain: Chain) -> int:
    """More arrives than the fee takes."""
    return max(settings.WITHDRAW_MINIMUM_MICROS, 2 * fee_micros(chain))


def delay() -> timedelta:
    return timedelta(seconds=settings.WITHDRAW_DELAY_SECONDS)


def address_delay() -> timedelta:
    return timedelta(seconds=settings.PAYOUT_ADDRESS_DELAY_SECONDS)
