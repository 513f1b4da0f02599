"""The one writer of transfers and kept balances. Called inside a transaction of credit.services.

Locks are taken in one order everywhere: holds, earnings, wallets (spendable and holding), pending accounts; within each,
by primary key.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Case, Q, When

from common import clock
from credit import events
from credit.codes import EVERYBODYS_KINDS, PLATFORM_KINDS, Bucket, Code, Kind
from credit.errors import InsufficientCredit, KeyReused
from credit.models import Account, Transfer

KEPT = [(kind, bucket) for kind in EVERYBODYS_KINDS for bucket in Bucket]
SUMMED = [(kind, bucket) for kind in PLATFORM_KINDS for bucket in Bucket]
PENDING_LAST = Case(When(kind=Kind.PENDING, then=1), default=0)
Chart = dict[tuple[int | None, str, str], Account]

# One array per column: the text of a statement, and so its plan, is the same for one row and for a thousand.
# One look into the index per key: a kept plan of `key = ANY` that was made while the table was young reads all of it.
WRITTEN = """
    SELECT transfer.* FROM unnest(%s::text[]) AS given(key)
    CROSS JOIN LATERAL (SELECT * FROM credit_transfer WHERE key = given.key LIMIT 1) AS transfer
"""
INSERT = """
    INSERT INTO credit_transfer
        (key, code, source_id, target_id, amount_micros, owner_id, hold_id, reverses_id, reference, created_at)
    SELECT given.*, %s::timestamptz FROM unnest(
        %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[]
    ) AS given
    RETURNING id
"""
COLUMNS = ("key", "code", "source_id", "target_id", "amount_micros", "owner_id", "hold_id", "reverses_id", "reference")
CHANGE = """
    UPDATE credit_account AS account SET balance_micros = given.balance_micros
    FROM unnest(%s::bigint[], %s::bigint[]) AS given(id, balance_micros) WHERE account.id = given.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A transfer to be written."""

    key: str
    code: Code
    source: Account
    target: Account
    amount_micros: int
    hold_id: int | None = None
    reverses_id: int | None = None
    reference: str = ""

    @property
    def owner_id(self) -> int | None:
        return self.source.owner_id or self.target.owner_id

    def is_same_as(self, transfer: Transfer) -> bool:
        mine = (self.code, self.source.pk, self.target.pk, self.amount_micros)
        return mine == (transfer.code, transfer.source_id, transfer.target_id, transfer.amount_micros)


def _read_chart(owner_ids: Sequence[int]) -> Chart:
    accounts = Account.objects.filter(Q(owner_id__in=owner_ids) | Q(owner=None))
    return {(account.owner_id, account.kind, account.bucket): account for account in accounts}


def chart_of(owner_ids: Iterable[int]) -> Chart:
    """The accounts of these users and of the platform by (owner id, kind, bucket); missing ones are made."""
    owner_ids = sorted(set(owner_ids))
    chart = _read_chart(owner_ids)
    wanted = [(owner_id, *place) for owner_id in owner_ids for place in KEPT] + [(None, *place) for place in SUMMED]
    missing = [place for place in wanted if place not in chart]
    if not missing:
        return chart
    new = [Account(owner_id=owner, kind=kind, bucket=bucket, balance_micros=owner and 0) for owner, kind, bucket in missing]
    Account.objects.bulk_create(new, ignore_conflicts=True)  # a racing first movement may make them too
    return _read_chart(owner_ids)


def lock_accounts(accounts: Iterable[Account]) -> dict[int, Account]:
    """Fresh rows of those that keep a balance, locked: wallets before pending accounts, then by primary key.

    A charge locks its creator's whole wallet, so a transaction that extends, charges and releases for one creator
    never waits for a wallet while it holds somebody's pending account.
    """
    ids = {account.pk for account in accounts if account.owner_id}
    rows = Account.objects.select_for_update().filter(pk__in=ids).order_by(PENDING_LAST, "pk")
    return {row.pk: row for row in rows}


def written(keys: Iterable[str]) -> dict[str, Transfer]:
    """The transfers that exist under these keys."""
    return {transfer.key: transfer for transfer in Transfer.objects.raw(WRITTEN, [list(keys)])}


def post(movements: Sequence[Movement], *, locked: dict[int, Account] | None = None) -> list[Transfer]:
    """Write all movements or none, each once per key; those already written are returned as they are.

    Raises:
        InsufficientCredit: an account that keeps a balance would be overdrawn.
        KeyReused: a key names a different movement.

    Locks: the accounts that keep a balance, as `lock_accounts`, unless the caller holds them (`locked`).
    """
    if locked is None:
        locked = lock_accounts(account for move in movements for account in (move.source, move.target))
    known = written(move.key for move in movements)  # after the locks: a racing repeat has committed by now
    fresh = [move for move in movements if move.key not in known]
    for move in movements:
        if move.key in known and not move.is_same_as(known[move.key]):
            raise KeyReused(move.key)
    _change_balances(fresh, locked)
    known.update(written_now := {row.key: row for row in _insert(fresh)})
    events.credit_changed({row.owner_id for row in written_now.values() if row.owner_id})
    return [known[move.key] for move in movements]


def _change_balances(movements: Sequence[Movement], locked: dict[int, Account]) -> None:
    """Apply the sums of `movements` to the locked rows."""
    changes: dict[int, int] = defaultdict(int)
    for move in movements:
        changes[move.source.pk] -= move.amount_micros
        changes[move.target.pk] += move.amount_micros
    touched = [row for pk, row in locked.items() if changes.get(pk)]
    for row in touched:
        row.balance_micros = row.kept_micros + changes[row.pk]
        if row.balance_micros < 0:
            raise InsufficientCredit(-row.balance_micros)
    if touched:
        with connection.cursor() as cursor:
            cursor.execute(CHANGE, [[row.pk for row in touched], [row.balance_micros for row in touched]])


def _insert(movements: Sequence[Movement]) -> list[Transfer]:
    if not movements:
        return []
    now = clock.now()
    rows = [
        Transfer(
            key=move.key,
            code=move.code,
            source=move.source,
            target=move.target,
            amount_micros=move.amount_micros,
            owner_id=move.owner_id,
            hold_id=move.hold_id,
            reverses_id=move.reverses_id,
            reference=move.reference,
            created_at=now,
        )
        for move in movements
    ]
    columns = [[getattr(row, name) for row in rows] for name in COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [now, *columns])
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
    return rows


def spendable(chart: Chart, owner_id: int, bucket: Bucket) -> Account:
    return chart[owner_id, Kind.SPENDABLE, bucket]


def holding(chart: Chart, owner_id: int, bucket: Bucket) -> Account:
    return chart[owner_id, Kind.HOLDING, bucket]


def platform(chart: Chart, kind: Kind, bucket: Bucket) -> Account:
    return chart[None, kind, bucket]
