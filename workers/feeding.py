"""The feeder: give the free places of all nodes the best waiting work. Only this module writes leases.

One feeder works at a time (advisory lock); the partial unique indexes and SKIP LOCKED hold even if two did.
"""

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from django.db import connection, transaction

from pictor_agent import protocol
from workers import deliveries, events
from workers.deliveries import Delivery, Held
from workers.kinds import NewLease, kind_of
from workers.matching import Place, Requirements, Waiting, WorkerFacts, assign
from workers.models import Work

log = structlog.get_logger(__name__)

ADVISORY_LOCK = 0x9_1C70_0001
LEASE_SECONDS = 60  # renewed by every heartbeat
BATCH = 1_000  # leases per transaction
PLACES_MAX = 20_000
PAGES = 10  # of waiting work read in one run before the rest waits for the next
FILES_PER_MESSAGE = 2_000  # with their addresses about 1 MB; far below protocol.TO_NODE_BYTES_MAX
UPLOADS_MAX = 8  # per slot: a node that renders faster than it uploads gets no more meanwhile

PLACES = """
    SELECT w.id, w.owner_id, w.gateway_id, w.connection_epoch, w.score_milli, w.ram_bytes, w.blender_versions,
           w.isolation = 'bubblewrap', w.unsandboxed_allowed,
           ARRAY(SELECT g.vram_bytes FROM workers_gpu g WHERE g.worker_id = w.id),
           s.slot, p.place, running.kind, running."group"
    FROM workers_worker w
    CROSS JOIN LATERAL generate_series(0, w.slots - 1) AS s(slot)
    CROSS JOIN (VALUES (0), (1)) AS p(place)
    LEFT JOIN LATERAL (
        SELECT work.kind, work."group" FROM workers_lease l JOIN workers_work work ON work.id = l.work_id
        WHERE l.worker_id = w.id AND l.slot = s.slot ORDER BY l.leased_at DESC LIMIT 1) AS running ON TRUE
    WHERE w.status = 'online' AND w.connected_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM workers_lease l WHERE l.worker_id = w.id AND l.slot = s.slot AND l.place = p.place)
      AND (SELECT count(*) FROM workers_lease l WHERE l.worker_id = w.id AND l.place IS NULL) < %s * w.slots
    ORDER BY p.place, w.id, s.slot LIMIT %s
"""

WAITING = """
    SELECT id, kind, reference, "group", owner_id, requirements::text, attempts,
           CASE WHEN avoided_until > %s AND EXISTS (
               SELECT 1 FROM workers_worker AS other
               WHERE other.id <> avoided_id AND other.status = 'online' AND other.connected_at IS NOT NULL) THEN avoided_id END
    FROM workers_work AS work
    WHERE NOT leased AND NOT held
      AND NOT EXISTS (SELECT 1 FROM unnest(%s::text[], %s::bigint[]) AS skipped(kind, "group")
                      WHERE skipped.kind = work.kind AND skipped."group" = work."group")
      AND id <> ALL(%s::bigint[])
    ORDER BY priority DESC, sort, id LIMIT %s FOR UPDATE SKIP LOCKED
"""

LEASE = """
    WITH given AS (
        SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::smallint[], %s::int[], %s::bigint[])
            AS given(work_id, worker_id, slot, place, attempt, epoch)),
    taken AS (
        UPDATE workers_work AS work SET leased = TRUE, attempts = given.attempt
        FROM given WHERE work.id = given.work_id AND NOT work.leased RETURNING work.id)
    INSERT INTO workers_lease (work_id, worker_id, slot, place, attempt, epoch, leased_at, expires_at)
    SELECT given.work_id, worker_id, slot, place, attempt, epoch, %s, %s FROM given JOIN taken ON taken.id = given.work_id
    RETURNING work_id
"""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a node's messages go at this moment."""

    gateway_id: str
    epoch: int
    owner_id: int
    score_milli: int


class WaitingRow(NamedTuple):
    work_id: int
    kind: str
    reference: int
    group: int
    owner_id: int
    requirements: str
    attempts: int
    avoided_id: int | None


def feed_once(now: datetime, *, batch: int = BATCH) -> int:
    """Lease as much as fits into one batch and publish it. Returns the number of leases; 0 also when another feeder works."""
    with transaction.atomic():
        if not (_alone() and Work.objects.filter(leased=False, held=False).exists()):
            return 0
        places, routes = _free_places()
        pairs, rows = _pair(places, batch=batch, now=now) if places else ([], {})
        leases, specs = _ask_products(pairs, rows, routes, now)
        written = _write(leases, routes, now)
        events.announce_work(lease.worker_id for lease in leases)
    leases = [lease for lease in leases if lease.work_id in written]
    deliveries.publish(_deliveries(leases, specs, rows, routes))
    return len(leases)


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        return cursor.fetchone()[0]


def _free_places() -> tuple[list[Place], dict[int, Route]]:
    with connection.cursor() as cursor:
        cursor.execute(PLACES, [UPLOADS_MAX, PLACES_MAX])
        rows = cursor.fetchall()
    facts, routes, places = {}, {}, []
    for row in rows:
        worker_id, owner_id, gateway_id, epoch, score = row[:5]
        if worker_id not in facts:
            facts[worker_id] = _facts(row)
            routes[worker_id] = Route(gateway_id, epoch, owner_id, score)
        slot, place, kind, group = row[10:]
        places.append(Place(facts=facts[worker_id], slot=slot, place=place, group=(kind, group) if kind else None))
    return places, routes


