"""What the job pages show, put together from rows: words, colours, figures. Reads only; decides nothing.

Every `*_part` answers for one live element of templates/rendering/job_detail.html.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.paginator import Page, Paginator
from django.urls import reverse
from msgspec import ValidationError

from common.money import format_exact, places_for
from common.templatetags.pictor import filesize
from pictor_agent import engines
from rendering import forecast, reasons
from rendering.choices import FILE_SUFFIX, ImageFormat, Tier
from rendering.estimates import Quote, quote
from rendering.forecast import Range, Timing
from rendering.inspected import Warning, read_inspection, warnings
from rendering.job_settings import JobSettings
from rendering.models import Attempt, Film, Job, JobEvent, Output, Task
from rendering.rates import rate_at
from rendering.states import JOB_FINAL, JobStatus, PauseReason, TaskStatus
from workers import services as queue

WORK_KIND = "render"
STRIP_FRAMES = 200  # of the film strip on one page
CHART_POINTS = 160
EVENTS_SHOWN = 40

JOB_TONES = {
    JobStatus.DRAFT: "quiet",
    JobStatus.INSPECTING: "info",
    JobStatus.READY: "info",
    JobStatus.QUEUED: "quiet",
    JobStatus.RENDERING: "accent",
    JobStatus.PAUSED: "warn",
    JobStatus.COMPLETED: "ok",
    JobStatus.FAILED: "bad",
    JobStatus.CANCELLED: "quiet",
}
TASK_TONES = {
    TaskStatus.WAITING: "quiet",
    TaskStatus.RENDERING: "accent",
    TaskStatus.CHECKING: "info",
    TaskStatus.ACCEPTED: "ok",
    TaskStatus.FAILED: "bad",
    TaskStatus.CANCELLED: "quiet",
}
STATUS_LINES = {
    JobStatus.DRAFT: "The upload is not finished.",
    JobStatus.INSPECTING: "The sandbox is reading the file.",
    JobStatus.READY: "Choose the settings and submit it.",
    JobStatus.QUEUED: "Waiting for a node.",
    JobStatus.COMPLETED: "Every frame is accepted.",
    JobStatus.CANCELLED: "Cancelled; only accepted frames were charged.",
}
PAUSE_LINES = {
    PauseReason.USER: "Paused by you.",
    PauseReason.CREDIT: "Credit does not cover the next frame. It goes on by itself after a top-up.",
    PauseReason.CAP: "The cap does not cover the next frame. Raise it to go on.",
    PauseReason.GATE: "Waiting for your approval of the preview.",
}
STRIP_LEGEND = [
    ("ok", "accepted"),
    ("info", "checking"),
    ("accent", "rendering"),
    ("", "waiting"),
]


@dataclass(frozen=True)
class Counts:
    """How many frames of a job are where."""

    total: int
    accepted: int = 0
    checking: int = 0
    rendering: int = 0
    waiting: int = 0
    failed: int = 0
    cancelled: int = 0

    @classmethod
    def of(cls, total: int, by_status: dict[str, int]) -> "Counts":
        return cls(total, **by_status)

    @property
    def active(self) -> int:
        return self.checking + self.rendering

    @property
    def left(self) -> int:
        """Frames that are still to be accepted."""
        return self.active + self.waiting

    @property
    def viewable(self) -> int:
        return self.accepted + self.checking

    def percent(self, frames: int) -> float:
        return round(100 * frames / self.total, 2) if self.total else 0.0

    @property
    def accepted_percent(self) -> float:
        return self.percent(self.accepted)

    @property
    def active_percent(self) -> float:
        return self.percent(self.active)


# One job in a line ------------------------------------------------------------------------------------------------------


def status_line(job: Job, counts: Counts) -> str:
    """Why the job is where it is, in one sentence."""
    if job.status == JobStatus.PAUSED:
        return PAUSE_LINES[PauseReason(job.pause_reason)]
    if job.status == JobStatus.FAILED:
        return failure_line(job, counts)
    if job.status == JobStatus.RENDERING:
        return f"{counts.rendering} on nodes, {counts.waiting} waiting." if counts.rendering else "Waiting for a node."
    return STATUS_LINES[JobStatus(job.status)]


def failure_line(job: Job, counts: Counts) -> str:
    if job.failure:
        return reasons.words(job.failure)
    return f"{counts.failed} frame{'s' if counts.failed != 1 else ''} could not be rendered."


def facts_line(job: Job) -> str:
    """ "carousel.blend, Blender 5.0 Cycles, 640 × 360, 24 samples, frames 1-48"."""
    facts = [job.scene.name, f"{software_label(job)} {engine_label(job)}"]
    if job.width:
        facts += [f"{job.width} × {job.height}", counted(job.samples, "sample")]
    if job.frames:
        facts.append(("frames " if job.frame_count != 1 else "frame ") + job.frames)
    return ", ".join(facts)


def engine_label(job: Job) -> str:
    engine = engines.find(job.engine)
    return engine.label if engine else job.engine


def software_label(job: Job) -> str:
    known = {version.exact: version.label for version in engines.blender_versions.ALL}
    return known.get(job.blender_version, f"Blender {job.blender_version}")


@dataclass(frozen=True)
class Row:
    """One line of the jobs list."""

    job: Job
    counts: Counts
    tone: str
    line: str
    has_thumbnail: bool
    cost: Range | None
    ends_at: datetime | None
    nodes: int

    @property
    def url(self) -> str:
        return self.job.get_absolute_url()

    @property
    def places(self) -> int:
        """Decimals of the amounts in this line."""
        return places_for(int(self.cost.high) if self.cost else self.job.charged_micros)


def rows_of(jobs: Sequence[Job], *, now: datetime) -> list[Row]:
    """The list's lines, in three queries however many jobs there are."""
    counts = Task.objects.counts_by_job(jobs)
    timings = Attempt.objects.timing_by_job(jobs)
    nodes = Attempt.objects.nodes_by_job(jobs)
    return [_row(job, counts.get(job.pk, {}), timings.get(job.pk), nodes.get(job.pk, 0), now) for job in jobs]


