"""Learned fit: what a node could not do is kept from it, in the words of the products. `affinity` is a scene's key.

* A node that ran out of memory on it never gets it again, nor does one of its owner with as little; more memory in the
  node lifts that. Others' nodes are shut out by two owners' nodes, or one that an operator trusts: a node that claims
  to have run out of a great deal shuts out nobody else.
* A node that failed it FAILURES times in a row is left out for BLOCKED_FOR, unless no other node fits. A success clears it.

Locks: misfit rows only, each by its own key.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet

from common.written import written_once
from workers import events
from workers.matching import Learned
from workers.models import Misfit, Worker
from workers.nudges import nudge_on_commit
from workers.states import MisfitKind

FAILURES = 3  # in a row, of any work with the affinity
BLOCKED_FOR = timedelta(hours=1)
COUNTED_FOR = timedelta(hours=6)  # failures further apart are not in a row
MEMORY_FOR = timedelta(days=30)
SHOWN = 20  # nodes that a job is kept from, on its page

NOTE = """
    INSERT INTO workers_misfit AS misfit
        (worker_id, affinity, kind, title, words, count, ram_bytes, vram_bytes, at, until)
    SELECT w.id, %(affinity)s, %(kind)s, %(title)s, %(words)s, 1, w.ram_bytes,
           COALESCE((SELECT max(g.vram_bytes) FROM workers_gpu g WHERE g.worker_id = w.id), 0), %(now)s, %(until)s
    FROM workers_worker w WHERE w.id = %(worker_id)s
    ON CONFLICT (affinity, worker_id, kind) DO UPDATE SET
        title = EXCLUDED.title, words = EXCLUDED.words, at = EXCLUDED.at, until = EXCLUDED.until,
        ram_bytes = EXCLUDED.ram_bytes, vram_bytes = EXCLUDED.vram_bytes,
        count = CASE WHEN misfit.until < EXCLUDED.at THEN 1 ELSE LEAST(misfit.count + 1, 1000) END
    RETURNING count
"""

LEARNED = """
    SELECT misfit.affinity, misfit.worker_id, misfit.kind, misfit.ram_bytes, misfit.vram_bytes, w.owner_id, w.trusted,
           CASE WHEN misfit.kind = 'out_of_memory' THEN ARRAY(
               SELECT n.id FROM workers_worker n
               WHERE n.owner_id = w.owner_id AND n.ram_bytes <= misfit.ram_bytes AND misfit.vram_bytes >=
                   COALESCE((SELECT max(g.vram_bytes) FROM workers_gpu g WHERE g.worker_id = n.id), 0)) END
    FROM workers_misfit AS misfit JOIN workers_worker w ON w.id = misfit.worker_id
    WHERE misfit.affinity = ANY(%s) AND misfit.until > %s
      AND (misfit.kind = 'out_of_memory' OR misfit.count >= %s)
