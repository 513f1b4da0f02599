"""How nodes stand: their days are measured, and reliability and level follow. Nothing else writes these.

A stretch of time, from one run of the sweep to the next, is what every node is measured in: online as its shifts say, expected
and at work as the node is found at the end. A day's row holds its own sums and those of all days before, faded, so that a run
reads two rows per node, however long the history; written again, a row is the same. Formula: workers.reliability.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction

from pictor_agent import protocol
from workers import events, levels, losses, outages
from workers.levels import LABELS, Level, Standing
from workers.models import Measured, ReliabilityDay, Worker
from workers.reliability import HALF_LIFE_DAYS, HOUR, Record, reliability_bp

SETTLES = timedelta(minutes=2)  # by then it is known that a gateway had died
SILENT = timedelta(minutes=15)  # three runs of the sweep: the network was away, or did not look
DAYS_BACK = 30  # of a sweep that did not run for long: tasks of days before are lost to reliability
KEPT_DAYS = 400

OF_TIME, OF_TASKS = Record._fields[:4], Record._fields[4:]
FADED = [f"faded_{fact}" for fact in Record._fields]
KEPT = [*OF_TIME, *FADED, "known_up_seconds", "known_accepted"]

# What each node did in the stretches that count: expected, online, and whether it held work. A node's first row counts only
# what it was online: until then nobody could expect it.
MEASURED = """
    counted AS (SELECT begins, ends FROM unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[]) AS c(begins, ends)),
    online AS (
        SELECT worker_id,
               sum(extract(epoch FROM least(coalesce(ended_at, ends), ends) - greatest(started_at, begins)))::float8 AS seconds
        FROM counted JOIN workers_shift ON started_at < ends AND (ended_at IS NULL OR ended_at > begins) GROUP BY 1),
    found AS (
        SELECT w.id, w.hardware_at, coalesce(online.seconds, 0) AS up,
               coalesce((SELECT sum(extract(epoch FROM ends - begins)) FROM counted), 0)::float8 AS whole,
               EXISTS (SELECT 1 FROM workers_lease lease WHERE lease.worker_id = w.id) AS works,
               w.status NOT IN ('paused', 'suspended') AND NOT (w.closed_by = 'schedule') AND NOT (
                   w.closed_by = 'maintenance' AND EXISTS (
                       SELECT 1 FROM workers_maintenance m WHERE m.worker_id = w.id AND m.ended_at IS NULL
                       AND m.from_at <= %(now)s AND m.announced_at <= m.from_at - interval '24 hours')) AS expected
        FROM workers_worker w LEFT JOIN online ON online.worker_id = w.id WHERE w.status NOT IN ('new', 'retired')),
    stretch AS (
        SELECT id, hardware_at, works, CASE WHEN expected THEN least(up, whole) ELSE 0 END AS up_seconds,
               CASE WHEN NOT expected THEN 0 WHEN EXISTS (
                   SELECT 1 FROM workers_reliabilityday known WHERE known.worker_id = found.id) THEN whole ELSE up END AS all_seconds
        FROM found)"""

KEEP_DAY = f"""
    WITH {MEASURED},
    today AS (
        SELECT stretch.id AS worker_id, stretch.hardware_at,
               coalesce(own.offer_seconds, 0) + CASE WHEN works THEN 0 ELSE stretch.all_seconds END AS offer_seconds,
               coalesce(own.offer_up_seconds, 0) + CASE WHEN works THEN 0 ELSE stretch.up_seconds END AS offer_up_seconds,
               coalesce(own.work_seconds, 0) + CASE WHEN works THEN stretch.all_seconds ELSE 0 END AS work_seconds,
               coalesce(own.work_up_seconds, 0) + CASE WHEN works THEN stretch.up_seconds ELSE 0 END AS work_up_seconds,
               {", ".join(f"coalesce(tally.tasks_{fact}, 0) AS {fact}" for fact in OF_TASKS)}
        FROM stretch
        LEFT JOIN workers_reliabilityday own ON own.worker_id = stretch.id AND own.day_on = %(day)s
        LEFT JOIN workers_tally tally ON tally.worker_id = stretch.id AND tally.day_on = %(day)s
        WHERE %(last)s OR own.worker_id IS NOT NULL OR tally.worker_id IS NOT NULL)
    INSERT INTO workers_reliabilityday AS kept (worker_id, day_on, {", ".join(KEPT)})
    SELECT today.worker_id, %(day)s, {", ".join(f"today.{fact}" for fact in OF_TIME)},
           {", ".join(f"coalesce(past.faded_{fact} * past.fading, 0) + today.{fact}" for fact in Record._fields)},
           CASE WHEN past.same_hardware THEN past.known_up_seconds ELSE 0 END + today.offer_up_seconds + today.work_up_seconds,
           CASE WHEN past.same_hardware THEN past.known_accepted ELSE 0 END + today.accepted
    FROM today LEFT JOIN LATERAL (
        SELECT past.*, 0.5 ^ ((%(day)s - past.day_on) / {HALF_LIFE_DAYS}::float8) AS fading,
               past.day_on >= (today.hardware_at AT TIME ZONE 'UTC')::date AS same_hardware
        FROM workers_reliabilityday past
        WHERE past.worker_id = today.worker_id AND past.day_on < %(day)s ORDER BY past.day_on DESC LIMIT 1) past ON TRUE
    ON CONFLICT (worker_id, day_on) DO UPDATE SET {", ".join(f"{column} = EXCLUDED.{column}" for column in KEPT)}
    WHERE ({", ".join(f"kept.{column}" for column in KEPT)}) IS DISTINCT FROM ({", ".join(f"EXCLUDED.{column}" for column in KEPT)})
