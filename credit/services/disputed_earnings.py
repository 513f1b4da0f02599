"""What was earned from disputed money: it stays pending, is taken back when the money is lost, and restored when it is paid.

Which earnings these are: those that the payer's charges paid with purchased credit since the payment was credited,
newest first, as far as the charges fit into what is missing of the payment.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q

from credit.codes import Bucket, Code, Kind
from credit.models import Account, CreditRule, Dispute, Earning, FrozenEarning, Payment, Transfer
from credit.posting import Chart, Movement, chart_of, platform, post


class Spent(NamedTuple):
    """A charge that disputed money may have paid, and what its worker earned by it."""

    charge_micros: int
    earning: Earning


def candidates(payment: Payment, at_most_micros: int, dispute: Dispute | None = None) -> list[Spent]:
    """Open earnings, locked, whose charges together are not above `at_most_micros`; newest first.

    Those that another dispute has frozen are not among them. What this one has frozen is locked as well, whether it still
    is among them or not: it thaws later, when wallets are locked.
    """
    charged = _charges(payment, at_most_micros)
    mine = Q(frozen=None) | Q(frozen__dispute=dispute) if dispute else Q(frozen=None)
    ids = set(Earning.objects.filter(mine, transfer__key__in=charged, settled_at=None).values_list("pk", flat=True))
    if dispute:
        ids |= set(FrozenEarning.objects.filter(dispute=dispute, taken_at=None).values_list("pk", flat=True))
    # Of the earnings alone: the app's SQL role may not lock transfers.
    locked = Earning.objects.select_for_update(of=("self",)).filter(pk__in=ids, settled_at=None).order_by("pk")
    rows = [earning for earning in locked.select_related("transfer") if earning.transfer.key in charged]
    return [Spent(charged[earning.transfer.key], earning) for earning in reversed(rows)]


def _charges(payment: Payment, at_most_micros: int) -> dict[str, int]:
    """Key of the worker's share -> micros charged, of the payer's purchased credit since the payment came in."""
    charges = Transfer.objects.filter(
        owner_id=payment.owner_id, code=Code.CHARGE, pk__gt=payment.transfer_id, source__bucket=Bucket.PURCHASED
    )
    found: dict[str, int] = {}
    for key, micros in charges.filter(reversed_by=None).order_by("-pk").values_list("key", "amount_micros").iterator():
        if micros > at_most_micros:
            break
        at_most_micros -= micros
        found[f"{key}/worker"] = micros
    return found


def within(spent: Sequence[Spent], missing_micros: int) -> list[Earning]:
    """The newest whose charges fit into what is missing."""
    found = []
    for charge_micros, earning in spent:
        if charge_micros > missing_micros:
            break
        missing_micros -= charge_micros
        found.append(earning)
    return found


def freeze(dispute: Dispute, earnings: Sequence[Earning]) -> None:
    """They stay pending until the dispute is over."""
    FrozenEarning.objects.bulk_create(
        FrozenEarning(earning=earning, dispute=dispute, matures_at=earning.matures_at) for earning in earnings
    )
    Earning.objects.filter(pk__in=[earning.pk for earning in earnings]).update(matures_at=None)


def take_back(dispute: Dispute, earnings: Sequence[Earning], now: datetime) -> int:
    """Reverse locked earnings into clearing; returns their micros."""
    ids = [earning.pk for earning in earnings]
    frozen = set(FrozenEarning.objects.filter(pk__in=ids).values_list("pk", flat=True))
    freeze(dispute, [earning for earning in earnings if earning.pk not in frozen])
    chart = chart_of([])
    post(
        [
            Movement(
                key=f"dispute:{dispute.pk}:earning:{earning.pk}",
                code=Code.EARNING_REVERSED,
                source=earning.account,
                target=platform(chart, Kind.CLEARING, Bucket.PURCHASED),
                amount_micros=earning.amount_micros,
                reverses_id=earning.pk,
                reference="The payment behind it was taken back",
            )
            for earning in Earning.objects.filter(pk__in=ids).select_related("account")
        ]
    )
    Earning.objects.filter(pk__in=ids).update(settled_at=now)
    FrozenEarning.objects.filter(pk__in=ids).update(taken_at=now)
    return sum(earning.amount_micros for earning in earnings)


def thaw(dispute: Dispute, now: datetime) -> None:
    """What was not taken goes on as if nothing had been; where its time has passed meanwhile it is due now, and not late."""
    for frozen in FrozenEarning.objects.filter(dispute=dispute, taken_at=None):
        due = max(frozen.matures_at, now) if frozen.matures_at else None
        Earning.objects.filter(pk=frozen.pk, settled_at=None).update(matures_at=due)
        frozen.delete()


def restorable(dispute_ids: Collection[int]) -> list[Account]:
    """The pending accounts that `restore` would pay into."""
    taken = Earning.objects.filter(frozen__dispute__in=dispute_ids, frozen__taken_at__isnull=False, frozen__restored_at=None)
    return list(Account.objects.filter(pk__in=taken.values("account")))


def restore(dispute: Dispute, payer_chart: Chart, now: datetime) -> None:
    """The debt is paid: those whose earnings were taken earn them again, out of what the payer paid to the network."""
    rows = FrozenEarning.objects.select_for_update(of=("self",)).filter(dispute=dispute, restored_at=None)
    taken = list(rows.exclude(taken_at=None).select_related("earning__account").order_by("pk"))
    source = platform(payer_chart, Kind.NETWORK, Bucket.PURCHASED)
    written = post(
        [
            Movement(
                key=f"dispute:{dispute.pk}:restored:{frozen.pk}",
                code=Code.EARNING,
                source=source,
                target=frozen.earning.account,
                amount_micros=frozen.earning.amount_micros,
                reference="The payment behind it was made good",
            )
            for frozen in taken
        ]
    )
    matures_at = _restored_matures_at(dispute.payment, payer_chart, now)
    Earning.objects.bulk_create(
        Earning(
            transfer=row,
            account_id=row.target_id,
            amount_micros=row.amount_micros,
            matures_at=matures_at if frozen.matures_at else None,
        )
        for row, frozen in zip(written, taken, strict=True)
    )
    FrozenEarning.objects.filter(pk__in=[frozen.pk for frozen in taken]).update(restored_at=now)


def _restored_matures_at(payment: Payment, chart: Chart, now: datetime) -> datetime:
    """Not before what paid the debt is itself beyond chargeback."""
    earliest = now + timedelta(seconds=CreditRule.at(now).pending_seconds)
    clears_at = chart[payment.owner_id, Kind.SPENDABLE, Bucket.PURCHASED].clears_at
    return max(earliest, clears_at) if clears_at else earliest
