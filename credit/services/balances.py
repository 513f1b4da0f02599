"""What a user has, and how it came about."""

from dataclasses import dataclass

from django.db.models import QuerySet

from common.written import written_once
from credit.codes import Bucket, Kind
from credit.models import Account, Hold, Transfer


@dataclass(frozen=True, slots=True)
class Balance:
    """A user's credit. `withdrawable_micros` is the earned part of what is available."""

    available_micros: int = 0
    held_micros: int = 0
    pending_micros: int = 0
    withdrawable_micros: int = 0
    promotional_micros: int = 0
    purchased_micros: int = 0
    disputed_micros: int = 0  # on hold while a payment is in doubt
    in_debt: bool = False  # nothing can be held or withdrawn


@written_once
def accounts_of(user_id: int) -> QuerySet:
    return Account.objects.filter(owner=user_id).values_list("kind", "bucket", "balance_micros", "in_debt")


def balance_of(user) -> Balance:
    """One query on at most eleven rows: every page's header asks."""
    rows = accounts_of(user.pk)
    by_place = {(kind, bucket): balance_micros or 0 for kind, bucket, balance_micros, _ in rows}

    def total(kind: Kind) -> int:
        return sum(by_place.get((kind, bucket), 0) for bucket in Bucket)

    return Balance(
        available_micros=total(Kind.SPENDABLE),
        held_micros=total(Kind.HOLDING),
        pending_micros=total(Kind.PENDING),
        withdrawable_micros=by_place.get((Kind.SPENDABLE, Bucket.EARNED), 0),
        promotional_micros=by_place.get((Kind.SPENDABLE, Bucket.PROMOTIONAL), 0),
        purchased_micros=by_place.get((Kind.SPENDABLE, Bucket.PURCHASED), 0),
        disputed_micros=total(Kind.DISPUTED),
        in_debt=any(in_debt for *_, in_debt in rows),
    )


def entries_of(user) -> QuerySet[Transfer]:
    """The user's history, newest first."""
    return Transfer.objects.filter(owner=user).order_by("-created_at", "-id")


def hold_remaining(hold_id: int) -> int:
    """Micros that the hold still covers."""
    return Hold.objects.get(pk=hold_id).remaining_micros
