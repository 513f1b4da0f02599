"""What happened to a node, in words and colours: the newest on its page, and all of it by subject, page by page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from common.paging import Place
from workers import events
from workers.look import Look
from workers.models import Worker, WorkerEvent

NEWEST_SHOWN = 30
TONES = {
    "signed-on": "ok",
    "enrolled": "ok",
    "lost": "warn",
    "superseded": "warn",
    "work-returned": "warn",
    "task-failed": "bad",
    "misfit": "warn",
    "refuted": "bad",
    "suspended": "bad",
    "paused": "warn",
    "stopped": "warn",
    "draining": "info",
    "closed": "warn",
    "opened": "ok",
    "maintenance": "info",
    "benchmark": "ok",
    "benchmark-refused": "bad",
    "hardware": "warn",
    "updated": "ok",
    "update-failed": "warn",
    "level": "info",
}

# subject -> its words, and the kinds of events.KINDS; what is in none stands under "All" alone
SUBJECTS: dict[str, tuple[str, frozenset[str]]] = {
    "line": (
        "Connection",
        frozenset(
            {"created", "enrolled", "config", "signed-on", "signed-off", "lost", "superseded", "draining", "hardware"}
            | {"updated", "update-failed"}
        ),
    ),
    "work": (
        "Work",
        frozenset(
            {
                "work-returned",
                "task-failed",
                "refuted",
                "misfit",
                "resting",
                "rested",
                "level",
                "benchmark",
                "benchmark-refused",
            }
        ),
    ),
    "owner": (
        "Changes",
        frozenset(
            {
                "paused",
                "stopped",
                "resumed",
                "retired",
                "located",
                "schedule",
                "limits",
                "service",
                "prices",
                "alerts",
                "updates",
            }
            | {"closed", "opened", "maintenance", "maintenance-ended"}
        ),
    ),
    "operator": ("Operators", frozenset({"suspended", "trusted", "distrusted"})),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One event, for a list."""

    words: str
    detail: str
    at: datetime
    tone: str  # of the dot; "quiet" has none


@dataclass(frozen=True, slots=True)
class Page:
    moments: list[Moment]
    older: Place | None  # where the next page begins; None on the last one


def moment_of(row: WorkerEvent) -> Moment:
    return Moment(events.KINDS.get(row.kind, row.kind), row.detail, row.at, TONES.get(row.kind, "quiet"))


def events_part(look: Look) -> dict:
    rows = look.worker.events.order_by("-at", "-id")[:NEWEST_SHOWN]
    return {"worker": look.worker, "moments": [moment_of(row) for row in rows]}


def page_of(worker: Worker, *, subject: str, older: Place | None, size: int) -> Page:
    """The newest first; of a subject, or ("") of all."""
    rows = worker.events.filter(kind__in=SUBJECTS[subject][1]) if subject else worker.events.all()
    rows = older.older(rows, by="at") if older else rows
    found = list(rows.order_by("-at", "-id")[: size + 1])
    last = Place(found[size - 1].at, found[size - 1].pk) if len(found) > size else None
    return Page([moment_of(row) for row in found[:size]], last)


def tabs(worker: Worker) -> list[dict]:
    """As components/tabs.html wants them."""
    url = reverse("workers:worker-events", args=[worker.pk])
    subjects: Iterable[tuple[str, str]] = ((key, words) for key, (words, _) in SUBJECTS.items())
    return [
        {"key": "", "url": url, "words": "All"},
        *({"key": k, "url": f"{url}?subject={k}", "words": w} for k, w in subjects),
    ]
