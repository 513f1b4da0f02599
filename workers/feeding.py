"""The feeder: give the free places of all nodes to the waiting work, in turns. Only this module writes leases.

One feeder works at a time (advisory lock); the partial unique indexes and SKIP LOCKED hold even if two did. What it
decides is in workers.sharing (who is next) and workers.matching (what fits); docs/scheduling.md explains it.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from pictor_agent import protocol
from workers import deliveries, events, nearness
from workers.deliveries import Delivery, Held
from workers.facts import COLUMNS, NODES, TAKES_WORK, WIDTH, facts_of_row
from workers.kinds import NewLease, ReturnedReport, kind_of, kinds_alone
from workers.matching import WorkerFacts
from workers.models import Work
from workers.pairing import Pair, pair
from workers.sharing import Place
from workers.states import ReturnReason
from workers.waiting import WaitingRow

log = structlog.get_logger(__name__)

ADVISORY_LOCK = 0x9_1C70_0001
LEASE_SECONDS = 60  # renewed by every heartbeat
BATCH = 1_000  # leases per transaction
PLACES_MAX = 20_000
TRIES = 3  # to fill places whose work its product refused
FILES_PER_MESSAGE = 2_000  # with their addresses about 1 MB; far below protocol.TO_NODE_BYTES_MAX
UPLOADS_MAX = 8  # per slot: a node that renders faster than it uploads gets no more meanwhile

PLACES = f"""
    SELECT {COLUMNS}, w.gateway_id, w.connection_epoch, s.slot, p.place, COALESCE(running.affinity, '')
    FROM {NODES}
    CROSS JOIN LATERAL generate_series(0, w.slots - 1) AS s(slot)
    CROSS JOIN (VALUES (0), (1)) AS p(place)
    LEFT JOIN LATERAL (
        SELECT work.affinity FROM workers_lease l JOIN workers_work work ON work.id = l.work_id
        WHERE l.worker_id = w.id AND l.slot = s.slot ORDER BY l.leased_at DESC LIMIT 1) AS running ON TRUE
    WHERE {TAKES_WORK}
      AND NOT EXISTS (SELECT 1 FROM workers_lease l WHERE l.worker_id = w.id AND l.slot = s.slot AND l.place = p.place)
      AND (SELECT count(*) FROM workers_lease l WHERE l.worker_id = w.id AND l.place IS NULL) < %s * w.slots
      AND w.id <> ALL (ARRAY(SELECT l.worker_id FROM workers_work work JOIN workers_lease l ON l.work_id = work.id
                             WHERE work.leased AND work.kind = ANY(%s)))
    ORDER BY p.place, w.id, s.slot LIMIT %s
"""

# A place that was taken since it was read (the node's next task moved up) is left out, not an error.
LEASE = """
    WITH given AS (
        SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::smallint[], %s::int[], %s::bigint[])
            AS given(work_id, worker_id, slot, place, attempt, epoch)),
    taken AS (
        UPDATE workers_work AS work SET leased = TRUE, attempts = given.attempt
        FROM given WHERE work.id = given.work_id AND NOT work.leased RETURNING work.id),
    written AS (
        INSERT INTO workers_lease (work_id, worker_id, slot, place, attempt, epoch, leased_at, expires_at)
        SELECT given.work_id, worker_id, slot, place, attempt, epoch, %s, %s FROM given JOIN taken ON taken.id = given.work_id
        ON CONFLICT DO NOTHING RETURNING work_id)
    SELECT taken.id, written.work_id IS NOT NULL FROM taken LEFT JOIN written ON written.work_id = taken.id
"""
RELEASE = "UPDATE workers_work SET leased = FALSE WHERE id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a node's messages go at this moment."""

    gateway_id: str
    epoch: int
    owner_id: int
    score_milli: int


def feed_once(now: datetime, *, batch: int = BATCH) -> int:
    """Lease as much as fits into one batch and publish it. Returns the number of leases; 0 also when another feeder works."""
    with transaction.atomic():
        if not (_alone() and Work.objects.filter(leased=False, held=False).exists()):
            return 0
        places, routes = _free_places()
        choice = _choose(places, routes, batch=batch, now=now)
        leases = _write(choice, routes, now)
        events.announce_work(lease.worker_id for lease in leases)
    deliveries.publish(_deliveries(leases, choice, routes))
    return len(leases)


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        return cursor.fetchone()[0]


def _free_places() -> tuple[list[Place], dict[int, Route]]:
    with connection.cursor() as cursor:
        cursor.execute(PLACES, [UPLOADS_MAX, kinds_alone(), PLACES_MAX])
        rows = cursor.fetchall()
    facts: dict[int, WorkerFacts] = {}
    routes, places = {}, []
    for row in rows:
        gateway_id, epoch, slot, place, warm = row[WIDTH:]
        if row[0] not in facts:
            facts[row[0]] = known = facts_of_row(row)
            routes[row[0]] = Route(gateway_id, epoch, known.owner_id, known.score_milli)
        places.append(Place(facts=facts[row[0]], slot=slot, place=place, warm=warm))
    return places, routes


# Choosing -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """The leases that their products agree to, each with its spec and the row it came from, by work id."""

    leases: list[NewLease]
    specs: dict[int, protocol.Spec]
    rows: dict[int, WaitingRow]


