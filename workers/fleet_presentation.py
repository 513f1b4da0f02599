"""Many nodes in words: what a verb does to all of them, and the list as a file."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet

from common import sheets
from common.money import format_plain
from common.words import plural
from workers import fleet, presentation
from workers.look import for_look, with_day
from workers.places import name_of

NAMES_SHOWN = 20
CSV_BATCH = 200  # rows that are read at once
HEADER = (
    "node", "status", "doing", "hardware", "location", "earned today (credits)", "tasks today", "uptime of 7 days (%)",
    "reliability (%)", "level", "created (UTC)", "last seen (UTC)", "last change (UTC)", "id",
)  # fmt: skip


class Verb(NamedTuple):
    """What is asked before it is done to many nodes."""

    words: str  # on the button, with a place for "3 nodes"
    text: str  # what happens to the work, and to the money
    fits: Q  # the other nodes stay as they are
    is_final: bool = False


VERBS = {
    "pause": Verb(
        "Pause {}",
        "What runs on them is finished and paid. What is merely next goes back to the queue, and no other task begins.",
        fleet.PAUSABLE,
    ),
    "stop": Verb(
        "Pause {} now",
        "What they render goes back to the queue, unpaid; its creators pay nothing for it, and other nodes render it again. "
        "Finished pictures that are being sent are kept and paid.",
        fleet.STOPPABLE,
        is_final=True,
    ),
    "resume": Verb("Resume {}", "They take work again, as their schedules allow.", fleet.RESUMABLE),
}


def question(verb: str, nodes: QuerySet) -> dict:
    """The page that asks before `verb` is done."""
    asked = VERBS[verb]
    total, fitting = nodes.count(), nodes.filter(asked.fits).order_by("name")
    names = list(fitting.values_list("name", flat=True)[: NAMES_SHOWN + 1])
    count = len(names) if len(names) <= NAMES_SHOWN else fitting.count()
    words = asked.words.format(plural(count, "node"))
    return {
        "title": f"{words}?" if count else "Nothing to do",
        "words": words,
        "text": asked.text,
        "is_final": asked.is_final,
        "count": count,
        "names": names[:NAMES_SHOWN],
        "more": max(0, count - NAMES_SHOWN),
        "unfit": total - count,
    }


def done_words(verb: str, count: int) -> str:
    """What has been done, for a message."""
    return f"{plural(count, 'node')} {'resumed' if verb == 'resume' else 'paused'}."


# The list as a file ---------------------------------------------------------------------------------------------------


def csv_lines(nodes: QuerySet, *, now: datetime) -> Iterator[str]:
    return sheets.lines(HEADER, map(_cells, _batched(nodes, now)))


def _batched(nodes: QuerySet, now: datetime) -> Iterator[presentation.Row]:
    """All of them; nothing but one batch is in memory."""
    rows = fleet.with_last_change(with_day(for_look(nodes), now))
    for first in range(0, nodes.count(), CSV_BATCH):
        yield from presentation.rows_of(list(rows[first : first + CSV_BATCH]), now=now)


def _cells(row: presentation.Row) -> tuple:
    worker = row.worker
    return (
        sheets.text_cell(worker.name),
        row.words,
        sheets.text_cell(row.title or row.reason),
        sheets.text_cell(row.hardware),
        name_of(worker.country),
        format_plain(row.earned_micros),
        row.tasks,
        "" if row.uptime is None else round(row.uptime * 100),
        worker.reliability_bp / 100,
        row.level_words,
        sheets.moment_cell(worker.created_at),
        sheets.moment_cell(worker.last_seen_at),
        sheets.moment_cell(worker.changed_at),
        worker.uid,
    )
