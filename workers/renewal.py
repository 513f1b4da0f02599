"""Heartbeats of many nodes in two statements: who was seen and whether it rests, and whose leases live on.

Locks: lease rows only, skipping those that a report is ending at this moment.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction

from pictor_agent import protocol
from workers import limits, resting
from workers.feeding import LEASE_SECONDS
from workers.models import Worker

SEEN = f"""
    UPDATE workers_worker AS worker SET last_seen_at = %(now)s, resting = given.resting,
           rest_told = CASE WHEN {resting.DUE} THEN given.resting ELSE before.rest_told END,
           rest_told_at = CASE WHEN {resting.DUE} THEN %(now)s ELSE before.rest_told_at END
    FROM unnest(%(ids)s::bigint[], %(epochs)s::bigint[], %(restings)s::text[], %(limits)s::bigint[])
         AS given(worker_id, epoch, resting, limits_at)
    JOIN workers_worker AS before ON before.id = given.worker_id
    LEFT JOIN workers_controls AS controls ON controls.worker_id = given.worker_id
    WHERE worker.id = given.worker_id AND worker.connection_epoch = given.epoch
    RETURNING worker.id, worker.owner_id, worker.resting, before.resting <> given.resting, {resting.DUE},
              worker.protocol >= {protocol.LIMITS_SINCE} AND {limits.AT} <> given.limits_at
"""

RENEW = """
    WITH live AS MATERIALIZED (
        SELECT lease.id, lease.work_id, lease.worker_id, lease.attempt
        FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS given(work_id, worker_id, attempt)
        JOIN workers_lease AS lease USING (work_id, worker_id, attempt)),
    free AS MATERIALIZED (
        SELECT lease.id FROM workers_lease AS lease JOIN live USING (id)
        ORDER BY lease.work_id FOR UPDATE OF lease SKIP LOCKED),
    renewed AS (
        UPDATE workers_lease AS lease SET expires_at = %s, acknowledged_at = COALESCE(acknowledged_at, %s)
        FROM free WHERE lease.id = free.id)
    SELECT work_id, worker_id, attempt FROM live
"""


class Seen(NamedTuple):
    """What one heartbeat says of its node."""

    epoch: int
    resting: str = ""  # why it takes no new work for now
    limits_at: int = 0  # names the limits that it obeys


@dataclass(frozen=True, slots=True)
class Renewed:
    void: dict[int, list[tuple[int, int]]]  # by node: attempts that hold no lease any more
    superseded: set[int]  # nodes that have a newer connection
    limits: dict[int, protocol.Limits]  # by node: what it must obey from now on


@transaction.atomic
def renew(seen: Mapping[int, Seen], holding: Sequence[tuple[int, int, int]], *, now: datetime) -> Renewed:
    """Take the heartbeats of `seen` (by node), which hold the attempts `holding` (work id, node, attempt)."""
    with connection.cursor() as cursor:
        rows = _see(cursor, seen, now)
        present = {worker.pk for worker, *_ in rows}
        resting.show([worker for worker, changed, *_ in rows if changed])
        resting.tell([worker for worker, _, due, _ in rows if due], now=now)
        claims = sorted({claim for claim in holding if claim[1] in present})
        void = defaultdict(list)
        if claims:
            columns = [list(column) for column in zip(*claims, strict=True)]
            cursor.execute(RENEW, [*columns, now + timedelta(seconds=LEASE_SECONDS), now])
            live = set(cursor.fetchall())
            for work_id, worker_id, attempt in (claim for claim in claims if claim not in live):
                void[worker_id].append((work_id, attempt))
    new_limits = limits.limits_of([worker.pk for worker, *_, others in rows if others])
    return Renewed(dict(void), seen.keys() - present, new_limits)


def _see(cursor, seen: Mapping[int, Seen], now: datetime) -> list[tuple[Worker, bool, bool, bool]]:
    """Of each node that is still on this connection: what the heartbeat says of it, whether it changed its mind, whether
    its history is due to say so, whether it obeys other limits than it should."""
    epochs, restings, obeyed = map(list, zip(*seen.values(), strict=True))
    given = {"ids": list(seen), "epochs": epochs, "restings": restings, "limits": obeyed}
    cursor.execute(SEEN, given | {"now": now, "quiet_since": now - resting.QUIET})
    return [(Worker(pk=pk, owner_id=owner_id, resting=why), *flags) for pk, owner_id, why, *flags in cursor.fetchall()]
