"""Chains, wallets and top-ups for the tests of deposits."""

from datetime import UTC, datetime, timedelta

from allauth.socialaccount.models import SocialAccount

from common import clock
from credit import services
from credit.chains import deposit_chains
from credit.deposits import watching
from credit.deposits.reading import Payment
from credit.models import RecognisedBy, TopUp

EVM_TREASURY = "0x7E7e7E7e7E7E7E7e7e7E7e7E7E7E7e7E7e7e7E7E"
APTOS_TREASURY = "0x" + "7e" * 32
APTOS_USDT = "0x357b0b74bc833e95a115ad22604854d6b0fca151cecd94111770e5d6ffc9dc2b"
STRANGER = "0x" + "5E" * 20
HASH = "0x" + "ab" * 32
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def link(user, address: str, provider: str = "evm") -> str:
    """The user has proved to hold the wallet."""
    SocialAccount.objects.create(user=user, provider=provider, uid=address)
    return address


def announce(
    user, amount_micros: int = 25_000_000, by: str = RecognisedBy.SENDER, key: str = "form-1", now=None, **more
) -> TopUp:
    (chain,) = deposit_chains()
    return services.start_top_up(
        user=user,
        chain=chain,
        asset=chain.assets[0],
        amount_micros=amount_micros,
        recognised_by=RecognisedBy(by),
        key=key,
        now=now or clock.now(),
        **more,
    )


def payment(sender: str = STRANGER, units: int = 25_000_000, number: int = 7, mined_at=NOON, **more) -> Payment:
    facts = {"tx_hash": HASH, "log_index": 0, "block_hash": "0x" + "bb" * 32} | more
    return Payment(sender=sender, units=units, block_number=number, mined_at=mined_at, **facts)


def arrive(found: Payment, *, final: int | None = None, now=None):
    """The chain shows it; final too, unless `final` is an earlier block."""
    (chain,) = deposit_chains()
    now = now or found.mined_at + timedelta(seconds=30)
    deposit = services.record_payment(chain=chain, asset=chain.assets[0], payment=found, now=now)
    return deposit and services.settle_deposit(
        deposit_id=deposit.pk, final=found.block_number if final is None else final, now=now
    )


def look() -> bool:
    """One look at the one chain that is set up."""
    (chain,) = deposit_chains()
    return watching.watch(chain, chain.assets[0], clock.now())


def available(user) -> int:
    return services.balance_of(user).available_micros
