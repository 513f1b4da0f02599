"""Rows that verbs lock before they look: holds first, then wallets."""

from collections.abc import Iterable

from credit.codes import SPEND_ORDER
from credit.models import Account, Hold
from credit.posting import Chart, chart_of, holding, lock_accounts, spendable
from users.models import User


def lock_holds(hold_ids: Iterable[int]) -> dict[int, Hold]:
    """Holds locked in primary-key order. Raises Hold.DoesNotExist."""
    wanted = set(hold_ids)
    locked = {hold.pk: hold for hold in Hold.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    if missing := wanted - locked.keys():
        raise Hold.DoesNotExist(f"holds {sorted(missing)}")
    return locked


def lock_wallet(owner_id: int) -> tuple[Chart, dict[int, Account]]:
    """The owner's spendable and holding accounts, locked."""
    chart = chart_of([owner_id])
    return chart, lock_accounts(wallet(chart, owner_id))


def wallet(chart: Chart, owner_id: int) -> list[Account]:
    return [place(chart, owner_id, bucket) for place in (spendable, holding) for bucket in SPEND_ORDER]


def lock_open_user(owner_id: int) -> bool:
    """The account is not closed, and is not while this transaction lasts."""
    return User.objects.select_for_update(no_key=True).filter(pk=owner_id, closed_at=None).exists()
