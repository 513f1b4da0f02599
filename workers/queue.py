"""The one queue of work, as the products use it: put in, hold back, take out."""

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Q

from workers import deliveries, events
from workers.kinds import NewWork
from workers.leases import lock_works, take_leases
from workers.models import Work, Worker
from workers.nudges import nudge_on_commit

BATCH = 5_000

HOLD = """
    WITH locked AS MATERIALIZED (
        SELECT id FROM workers_work WHERE kind = %s AND "group" = %s AND held <> %s ORDER BY id FOR UPDATE)
    UPDATE workers_work AS work SET held = %s FROM locked WHERE work.id = locked.id
"""


@transaction.atomic
def enqueue(kind: str, items: Iterable[NewWork]) -> None:
    """Put work into the queue; a reference that is there already stays as it is."""
    rows = [Work(kind=kind, **item._asdict()) for item in items]
    Work.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
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
    """Keep a group's waiting work from being leased, or let it go; what nodes hold already runs on. Returns rows changed."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [kind, group, held, held])
        changed = cursor.rowcount
    if not held:
        nudge_on_commit()
    return changed
