"""What happened to a job: grouped, so that a thousand frames are a line, and in pages."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from common.written import written_once
from rendering import reasons
from rendering.choices import Again
from rendering.models import JobEvent
from rendering.presentation.reading import Reading
from rendering.presentation.words import JOB_TONES, TASK_TONES, ranges_of
from rendering.reasons import Reason
from rendering.states import JobStatus, TaskStatus

EVENTS_READ = 150  # rows of one page
RUN = timedelta(minutes=10)  # ordinary news of frames within it are told together
RANGES_SHOWN = 4
FIRST_ATTEMPT = "attempt 1"  # goes without saying
FIELDS = (
    "at",
    "was",
    "became",
    "reason",
    "detail",
    "job_id",
    "task__frame",
    "task__tile",
    "actor__display_name",
    "actor__email",
    "actor__username",
)
ORDINARY = (TaskStatus.ACCEPTED, TaskStatus.CHECKING, TaskStatus.RENDERING)  # a later one says more than an earlier one
JOB_BECAME = {  # what a person would say happened; a status that is not here reads as it is
    JobStatus.QUEUED: "waits for a node",
    JobStatus.RENDERING: "is rendering",
}
JOB_WENT_ON = {  # when it began to wait or to render, by where it was before
    JobStatus.READY: "submitted",
    JobStatus.PAUSED: "resumed",
    JobStatus.COMPLETED: "opened again",
    JobStatus.FAILED: "opened again",
}
JOB_BEGAN = {JobStatus.INSPECTING: "Job created", JobStatus.READY: "Scene inspected"}
TASK_BECAME = {
    TaskStatus.WAITING: "back in the queue",
    TaskStatus.RENDERING: "sent to a node",
    TaskStatus.CHECKING: "arrived, being checked",
    Reason.REFUTED: "proved wrong",
}
AGAIN = {f"again_{again}": again.label for again in Again}


@dataclass(frozen=True)
class Moment:
    """One line of the timeline."""

    at: datetime
    words: str
    detail: str
    tone: str


@dataclass
class Run:
    """News of frames that need no words of their own: which frames became what, newest first."""

    at: datetime
    frames: dict[str, set[int]] = field(default_factory=dict)
    noun: str = "Frame"

    def takes(self, event: JobEvent) -> bool:
        return is_ordinary(event) and self.at - event.at < RUN

    def add(self, event: JobEvent) -> None:
        self.frames.setdefault(event.became, set()).add(event.task.number)
        self.noun = "Tile" if event.task.tile else "Frame"

    def moments(self, told: set[int]) -> Iterator[Moment]:
        """Lines; frames of which something later was `told` already are left out, and those told now are added."""
        for became in ORDINARY:
            frames = sorted(self.frames.get(became, set()) - told)
            told |= set(frames)
            if frames:
                yield Moment(
                    self.at, f"{frames_words(frames, self.noun)} {TASK_BECAME.get(became, became)}", "", TASK_TONES[became]
                )


def _events(job_id: int) -> QuerySet[JobEvent]:
    return JobEvent.objects.filter(job=job_id).select_related("task", "actor").order_by("-at", "-id").only(*FIELDS)


@written_once
def newest_events(job_id: int) -> QuerySet[JobEvent]:
    return _events(job_id)[: EVENTS_READ + 1]


@written_once
def events_before(job_id: int, at: datetime, pk: int) -> QuerySet[JobEvent]:
    return _events(job_id).filter(Q(at__lt=at) | Q(at=at, id__lt=pk))[: EVENTS_READ + 1]


def events_part(reading: Reading, *, before: str | None = None) -> dict:
    """The newest page, or the one before an event."""
    cursor, job_id = _cursor(reading, before), reading.job.pk
    rows = events_before(job_id, cursor.at, cursor.pk) if cursor else newest_events(job_id)
    shown = rows[:EVENTS_READ]
    return {
        "job": reading.job,
        "moments": list(moments_of(shown)),
        "older": shown[-1].pk if len(rows) > EVENTS_READ else None,
        "before": cursor.pk if cursor else None,
    }


def _cursor(reading: Reading, before: str | None) -> JobEvent | None:
    known = before and before.isascii() and before.isdigit() and len(before) < 19
    return reading.job.events.filter(pk=int(before)).first() if known else None


def moments_of(events: Iterable[JobEvent]) -> Iterator[Moment]:
    """Lines for events, newest first: a run of ordinary ones together, all else as it is."""
    run: Run | None = None
    told: set[int] = set()
    for event in events:
        if run and not run.takes(event):
            yield from run.moments(told)
            run = None
        if is_ordinary(event):
            run = run or Run(event.at)
            run.add(event)
        else:
            told -= {event.task.number} if event.task_id else set()
            yield moment_of(event)
    if run:
        yield from run.moments(told)


def is_ordinary(event: JobEvent) -> bool:
    first_try = not event.detail or event.detail == FIRST_ATTEMPT
    return bool(event.task_id and event.became in ORDINARY and not event.reason and not event.actor_id and first_try)


def moment_of(event: JobEvent) -> Moment:
    tones = TASK_TONES if event.task_id else JOB_TONES
    words = happened(event)
    if event.actor_id:
        words += f" by {event.actor.name}"
    return Moment(event.at, words, _detail(event), tones.get(event.became, "quiet"))


def _detail(event: JobEvent) -> str:
    if event.reason in AGAIN:
        return f"{AGAIN[event.reason]}. {event.detail}".strip()
    return "" if event.detail == FIRST_ATTEMPT else event.detail or reasons.words(event.reason)


def happened(event: JobEvent) -> str:
    """ "Frame 7 arrived, being checked"; what happened to the job depends on where it was before."""
    if event.task_id:
        noun = "Tile" if event.task.tile else "Frame"
        return f"{noun} {event.task.number} {TASK_BECAME.get(event.became, event.became)}".rstrip()
    if event.became in JOB_BEGAN:
        return JOB_BEGAN[event.became] if event.was else "Job created"
    if event.became in {JobStatus.QUEUED, JobStatus.RENDERING} and event.was in JOB_WENT_ON:
        return f"Job {JOB_WENT_ON[event.was]}"
    return f"Job {JOB_BECAME.get(event.became, event.became)}".rstrip()


def frames_words(frames: list[int], noun: str = "Frame") -> str:
    """ "Frame 7", "Frames 1–40, 44 and 60 more"."""
    ranges = ranges_of(frames)
    shown = [f"{first}–{last}" if first != last else f"{first}" for first, last in ranges[:RANGES_SHOWN]]
    rest = sum(last - first + 1 for first, last in ranges[RANGES_SHOWN:])
    more = f" and {rest} more" if rest else ""
    return (f"{noun} " if len(frames) == 1 else f"{noun}s ") + ", ".join(shown) + more