def _choose(places: list[Place], routes: dict[int, Route], *, batch: int, now: datetime) -> Choice:
    """Pair, ask the products, and pair again without the groups that they refuse: nobody waits behind those."""
    choice, refused = Choice([], {}, {}), set()
    for _ in range(TRIES):
        used = {(lease.worker_id, lease.slot, lease.place) for lease in choice.leases}
        closed = {lease.worker_id for lease in choice.leases if kind_of(choice.rows[lease.work_id].kind).alone}
        open_ = [place for place in places if place.facts.worker_id not in closed]
        free = [place for place in open_ if (place.facts.worker_id, place.slot, place.place) not in used]
        pairs = pair(free, batch=batch - len(used), without=refused, seen=set(choice.rows), now=now) if free else []
        pairs = _apart(pairs, Counter(worker_id for worker_id, *_ in used))
        choice.rows.update((row.work_id, row) for _, row in pairs)
        leases, specs = _ask_products(pairs, routes, now)
        choice.leases.extend(leases)
        choice.specs.update(specs)
        if len(leases) == len(pairs):
            break
        refused |= {row.key for _, row in pairs if row.work_id not in specs}
    return choice


def _apart(pairs: list[Pair], leased: Counter[int]) -> list[Pair]:
    """Without work that must be alone on nodes that get something else as well: it waits until they have ended that."""
    given = leased + Counter(place.facts.worker_id for place, _ in pairs)
    return [(place, row) for place, row in pairs if given[place.facts.worker_id] == 1 or not kind_of(row.kind).alone]


# Leasing --------------------------------------------------------------------------------------------------------------


def _ask_products(pairs: list[Pair], routes, now) -> tuple[list[NewLease], dict[int, protocol.Spec]]:
    """The leases that their products agree to, with their specs."""
    by_kind = defaultdict(list)
    for place, row in pairs:
        by_kind[row.kind].append(_new_lease(place, row, routes[place.facts.worker_id]))
    specs = {}
    for kind, leases in by_kind.items():
        specs |= _specs(kind, leases, now)
    return [lease for leases in by_kind.values() for lease in leases if lease.work_id in specs], specs


def _new_lease(place: Place, row: WaitingRow, route: Route) -> NewLease:
    return NewLease(
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


def _specs(kind: str, leases: list[NewLease], now: datetime) -> dict[int, protocol.Spec]:
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


def _write(choice: Choice, routes: dict[int, Route], now: datetime) -> list[NewLease]:
    """Write the leases in one statement; those that stand. The products hear of those whose place was taken meanwhile."""
    leases = choice.leases
    if not leases:
        return []
    epochs = [routes[lease.worker_id].epoch for lease in leases]
    columns = zip(*((x.work_id, x.worker_id, x.slot, x.place, x.attempt) for x in leases), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(LEASE, [*map(list, columns), epochs, now, now + timedelta(seconds=LEASE_SECONDS)])
        stands = dict(cursor.fetchall())
        lost = [lease for lease in leases if not stands.get(lease.work_id)]
        if lost:
            cursor.execute(RELEASE, [[lease.work_id for lease in lost if lease.work_id in stands]])
    _give_back(lost, choice.rows, now)
    written = [lease for lease in leases if stands.get(lease.work_id)]
    nearness.remember(((lease.worker_id, choice.rows[lease.work_id].affinity) for lease in written), now)
    return written


def _give_back(lost: list[NewLease], rows: dict[int, WaitingRow], now: datetime) -> None:
    """These attempts never reached a node; their numbers are used up."""
    by_kind = defaultdict(list)
    for x in lost:
        report = ReturnedReport(x.work_id, x.reference, x.worker_id, x.attempt, ReturnReason.PLACE_TAKEN.value, x.group)
        by_kind[rows[x.work_id].kind].append(report)
    for kind, reports in by_kind.items():
        log.info("places_taken", kind=kind, count=len(reports))
        kind_of(kind).returned(reports, now)


# Publishing -----------------------------------------------------------------------------------------------------------


def _deliveries(leases: list[NewLease], choice: Choice, routes: dict[int, Route]) -> list[tuple[str, Delivery]]:
    by_worker = defaultdict(list)
    for lease in leases:
        by_worker[lease.worker_id].append(lease)
    return [
        (routes[worker_id].gateway_id, _delivery(worker_id, part, choice, routes[worker_id].epoch))
        for worker_id, batch in by_worker.items()
        for part in _parts(batch, choice.specs)
    ]


def _parts(leases: list[NewLease], specs) -> list[list[NewLease]]:
    """One message for a node, or one per assignment when together they would be too large."""
    files = sum(len(specs[lease.work_id].files) for lease in leases)
    return [leases] if files <= FILES_PER_MESSAGE else [[lease] for lease in leases]


def _delivery(worker_id: int, leases: list[NewLease], choice: Choice, epoch: int) -> Delivery:
    items = [
        protocol.Assignment(
            work_id=lease.work_id,
            attempt=lease.attempt,
            slot=lease.slot,
            place=lease.place,
            lease_seconds=LEASE_SECONDS,
            spec=choice.specs[lease.work_id],
        )
        for lease in leases
    ]
    held = [
        Held(lease.work_id, lease.attempt, choice.rows[lease.work_id].kind, lease.reference, lease.group) for lease in leases
    ]
    return Delivery(worker_id, epoch, protocol.encode(protocol.Assign(items=items)), held)