"""


class Row(NamedTuple):
    """A misfit in force."""

    worker_id: int
    kind: str
    ram_bytes: int
    vram_bytes: int
    owner_id: int
    trusted: bool
    as_little: list[int] | None  # nodes of its owner that have no more memory than it had, itself among them

    @property
    def memory(self) -> tuple[int, int]:
        """RAM and working memory, as in Learned."""
        return self.ram_bytes, self.vram_bytes or self.ram_bytes


def note_out_of_memory(worker_id: int, affinity: str, *, title: str, words: str, now: datetime) -> None:
    """The node has too little memory for it."""
    _note(MisfitKind.OUT_OF_MEMORY, worker_id, affinity, title=title, words=words, now=now, until=now + MEMORY_FOR)
    _tell_owner(worker_id, f"{title}: needs more memory than this node has", now)


def note_failure(worker_id: int, affinity: str, *, title: str, words: str, now: datetime) -> None:
    """The node failed it once more; after FAILURES in a row it is left out for a while."""
    count = _note(MisfitKind.FAILURES, worker_id, affinity, title=title, words=words, now=now, until=now + COUNTED_FOR)
    if count >= FAILURES:
        Misfit.objects.filter(worker=worker_id, affinity=affinity, kind=MisfitKind.FAILURES).update(until=now + BLOCKED_FOR)
    if count == FAILURES:
        _tell_owner(worker_id, f"{title}: failed {FAILURES} times in a row. {words}", now)


def _note(kind: MisfitKind, worker_id: int, affinity: str, *, title: str, words: str, now: datetime, until: datetime) -> int:
    if not affinity:
        return 0
    values = {"kind": kind, "worker_id": worker_id, "affinity": affinity, "title": title[:200], "words": words[:200]}
    with connection.cursor() as cursor:
        cursor.execute(NOTE, values | {"now": now, "until": until})
        row = cursor.fetchone()
    return row[0] if row else 0


def _tell_owner(worker_id: int, detail: str, now: datetime) -> None:
    events.record(Worker.objects.get(pk=worker_id), "misfit", now=now, detail=detail)


def note_successes(pairs: Iterable[tuple[int, str]]) -> None:
    """These (node, affinity) worked out: what failed before is no longer in a row. What ran out of memory stays."""
    pairs = [pair for pair in set(pairs) if pair[1]]
    if not pairs:
        return
    workers, affinities = zip(*pairs, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(CLEAR, [list(workers), list(affinities)])
        cleared = cursor.rowcount
    if cleared:
        nudge_on_commit()


CLEAR = """
    DELETE FROM workers_misfit AS misfit USING unnest(%s::bigint[], %s::text[]) AS given(worker_id, affinity)
    WHERE misfit.worker_id = given.worker_id AND misfit.affinity = given.affinity AND misfit.kind = 'failures'
"""


def learned(affinities: Iterable[str], *, now: datetime) -> dict[str, Learned]:
    """What holds at this moment, for those affinities of which something was learned."""
    wanted = sorted(affinity for affinity in affinities if affinity)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(LEARNED, [wanted, now, FAILURES])
        rows = cursor.fetchall()
    by_affinity = defaultdict(list)
    for row in rows:
        by_affinity[row[0]].append(Row(*row[1:]))
    return {affinity: _learned(rows) for affinity, rows in by_affinity.items()}


def _learned(rows: list[Row]) -> Learned:
    out = [row for row in rows if row.kind == MisfitKind.OUT_OF_MEMORY]
    return Learned(
        ran_out=frozenset(worker_id for row in out for worker_id in row.as_little or ()),
        memory=tuple(sorted({row.memory for row in out if _is_borne_out(row, out)})),
        failed=frozenset(row.worker_id for row in rows if row.kind == MisfitKind.FAILURES),
    )


def _is_borne_out(row: Row, out: list[Row]) -> bool:
    """Is it trusted, or did a node of another owner with as much memory run out as well?"""
    others = (other.memory for other in out if other.owner_id != row.owner_id)
    return row.trusted or any(ram >= row.memory[0] and memory >= row.memory[1] for ram, memory in others)


def in_force(*, now: datetime):
    """The misfits that hold at this moment, newest first."""
    rows = Misfit.objects.filter(until__gt=now).exclude(kind=MisfitKind.FAILURES, count__lt=FAILURES)
    return rows.select_related("worker").order_by("-at")


@written_once
def of_affinity(affinity: str, now: datetime) -> QuerySet[Misfit]:
    return in_force(now=now).filter(affinity=affinity)[:SHOWN]


def kept_apart(affinity: str, *, now: datetime) -> list[tuple[str, str]]:
    """Name of the node and why it gets no work with this affinity, for the page of a job."""
    return [(row.worker.name, words_of(row)) for row in of_affinity(affinity, now)] if affinity else []


def words_of(misfit: Misfit) -> str:
    """ "ran out of memory", "failed 3 times in a row, tried again after 14:05 UTC"."""
    if misfit.kind == MisfitKind.OUT_OF_MEMORY:
        return "ran out of memory"
    return f"failed {misfit.count} times in a row, tried again after {misfit.until:%H:%M} UTC"


def drop_ended(*, now: datetime, limit: int = 10_000) -> int:
    """What no longer holds is dropped."""
    due = Misfit.objects.filter(until__lt=now).values("pk")[:limit]
    return Misfit.objects.filter(pk__in=due)._raw_delete(using="default")