"""

FACTS = f"""
    SELECT w.id, w.reliability_bp, w.level, w.trusted, w.hardware_at, w.isolation = 'bubblewrap',
           w.blender_versions <> '[]' AND w.engines <> '[]',
           coalesce(test.passed, w.protocol < {protocol.SELF_TEST_SINCE}), w.simulated,
           coalesce((SELECT run.status = 'passed' FROM workers_benchmarkrun run
                     WHERE run.worker_id = w.id AND run.status IN ('passed', 'refused') AND run.created_at >= w.hardware_at
                     ORDER BY run.created_at DESC LIMIT 1), FALSE),
           coalesce(day.known_up_seconds, 0), coalesce(day.known_accepted, 0),
           {", ".join(f"coalesce(day.{column}, 0)" for column in FADED)}
    FROM workers_worker w LEFT JOIN workers_selftest test ON test.worker_id = w.id LEFT JOIN LATERAL (
        SELECT * FROM workers_reliabilityday day WHERE day.worker_id = w.id ORDER BY day.day_on DESC LIMIT 1) day ON TRUE
    WHERE w.status <> 'retired'
"""
# In the order of the nodes, as those who change many of them lock them.
LOCK = "SELECT FROM workers_worker WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
WRITE = """
    UPDATE workers_worker AS worker SET reliability_bp = given.bp, level = given.level
    FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS given(id, bp, level) WHERE worker.id = given.id