def _row(job: Job, by_status: dict, timing_row: dict | None, nodes: int, now: datetime) -> Row:
    counts = Counts.of(job.frame_count, by_status)
    timing = timing_of(timing_row)
    left = forecast.seconds_left(timing, frames_left=counts.left, nodes=nodes)
    return Row(
        job=job,
        counts=counts,
        tone=JOB_TONES[JobStatus(job.status)],
        line=status_line(job, counts),
        has_thumbnail=bool(counts.viewable or job.scene.inspection.get("thumbnail_key")),
        cost=None if job.status in JOB_FINAL else _cost(job, counts, timing),
        ends_at=now + timedelta(seconds=left.high) if left and job.status == JobStatus.RENDERING else None,
        nodes=nodes,
    )


def timing_of(row: dict | None) -> Timing:
    return Timing(**{name: value or 0 for name, value in (row or {}).items()})


def _cost(job: Job, counts: Counts, timing: Timing) -> Range | None:
    return forecast.micros_in_the_end(timing, charged_micros=job.charged_micros, frames_left=counts.left)


# The job's page ---------------------------------------------------------------------------------------------------------


def counts_of(job: Job) -> Counts:
    return Counts.of(job.frame_count, Task.objects.counts_by_job([job]).get(job.pk, {}))


def head_part(job: Job, *, now: datetime) -> dict:
    counts = counts_of(job)
    return {
        "job": job,
        "counts": counts,
        "facts": facts_line(job),
        "tone": JOB_TONES[JobStatus(job.status)],
        "is_final": job.status in JOB_FINAL,
        "can_pause": job.status in {JobStatus.QUEUED, JobStatus.RENDERING},
        "can_resume": job.status == JobStatus.PAUSED,
        "can_cancel": job.status not in JOB_FINAL,
        "can_requeue": job.status != JobStatus.CANCELLED and bool(counts.accepted or counts.failed),
        "notice": notice_of(job, counts),
    }


