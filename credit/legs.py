"""The parts of one movement: which accounts it left and entered, and what belongs to it."""

from dataclasses import dataclass

from credit.codes import Code
from credit.models import Transfer
from credit.services.keys import charge_keys


@dataclass(frozen=True, slots=True)
class Leg:
    """One transfer of a movement."""

    transfer: Transfer
    is_own: bool  # in the reader's history
    is_shown: bool  # the entry whose page this is

    @property
    def bucket(self) -> str:
        return self.transfer.source.get_bucket_display()


def legs_of(entry: Transfer, user) -> list[Leg]:
    """The transfers written together with `entry`, in their order.

    Whoever paid sees the whole split of a charge; whoever was paid sees their own part and what the pools got.
    """
    rows = _movement_of(entry)
    pays = any(row.code in (Code.CHARGE, Code.REFUND) and row.owner_id == user.pk for row in rows)
    seen = [row for row in rows if pays or row.owner_id in (user.pk, None)]
    return [Leg(row, row.owner_id == user.pk, row.pk == entry.pk) for row in seen]


def _movement_of(entry: Transfer) -> list[Transfer]:
    base, slash, _ = entry.key.partition("/")
    if not slash:
        return [entry]
    rows = Transfer.objects.filter(key__in=charge_keys(base)).select_related("source", "target")
    return list(rows.order_by("id"))