"""


# Days -----------------------------------------------------------------------------------------------------------------


@transaction.atomic
def measure(*, now: datetime) -> None:
    """Add the time since the last run to the days of all nodes; those since then, and yesterday, are written again for their tasks.

    Locks: the one row of Measured, so that no time and no loss is counted twice.
    """
    until = now - SETTLES
    Measured.objects.get_or_create(pk=1, defaults={"until_at": until})
    measured = Measured.objects.select_for_update().get(pk=1)
    since = measured.until_at
    stretches = _stretches(since, until) if since < until else []
    measured.until_at = max(since, until)
    measured.save(update_fields=["until_at"])
    losses.settle(measured.until_at)
    day = until.date()
    first = max(min(since.date(), day - timedelta(days=1)), day - timedelta(days=DAYS_BACK))
    while first < day:
        _keep_day(first, [], last=False, now=now)
        first += timedelta(days=1)
    _keep_day(day, stretches, last=True, now=now)


def _stretches(since: datetime, until: datetime) -> Sequence[outages.Stretch]:
    """What counts of this time. It belongs to the day in which it ends."""
    if until - since > SILENT:
        outages.note(since, until, "nothing was measured")
        return []
    outages.watch_line(since - outages.TOGETHER, until)  # else half of them vanish before and half after `since`
    return outages.counted(since, until)


def _keep_day(day: date, stretches: Sequence[outages.Stretch], *, last: bool, now: datetime) -> None:
    """`last`: every node has a row for it; one before is only written for nodes that did something on it."""
    begins, ends = [begin for begin, _ in stretches], [end for _, end in stretches]
    with connection.cursor() as cursor:
        cursor.execute(KEEP_DAY, {"day": day, "begins": begins, "ends": ends, "last": last, "now": now})


def drop_old(*, now: datetime, limit: int = 20_000) -> int:
    """Days and outages that nobody looks back at any more."""
    last = now.date() - timedelta(days=KEPT_DAYS)
    due = ReliabilityDay.objects.filter(day_on__lt=last).order_by("day_on").values("pk")[:limit]
    dropped = ReliabilityDay.objects.filter(pk__in=due)._raw_delete(using="default")
    return dropped + outages.drop_before(now - timedelta(days=KEPT_DAYS))


# Reliability and level ------------------------------------------------------------------------------------------------


class Facts(NamedTuple):
    """A node as it is written, and what follows from its days."""

    worker_id: int
    reliability_bp: int
    level: str
    record: Record
    standing: Standing

    @property
    def is_true(self) -> bool:
        return (self.reliability_bp, self.level) == (self.standing.reliability_bp, levels.level_of(self.standing))


def facts_of(*, now: datetime, worker_ids: Iterable[int] | None = None) -> list[Facts]:
    """Of all nodes that are not retired, or of these."""
    given = [] if worker_ids is None else [list(worker_ids)]
    with connection.cursor() as cursor:
        cursor.execute(FACTS + (" AND w.id = ANY(%s)" if given else ""), given)
        return [_facts(row, now) for row in cursor.fetchall()]


def _facts(row: tuple, now: datetime) -> Facts:
    worker_id, bp, level, by_operator, hardware_at, sandboxed, has_blender, tried_itself, simulated, measured = row[:10]
    up_seconds, accepted = row[10:12]
    record = Record(*row[12:])
    standing = Standing(
        by_operator=by_operator,
        signed_on=hardware_at is not None,
        sandboxed=sandboxed,
        has_blender=has_blender,
        tried_itself=tried_itself,
        simulated=simulated,
        measured=measured,
        hardware_age=levels.age(hardware_at, now),
        up_hours=up_seconds / HOUR,
        accepted=accepted,
        reliability_bp=reliability_bp(record),
    )
    return Facts(worker_id, bp, level, record, standing)


@transaction.atomic
def keep(*, now: datetime, worker_ids: Iterable[int] | None = None) -> int:
    """Write reliability and level where they have changed, of all nodes or of these; returns how many.

    Locks: the rows of these workers in their order (without their keys).
    """
    stale = [facts.worker_id for facts in facts_of(now=now, worker_ids=worker_ids) if not facts.is_true]
    if not stale:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [stale])
    # Looked at again once nobody else can write them: a sign-on may just have taken a level away.
    changed = [facts for facts in facts_of(now=now, worker_ids=stale) if not facts.is_true]
    became = {facts.worker_id: levels.level_of(facts.standing) for facts in changed}
    bps = [facts.standing.reliability_bp for facts in changed]
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [list(became), bps, [level.value for level in became.values()]])
    _tell({facts.worker_id: Level(facts.level) for facts in changed if facts.level != became[facts.worker_id]}, became, now=now)
    return len(changed)


def _tell(was: dict[int, Level], became: dict[int, Level], *, now: datetime) -> None:
    """The histories of nodes whose level has changed."""
    nodes = Worker.objects.filter(pk__in=was)
    lines = {node: f"{LABELS[became[node.pk]]}, before: {LABELS[was[node.pk]].lower()}" for node in nodes}
    if lines:
        events.record_all(lines, "level", now=now)