@dataclass(frozen=True)
class Notice:
    """What the creator should know now, and the way out."""

    tone: str
    title: str
    text: str
    action_url: str = ""
    action_words: str = ""
    dialog: str = ""  # id of a dialog that the action opens


def notice_of(job: Job, counts: Counts) -> Notice | None:
    if job.status == JobStatus.PAUSED:
        return _pause_notice(job)
    if job.status == JobStatus.FAILED or counts.failed:
        return _failure_notice(job, counts)
    if job.status in {JobStatus.QUEUED, JobStatus.RENDERING} and counts.waiting and not counts.rendering:
        return _waiting_notice(job)
    return None


def _pause_notice(job: Job) -> Notice:
    if job.pause_reason == PauseReason.CREDIT:
        text = "Your available credit does not cover the next frame. Nothing is lost: the job goes on by itself after a top-up."
        return Notice("warn", "Paused for credit.", text, reverse("credit:overview"), "Top up")
    if job.pause_reason == PauseReason.CAP:
        spent, cap = format_exact(job.charged_micros), format_exact(job.cap_micros or 0)
        text = f"{spent} of the cap of {cap} credits are spent and the next frame would pass it."
        return Notice("warn", "Paused at your cap.", text, action_words="Raise the cap", dialog="raise-cap")
    if job.pause_reason == PauseReason.GATE:
        return Notice("warn", "Preview ready.", "Look at the frames, then resume to render the rest.")
    return Notice(
        "warn", "Paused by you.", "Frames that were on a node have gone back to the queue; nothing is charged while it rests."
    )


def _failure_notice(job: Job, counts: Counts) -> Notice:
    words = failure_line(job, counts)
    detail = f" {job.failure_detail}" if job.failure_detail else ""
    money = " Frames that failed were not charged."
    if counts.failed:
        return Notice("bad", words, (detail + money).strip(), action_words="Requeue failed", dialog="requeue")
    return Notice("bad", words, (detail + money).strip(), reverse("rendering:job-new"), "Upload a mended file")


def _waiting_notice(job: Job) -> Notice | None:
    """The queue's reason, while no node has a frame of the job."""
    reason = queue.waiting_reason(WORK_KIND, job.pk)
    return Notice("info", "Why it is waiting:", reason) if reason else None


@dataclass(frozen=True)
class Finish:
    """When the last frame is expected; `low` may equal `high` in minutes."""

    low: datetime
    high: datetime

    @property
    def same_minute(self) -> bool:
        return self.low.replace(second=0, microsecond=0) == self.high.replace(second=0, microsecond=0)


def stats_part(job: Job, *, now: datetime) -> dict:
    counts = counts_of(job)
    timing = timing_of(Attempt.objects.timing_by_job([job]).get(job.pk))
    nodes = Attempt.objects.nodes_by_job([job]).get(job.pk, 0)
    cost = _cost_range(job, counts, timing, now)
    return {
        "job": job,
        "counts": counts,
        "is_final": job.status in JOB_FINAL,
        "finish": _finish(job, counts, timing, nodes, now),
        "finish_sentence": _finish_sentence(job, counts, timing, nodes),
        "took_seconds": (job.finished_at - job.submitted_at).total_seconds() if job.finished_at and job.submitted_at else None,
        "cost": cost,
        "places": places_for(int(cost.high) if cost else job.charged_micros),
        "cost_sentence": _cost_sentence(job),
        **_accepted(counts),
        **_checked(job, counts),
    }


def _accepted(counts: Counts) -> dict:
    if counts.failed:
        return {"accepted_sentence": f"{counted(counts.failed, 'frame')} failed", "accepted_tone": "bad"}
    return {"accepted_sentence": "", "accepted_tone": ""}


