"""The one queue of work, as the products use it: put in, hold back, change, take out."""

import json
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from common import clock
from workers import deliveries, events
from workers.kinds import NewWork
from workers.leases import UNSTARTED, lock_works, return_leases, take_leases
from workers.models import Work, Worker
from workers.nudges import nudge_on_commit
from workers.states import ReturnReason

BATCH = 5_000
TAKEN_MAX = 50_000  # places of all nodes together

HOLD = """
    WITH locked AS MATERIALIZED (
        SELECT id FROM workers_work WHERE kind = %s AND "group" = %s AND held <> %s ORDER BY id FOR UPDATE)
    UPDATE workers_work AS work SET held = %s FROM locked WHERE work.id = locked.id
"""

CHANGE = """
    WITH locked AS MATERIALIZED (
        SELECT id FROM workers_work WHERE kind = %(kind)s AND "group" = %(group)s ORDER BY id FOR UPDATE)
    UPDATE workers_work AS work SET
        tier = COALESCE(%(tier)s, work.tier),
        priority = COALESCE(%(priority)s, work.priority),
        needed_by_at = CASE WHEN %(due)s THEN %(needed_by_at)s::timestamptz ELSE work.needed_by_at END,
        requirements = work.requirements || %(requirements)s::jsonb
    FROM locked WHERE work.id = locked.id
"""
KEPT = object()  # leave as it is


COLUMNS = {  # of NewWork -> SQL type; Django's bulk_create takes five times as long
    "reference": "bigint", "group": "bigint", "owner_id": "bigint", "requirements": "jsonb", "priority": "smallint",
    "sort": "bigint", "attempts": "int", "avoided_id": "bigint", "avoided_until": "timestamptz", "tier": "smallint",
    "affinity": "text", "needed_by_at": "timestamptz",
}  # fmt: skip
NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
ENQUEUE = f"""
    INSERT INTO workers_work (kind, leased, held, created_at, {NAMES})
    SELECT %s, FALSE, FALSE, %s, * FROM unnest({", ".join(f"%s::{kind}[]" for kind in COLUMNS.values())})
    ON CONFLICT (kind, reference) DO NOTHING
"""


@transaction.atomic
def enqueue(kind: str, items: Iterable[NewWork]) -> None:
    """Put work into the queue; a reference that is there already stays as it is."""
    items = list(items)
    shared = {id(item.requirements): item.requirements for item in items}  # a group has one dict for all its work
    encoded = {key: json.dumps(requirements) for key, requirements in shared.items()}
    rows = [item._replace(requirements=encoded[id(item.requirements)]) for item in items]
    for first in range(0, len(rows), BATCH):
        columns = [[getattr(row, name) for row in rows[first : first + BATCH]] for name in COLUMNS]
        with connection.cursor() as cursor:
            cursor.execute(ENQUEUE, [kind, clock.now(), *columns])
    nudge_on_commit()


@transaction.atomic
def withdraw(kind: str, references: Iterable[int]) -> list[tuple[Worker, int, int]]:
    """Take work out of the queue, also from the nodes that hold it.

    Returns the attempts that were cancelled, as (node, work id, attempt). Call it before locking rows of your own.
    """
    works = lock_works(kind=kind, reference__in=list(references))
    gone = take_leases(Q(), works)
    Work.objects.filter(pk__in=list(works))._raw_delete(using="default")
    deliveries.cancel_on_commit(gone, "withdrawn")
    events.announce_work(lease.worker_id for lease in gone)
    nudge_on_commit()
    return [(lease.worker, lease.work_id, lease.attempt) for lease in gone]


@transaction.atomic
def hold_group(kind: str, group: int, held: bool) -> int:
    """Keep a group's waiting work from being leased, or let it go; what nodes hold already stays. Returns rows changed."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [kind, group, held, held])
        changed = cursor.rowcount
    if not held:
        nudge_on_commit()
    return changed


@transaction.atomic
def take_back(kind: str, group: int, *, now: datetime) -> int:
    """Take from nodes what they have next of a held group and have not begun; returns how many. What runs, runs on.

    Locks: work rows, then leases, then the product's rows: call it before locking any of those.
    """
    return return_leases(UNSTARTED & Q(work__kind=kind, work__group=group), ReturnReason.HELD_BACK, now=now, limit=TAKEN_MAX)


@transaction.atomic
def change_group(
    kind: str,
    group: int,
    *,
    tier: int | None = None,
    priority: int | None = None,
    needed_by_at: datetime | object | None = KEPT,
    **requirements,
) -> int:
    """Change the order or the needs of all work of a group; what nodes hold already stays with them. Returns rows changed.

    Args:
        requirements: fields of workers.matching.Requirements that replace the present ones, for example device_class.
    """
    values = {"kind": kind, "group": group, "tier": tier, "priority": priority, "requirements": json.dumps(requirements)}
    values |= {"due": needed_by_at is not KEPT, "needed_by_at": None if needed_by_at is KEPT else needed_by_at}
    with connection.cursor() as cursor:
        cursor.execute(CHANGE, values)
        changed = cursor.rowcount
    nudge_on_commit()
    return changed