def _facts(row) -> WorkerFacts:
    worker_id, owner_id, _, _, score, ram_bytes, versions, sandboxed, unsandboxed_allowed, vram = row[:10]
    return WorkerFacts(
        worker_id=worker_id,
        owner_id=owner_id,
        blender_versions=frozenset(json.loads(versions)),
        ram_bytes=ram_bytes,
        vram_bytes=tuple(vram),
        sandboxed=sandboxed,
        unsandboxed_allowed=unsandboxed_allowed,
        score_milli=score,
    )


# Pairing --------------------------------------------------------------------------------------------------------------


def _pair(places: list[Place], *, batch: int, now: datetime) -> tuple[list[tuple[Place, Waiting]], dict[int, WaitingRow]]:
    """Match page after page of waiting work, leaving out groups that no free place fits."""
    pairs, rows, skipped = [], {}, set()
    for _ in range(PAGES):
        limit = min(len(places), batch)
        page = _waiting_rows(skipped, seen=rows, limit=limit, now=now)
        found = assign(places, [_waiting(row) for row in page])
        pairs += found
        rows |= {row.work_id: row for row in page}
        used, matched = {id(place) for place, _ in found}, {work.work_id for _, work in found}
        places = [place for place in places if id(place) not in used]
        skipped |= {(row.kind, row.group) for row in page if row.work_id not in matched and row.avoided_id is None}
        if not places or len(page) < limit or len(pairs) >= batch:
            break
    return pairs, rows


def _waiting_rows(skipped: set[tuple[str, int]], *, seen: Collection[int], limit: int, now: datetime) -> list[WaitingRow]:
    kinds, groups = [kind for kind, _ in skipped], [group for _, group in skipped]
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [now, kinds, groups, list(seen), limit])
        return [WaitingRow(*row) for row in cursor.fetchall()]


def _waiting(row: WaitingRow) -> Waiting:
    return Waiting(
        work_id=row.work_id,
        group=(row.kind, row.group),
        requirements=Requirements.from_json(json.loads(row.requirements)),
        avoided_id=row.avoided_id,
    )


# Leasing --------------------------------------------------------------------------------------------------------------


def _ask_products(pairs, rows, routes, now) -> tuple[list[NewLease], dict[int, protocol.RenderSpec]]:
    """The leases that their products agree to, with their specs."""
    by_kind = defaultdict(list)
    for place, work in pairs:
        row, route = rows[work.work_id], routes[place.facts.worker_id]
        by_kind[row.kind].append(
            NewLease(
                work_id=row.work_id,
                reference=row.reference,
                worker_id=place.facts.worker_id,
                worker_owner_id=route.owner_id,
                score_milli=route.score_milli,
                attempt=row.attempts + 1,
                slot=place.slot,
                place=place.place,
                group=row.group,
            )
        )
    specs = {}
    for kind, leases in by_kind.items():
        specs |= _specs(kind, leases, now)
    return [lease for leases in by_kind.values() for lease in leases if lease.work_id in specs], specs


def _specs(kind: str, leases: list[NewLease], now: datetime) -> dict[int, protocol.RenderSpec]:
    """Ask for all at once; when that breaks, group by group, so that one broken job stops nobody else."""
    try:
        with transaction.atomic():
            return kind_of(kind).lease(leases, now)[0]
    except Exception:
        groups = {lease.group for lease in leases}
        log.exception("lease_failed", kind=kind, groups=sorted(groups)[:20])
        if len(groups) == 1:
            return {}
    specs = {}
    for group in groups:
        specs |= _specs(kind, [lease for lease in leases if lease.group == group], now)
    return specs


def _write(leases: list[NewLease], routes: dict[int, Route], now: datetime) -> set[int]:
    """Write the leases in one statement; the work ids that were still free."""
    if not leases:
        return set()
    epochs = [routes[lease.worker_id].epoch for lease in leases]
    columns = zip(*((x.work_id, x.worker_id, x.slot, x.place, x.attempt) for x in leases), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(LEASE, [*map(list, columns), epochs, now, now + timedelta(seconds=LEASE_SECONDS)])
        return {row[0] for row in cursor.fetchall()}


# Publishing -----------------------------------------------------------------------------------------------------------


def _deliveries(leases, specs, rows, routes) -> list[tuple[str, Delivery]]:
    by_worker = defaultdict(list)
    for lease in leases:
        by_worker[lease.worker_id].append(lease)
    return [
        (routes[worker_id].gateway_id, _delivery(worker_id, part, specs, rows, routes[worker_id].epoch))
        for worker_id, batch in by_worker.items()
        for part in _parts(batch, specs)
    ]


def _parts(leases: list[NewLease], specs) -> list[list[NewLease]]:
    """One message for a node, or one per assignment when together they would be too large."""
    files = sum(len(specs[lease.work_id].files) for lease in leases)
    return [leases] if files <= FILES_PER_MESSAGE else [[lease] for lease in leases]


def _delivery(worker_id: int, leases: list[NewLease], specs, rows, epoch: int) -> Delivery:
    items = [
        protocol.Assignment(
            work_id=lease.work_id,
            attempt=lease.attempt,
            slot=lease.slot,
            place=lease.place,
            lease_seconds=LEASE_SECONDS,
            spec=specs[lease.work_id],
        )
        for lease in leases
    ]
    held = [Held(lease.work_id, lease.attempt, rows[lease.work_id].kind, lease.reference, lease.group) for lease in leases]
    return Delivery(worker_id, epoch, protocol.encode(protocol.Assign(items=items)), held)
