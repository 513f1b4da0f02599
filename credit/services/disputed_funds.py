"""The accounts that a dispute moves money between, locked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from credit.codes import Bucket, Code, Kind
from credit.models import Account, Debt
from credit.posting import Chart, Movement, chart_of, lock_accounts, platform, post, spendable
from credit.services.locks import wallet as wallet_of

FROZEN_BUCKETS = (Bucket.PURCHASED, Bucket.EARNED)  # promotional credit was never money


@dataclass(frozen=True, slots=True)
class Wallet:
    """One user's wallet and disputed accounts. `locked` holds their fresh rows by primary key."""

    owner_id: int
    chart: Chart
    locked: dict[int, Account]

    def spendable(self, bucket: Bucket) -> Account:
        return spendable(self.chart, self.owner_id, bucket)

    def disputed(self, bucket: Bucket) -> Account:
        return self.chart[self.owner_id, Kind.DISPUTED, bucket]

    def provider(self, bucket: Bucket) -> Account:
        """All of it is money that was paid in, whatever the user's money was."""
        return platform(self.chart, Kind.PROVIDER, Bucket.PURCHASED)

    def network(self, bucket: Bucket) -> Account:
        return platform(self.chart, Kind.NETWORK, Bucket.PURCHASED)

    def take_available(self, wanted_micros: int) -> dict[Bucket, int]:
        """Up to so much of what is at hand, by bucket."""
        parts = {}
        for bucket in FROZEN_BUCKETS:
            parts[bucket] = min(wanted_micros, self.locked[self.spendable(bucket).pk].kept_micros)
            wanted_micros -= parts[bucket]
        return parts

    def post(
        self,
        key: str,
        code: Code,
        parts: dict[Bucket, int],
        source: Callable[[Bucket], Account],
        target: Callable[[Bucket], Account],
        reference: str,
    ) -> None:
        """One transfer per bucket that gives something."""
        movements = [
            Movement(
                key=f"{key}/{bucket.value}",
                code=code,
                source=source(bucket),
                target=target(bucket),
                amount_micros=micros,
                reference=reference,
            )
            for bucket, micros in parts.items()
            if micros
        ]
        if movements:
            post(movements, locked=self.locked)

    def mark_debt(self) -> None:
        """Say on the spendable accounts, which every hold and withdrawal locks, whether their owner owes."""
        owes = Debt.objects.filter(owner_id=self.owner_id, settled_at=None).exists()
        Account.objects.filter(owner_id=self.owner_id, kind=Kind.SPENDABLE).update(in_debt=owes)


def lock_disputed_wallet(owner_id: int, also: Iterable[Account] = ()) -> Wallet:
    """`also`: pending accounts that will be paid into; locked here, for whoever locks them one by one meets others half way."""
    chart = chart_of([owner_id])
    if (owner_id, Kind.DISPUTED, Bucket.PURCHASED) not in chart:
        new = [Account(owner_id=owner_id, kind=Kind.DISPUTED, bucket=bucket, balance_micros=0) for bucket in FROZEN_BUCKETS]
        Account.objects.bulk_create(new, ignore_conflicts=True)
        chart = chart_of([owner_id])
    disputed = [chart[owner_id, Kind.DISPUTED, bucket] for bucket in FROZEN_BUCKETS]
    return Wallet(owner_id, chart, lock_accounts([*wallet_of(chart, owner_id), *disputed, *also]))