def _finish(job: Job, counts: Counts, timing: Timing, nodes: int, now: datetime) -> Finish | None:
    left = forecast.seconds_left(timing, frames_left=counts.left, nodes=nodes)
    if left is None or job.status not in {JobStatus.QUEUED, JobStatus.RENDERING}:
        return None
    return Finish(*(_whole_quarter_minute(now + timedelta(seconds=seconds)) for seconds in (left.low, left.high)))


def _whole_quarter_minute(when: datetime) -> datetime:
    """Rounded, so that the element only changes when the forecast does."""
    return when.replace(second=when.second // 15 * 15, microsecond=0)


def _finish_sentence(job: Job, counts: Counts, timing: Timing, nodes: int) -> str:
    pace = f"{timing.mean_seconds:.1f} s a frame" if timing.frames else ""
    if job.status in JOB_FINAL:
        return pace
    if not nodes:
        return "No node is at work on it now" if counts.left else pace
    at_work = f"{nodes} node{'s' if nodes != 1 else ''} at work"
    return f"{at_work}, {pace}" if pace else f"{at_work}; known after the first frame"


def _cost_range(job: Job, counts: Counts, timing: Timing, now: datetime) -> Range | None:
    """What it will have cost: from its own frames, before the first one as it was quoted."""
    if job.status in JOB_FINAL or not counts.left:
        return None
    if not timing.frames:
        quoted = quote(job, now)
        return Range(quoted.low_micros, quoted.high_micros)
    return _cost(job, counts, timing)


def _cost_sentence(job: Job) -> str:
    if job.status in JOB_FINAL:
        return "Nothing more will be charged"
    if job.cap_micros is None:
        return "No cap; it pauses when credit does not cover the next frame"
    return f"Cap {format_exact(job.cap_micros)}, the job pauses before it is passed"


def _checked(job: Job, counts: Counts) -> dict:
    """Frames that went through the checks, and how many of them were refused."""
    refused = Attempt.objects.filter(task__job=job, outcome__in=CHECK_REASONS).count()
    if refused:
        sentence, tone = f"{refused} refused and rendered again, free for you", "warn"
    elif counts.accepted:
        sentence, tone = "No frame refused", "ok"
    else:
        sentence, tone = "Every frame is checked before it is charged", ""
    return {"checked": counts.accepted + refused, "checked_sentence": sentence, "checked_tone": tone}


CHECK_REASONS = [
    reasons.Reason.FILE_MISSING,
    reasons.Reason.UNDECODABLE,
    reasons.Reason.WRONG_SIZE,
    reasons.Reason.WRONG_CHANNELS,
    reasons.Reason.NOT_FINITE,
    reasons.Reason.HASH_MISMATCH,
    reasons.Reason.BLACK,
    reasons.Reason.CONSTANT,
    reasons.Reason.DUPLICATE,
]


def newest_part(job: Job, *, now: datetime) -> dict:
    """The frame that arrived last, large."""
    newest = (
        Output.objects.current()
        .filter(attempt__task__job=job)
        .exclude(preview_key="")
        .select_related("attempt__task", "attempt__worker")
        .order_by("-id")
        .first()
    )
    return {"job": job, "newest": newest, "caption": _caption(job, newest), "suffix": suffix_of(job)}


def _caption(job: Job, newest: Output | None) -> str:
    if newest is None:
        return ""
    attempt = newest.attempt
    state = "being checked" if attempt.task.status == TaskStatus.CHECKING else "accepted"
    took = f", {attempt.render_seconds:.1f} s" if attempt.render_seconds is not None else ""
    lead = "newest, " if job.status not in JOB_FINAL else ""
    return f"{lead}{state}{took} on {attempt.worker.name}"


def suffix_of(job: Job) -> str:
    return FILE_SUFFIX[ImageFormat(job.format)]


@dataclass(frozen=True)
class Node:
    """One node with a frame of the job: running it, sending it, or having it next."""

    name: str
    task_id: int
    frame: int | None
    percent: int
    note: str
    place: int | None

    @property
    def words(self) -> str:
        if self.place is None:
            return "sending"
        return f"{self.percent} %" if self.place == 0 else "next"


def nodes_part(job: Job, *, now: datetime) -> dict:
    rows = queue.nodes_at_work(WORK_KIND, job.pk)
    frames = dict(Task.objects.filter(job=job, pk__in=[row.reference for row in rows]).values_list("pk", "frame"))
    nodes = [_node(row, frames.get(row.reference)) for row in rows]
    return {
        "job": job,
        "nodes_at_work": nodes,
        "idle_words": _idle_words(job),
        "waiting_words": _waiting_words(job, nodes),
        "rendered_by": [] if nodes else Attempt.objects.accepted().filter(task__job=job).by_node(),
    }


def _waiting_words(job: Job, nodes: list[Node]) -> str:
    """Why the rest is not on a node yet, beside the nodes that are at work."""
    if not nodes or job.status not in {JobStatus.QUEUED, JobStatus.RENDERING}:
        return ""
    return queue.waiting_reason(WORK_KIND, job.pk) or ""


def _node(row, frame: int | None) -> Node:
    return Node(row.worker_name, row.reference, frame, int((row.fraction or 0) * 100), row.note, row.place)


def _idle_words(job: Job) -> str:
    if job.status in JOB_FINAL:
        return "" if job.charged_micros else "The job is over; no node works on it."
    if job.status == JobStatus.PAUSED:
        return "The job rests; no node works on it."
    return "No node works on it now. As soon as one is free and fits, it shows up here."


def chart_part(job: Job, *, now: datetime) -> dict:
    """Seconds per accepted frame, averaged into at most CHART_POINTS groups of neighbours."""
    values = list(
        Attempt.objects.accepted()
        .filter(task__job=job, render_seconds__isnull=False)
        .order_by("task__frame")
        .values_list("task__frame", "render_seconds")
    )
    size = -(-len(values) // CHART_POINTS) or 1
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    return {
        "job": job,
        "points": [_point(group) for group in groups],
        "slowest": max(values, key=lambda each: each[1], default=None),
    }


def _point(group: list[tuple[int, float]]) -> tuple[str, float]:
    first, last = group[0][0], group[-1][0]
    words = f"frame {first}" if first == last else f"frames {first}–{last}"
    return words, round(sum(seconds for _, seconds in group) / len(group), 2)


# The film strip ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tile:
    """One frame of the strip."""

    frame: int
    status: str
    words: str
    has_picture: bool
    version: int  # of the picture: the attempt it came from
    task_id: int
    percent: int
    is_next: bool


def strip_part(job: Job, *, now: datetime, page: str | None = None) -> dict:
    tasks = Task.objects.filter(job=job).with_thumbnails().with_start().order_by("frame")
    paginator = Paginator(tasks, STRIP_FRAMES)
    shown = paginator.get_page(page or _page_at_work(job))
    at_work = {row.reference: int((row.fraction or 0) * 100) for row in queue.nodes_at_work(WORK_KIND, job.pk)}
    return {
        "job": job,
        "tiles": [_tile(task, at_work.get(task.pk, 0)) for task in shown],
        "page": shown,
        "page_asked": page or "",
        "windows": _windows(paginator, shown),
        "legend": STRIP_LEGEND + ([("bad", "failed")] if any(task.status == TaskStatus.FAILED for task in shown) else []),
        "suffix": suffix_of(job),
    }


def _page_at_work(job: Job) -> int:
    """The page on which the first frame that is not accepted yet lies: a long strip follows the work."""
    if job.frame_count <= STRIP_FRAMES:
        return 1
    first = Task.objects.filter(job=job).exclude(status=TaskStatus.ACCEPTED).order_by("frame").values_list("frame").first()
    if first is None:
        return 1
    return Task.objects.filter(job=job, frame__lt=first[0]).count() // STRIP_FRAMES + 1


@dataclass(frozen=True)
class Window:
    number: int
    words: str
    current: bool


def _windows(paginator: Paginator, shown: Page) -> list[Window]:
    """The pages of a long strip by their positions: "1–200", "201–400"."""
    if paginator.num_pages < 2:
        return []
    spans = [(number, (number - 1) * STRIP_FRAMES + 1) for number in paginator.page_range]
    return [
        Window(number, f"{first}–{min(first + STRIP_FRAMES - 1, paginator.count)}", number == shown.number)
        for number, first in spans
    ]


def _tile(task: Task, percent: int) -> Tile:
    status = TaskStatus(task.status)
    viewable = status in {TaskStatus.CHECKING, TaskStatus.ACCEPTED}
    is_next = status == TaskStatus.RENDERING and task.started_at is None
    return Tile(
        frame=task.frame,
        status=task.status,
        words="next on its node" if is_next else _task_words(task, status),
        has_picture=viewable and bool(task.thumbnail_key),
        version=task.attempt,
        task_id=task.pk,
        percent=percent,
        is_next=is_next,
    )


def _task_words(task: Task, status: TaskStatus) -> str:
    if status == TaskStatus.FAILED and task.reason:
        return f"failed: {reasons.words(task.reason)}"
    return str(status.label).lower()


# Film, events -----------------------------------------------------------------------------------------------------------


def film_part(job: Job, *, now: datetime) -> dict:
    counts = counts_of(job)
    film = Film.objects.filter(job=job).order_by("-id").first()
    return {
        "job": job,
        "film": film,
        "counts": counts,
        "film_running": bool(film and not film.finished_at and not film.failure),
        "film_stale": bool(film and film.finished_at and film.frame_count < counts.accepted),
        "film_possible": counts.accepted > 0,
    }


@dataclass(frozen=True)
class Moment:
    """One line of the timeline."""

    at: datetime
    words: str
    detail: str
    tone: str


def events_part(job: Job, *, now: datetime) -> dict:
    events = job.events.select_related("task", "actor").order_by("-at", "-id")[: EVENTS_SHOWN + 1]
    moments = [_moment(event) for event in events[:EVENTS_SHOWN]]
    return {"job": job, "moments": moments, "more_events": len(events) > EVENTS_SHOWN}


def _moment(event: JobEvent) -> Moment:
    subject = f"Frame {event.task.frame}" if event.task_id else "Job"
    tones = TASK_TONES if event.task_id else JOB_TONES
    words = f"{subject} {event.became}" if event.became else subject
    if event.actor_id:
        words += f" by {event.actor.name}"
    return Moment(event.at, words, event.detail or reasons.words(event.reason), tones.get(event.became, "quiet"))


def details_part(job: Job, *, now: datetime) -> dict:
    return {
        "job": job,
        "details": details_of(job),
        "charged_words": format_exact(job.charged_micros),
        "cap_initial": "" if job.cap_micros is None else format_exact(job.cap_micros).replace(",", ""),
    }


def details_of(job: Job) -> list[tuple[str, str]]:
    """What was ordered, for the list beside the strip."""
    return [
        ("Software", f"{software_label(job)} ({job.blender_version})"),
        ("Engine", engine_label(job)),
        ("Camera", job.camera or "as in the file"),
        ("Frames", f"{job.frames} ({job.frame_count})"),
        ("Resolution", f"{job.width} × {job.height}"),
        ("Samples", f"{job.samples}"),
        ("Format", ImageFormat(job.format).label),
        ("Denoise", {None: "as in the file", True: "on", False: "off"}[job.denoise]),
        ("Tier", job.tier.capitalize()),
        ("Cap", "none" if job.cap_micros is None else f"{format_exact(job.cap_micros)} credits"),
    ]


# Before submit ----------------------------------------------------------------------------------------------------------


def scene_facts(job: Job) -> dict:
    """What the sandbox found in the file, and what its creator should know before paying for frames."""
    found = job.scene.inspection
    return {
        "found": found,
        "found_rows": found_rows(found),
        "tone": JOB_TONES[JobStatus(job.status)],
        "warnings": scene_warnings(found) if found else [],
        "failure": reasons.words(job.failure) if job.failure else "",
        "failure_advice": FAILURE_ADVICE.get(job.failure, FAILURE_ADVICE[""]),
        "coming": coming_labels(),
    }


def coming_labels() -> list[str]:
    """What cannot be chosen yet: versions of the software at hand, then engines."""
    versions = [version.label for version in engines.blender_versions.ALL if version.status == "coming"]
    return versions + [engine.label for engine in engines.coming()]


FAILURE_ADVICE = {
    "": "Open the file in Blender, check it, save it again and upload it once more. Nothing was charged.",
    reasons.Reason.UPLOAD_UNFIT: "Upload a .blend, or a .zip with one .blend and the files it uses beside it. Nothing was charged.",
    reasons.Reason.NO_CAMERA: "Add a camera in Blender, make it the active one, save and upload again. Nothing was charged.",
    reasons.Reason.INSPECTION_FAILED: "This may be our fault. Upload it once more; nothing was charged.",
}


def found_rows(found: dict) -> list[tuple[str, str]]:
    """The facts in words, without those that the file does not have."""
    engine = engines.find_by_blender_id(found.get("engine", ""))
    rows = [
        ("Saved by Blender", found.get("blender_version_saved")),
        ("Engine", engine.label if engine else found.get("engine")),
        ("Frames", _found_frames(found)),
        ("Frames per second", f"{found['fps']:g}" if found.get("fps") else None),
        ("Resolution", _found_size(found)),
        ("Samples", found.get("samples")),
        ("Cameras", ", ".join(found.get("cameras") or []) or "none"),
        ("Objects", found.get("objects")),
        ("Memory, about", filesize(found["memory_bytes_estimate"]) if found.get("memory_bytes_estimate") else None),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "", 0)]


def _found_frames(found: dict) -> str:
    if "frame_start" not in found:
        return ""
    step = found.get("frame_step", 1)
    return f"{found['frame_start']}-{found['frame_end']}" + (f"x{step}" if step > 1 else "")


def _found_size(found: dict) -> str:
    if not found.get("width"):
        return ""
    scale = found.get("percentage", 100)
    return f"{found['width']} × {found['height']}" + (f" at {scale} %" if scale != 100 else "")


def scene_warnings(found: dict) -> list[Warning]:
    """What may make frames differ from what the creator sees at home, worst first."""
    try:
        return warnings(read_inspection(found))
    except ValidationError:  # kept by an older release
        return []


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


@dataclass(frozen=True)
class TierCard:
    value: str
    label: str
    rate_micros: int  # per reference second
    meaning: str

    @property
    def hour_words(self) -> str:
        """Credits per hour of the reference machine."""
        return format_exact(self.rate_micros * 3600)


TIER_MEANINGS = {
    Tier.ECONOMY: "Fills idle nodes; may wait while others go first.",
    Tier.STANDARD: "The usual choice; starts as soon as a node is free.",
    Tier.PRIORITY: "Goes before Standard and Economy in the queue.",
}


def tier_cards(now: datetime) -> list[TierCard]:
    """The tiers with what a reference second costs today."""
    return [TierCard(tier, str(tier.label), rate_at(tier, now).rate_micros, TIER_MEANINGS[tier]) for tier in Tier]


def cover_words(quote: Quote | None, settings: JobSettings | None, available_micros: int) -> dict:
    """Whether credit and cap reach, in the words beside the Submit button."""
    if quote is None or settings is None:
        return _cover("", "")
    cap_micros = settings.cap_micros
    if cap_micros is not None and cap_micros < quote.low_micros:
        return _cover("warn", "Your cap is below the estimate: the job will pause at the cap.")
    if available_micros < quote.low_micros:
        return _cover("warn", "Your credit may not cover all frames: the job pauses and goes on after a top-up.")
    if available_micros < quote.high_micros:
        return _cover("", "Your credit covers the lower estimate; if it runs out, the job pauses.")
    return _cover("ok", "Your credit covers the whole range.")


def _cover(tone: str, sentence: str) -> dict:
    return {"cover_tone": tone, "cover_sentence": sentence}
