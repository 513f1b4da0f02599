"""One frame: its picture, who rendered it and how, what was checked and paid, and how to render it again.

Says only what is so. Audits by checkers are not part of it yet, and it says that too.
"""

import shlex
from dataclasses import dataclass
from functools import cached_property

from django.db.models import OuterRef, Q, Subquery
from django.urls import reverse

from common.money import format_exact, split_by_shares
from rendering import reasons
from rendering.choices import FILE_SUFFIX, ImageFormat
from rendering.models import Attempt, Job, JobEvent, Output, Task
from rendering.presentation.addresses import Addresses
from rendering.presentation.timeline import Moment, moment_of
from rendering.presentation.words import TASK_TONES, engine_label, software_label, task_words
from rendering.reasons import DOUBTS, Fault, Reason
from rendering.services.settlement import KIND
from rendering.states import TaskStatus
from workers import services as queue

EVENTS_SHOWN = 60
FAULTS = {Fault.USER: "the scene's", Fault.WORKER: "the node's", Fault.PLATFORM: "the network's"}
ACCEPTED = "accepted"
REFUND_WORDS = {None: "will be given back", True: "given back", False: "not given back: its pay was final"}
SHARE_NAMES = {"worker": "node's owner", "checkers": "checkers", "network": "network"}


@dataclass(frozen=True)
class Try:
    """One attempt, for a page; `picture` says whether a small picture of it is kept."""

    attempt: Attempt
    job: Job

    @property
    def number(self) -> int:
        return self.attempt.number

    @property
    def is_accepted(self) -> bool:
        return self.attempt.outcome == ACCEPTED

    @cached_property
    def output(self) -> Output | None:
        return getattr(self.attempt, "output", None)

    @property
    def has_picture(self) -> bool:
        return bool(self.output and self.output.preview_key)

    @property
    def words(self) -> str:
        if self.is_accepted:
            return "accepted"
        if self.attempt.outcome:
            return reasons.words(self.attempt.outcome)
        return "being checked" if self.attempt.finished_at else "on the node"

    @property
    def tone(self) -> str:
        if self.attempt.outcome:
            return "ok" if self.is_accepted else "bad"
        return "info" if self.attempt.finished_at else "accent"

    @property
    def fault(self) -> str:
        """Whose fault a bad end was: "the node's"."""
        outcome = self.attempt.outcome
        return FAULTS[reasons.outcome(outcome).fault] if outcome and not self.is_accepted else ""

    @property
    def charge_words(self) -> str:
        """ "0.0002", "free", "0.0002, given back"."""
        attempt = self.attempt
        if not attempt.charged_micros:
            return "free"
        charged = format_exact(attempt.charged_micros)
        if attempt.outcome != Reason.REFUTED:
            return charged
        return f"{charged}, {REFUND_WORDS[None if attempt.refunded_micros is None else bool(attempt.refunded_micros)]}"

    @property
    def hardware(self) -> str:
        """What the node says it is made of."""
        worker = self.attempt.worker
        gpus = [gpu.model for gpu in worker.gpus.all()]
        cpu = f"{worker.cpu_model}, {worker.cpu_cores} threads" if worker.cpu_model else ""
        return "; ".join(filter(None, [*gpus, cpu])) or "not reported"

    @property
    def sandbox(self) -> str:
        return "bubblewrap" if self.attempt.worker.sandboxed else "none, by its owner's choice"

    @property
    def waited_seconds(self) -> float | None:
        """From the lease to the renderer's start: fetching the scene, or the frame before it."""
        started = self.attempt.started_at
        return (started - self.attempt.leased_at).total_seconds() if started else None

    @property
    def billable_seconds(self) -> float:
        return self.attempt.billable_ms / 1000

    @property
    def paid(self) -> list[tuple[str, str]]:
        """How the charge was divided when the frame was accepted, by the shares frozen with the lease."""
        if not self.attempt.charged_micros:
            return []
        attempt = self.attempt
        shares = {"worker": attempt.worker_bp, "checkers": attempt.checkers_bp, "network": attempt.network_bp}
        parts = split_by_shares(attempt.charged_micros, shares)
        return [(SHARE_NAMES[name], format_exact(micros)) for name, micros in parts.items()]


def frame_part(task: Task, where: Addresses, *, asked: str | None = None) -> dict:
    """The page of one frame; `asked` is the number of the attempt to look at."""
    job = task.job
    tries = tries_of(task)
    pictures = [each for each in tries if each.has_picture]
    shown = next((each for each in pictures if str(each.number) == asked), pictures[0] if pictures else None)
    accepted = next((each for each in tries if each.is_accepted), None)
    return {
        "job": job,
        "task": task,
        "task_words": task_words(task),
        "task_tone": TASK_TONES[TaskStatus(task.status)],
        "tries": tries,
        "pictures": pictures,
        "shown": shown,
        "other": next((each for each in pictures if each is not shown), None),
        "accepted": accepted,
        "by": accepted or (tries[0] if tries else None),
        "is_exr": FILE_SUFFIX[ImageFormat(job.format)] == "exr",
        "suffix": FILE_SUFFIX[ImageFormat(job.format)],
        "stops": STOPS,
        "checks": checks_of(job, tries, accepted) if accepted else [],
        "command": command_of(job, task, accepted or tries[0]) if tries else "",
        "software": f"{software_label(job)} ({job.blender_version}), {engine_label(job)}",
        "moments": moments_of_task(task),
        "where": where,
        **neighbours(task, where),
    }


STOPS = range(-6, 7)  # of exposure


def tries_of(task: Task) -> list[Try]:
    """Newest first."""
    attempts = task.attempts.select_related("worker", "output").prefetch_related("worker__gpus").order_by("-number")
    return [Try(attempt, task.job) for attempt in attempts]


def neighbours(task: Task, where: Addresses) -> dict:
    """The frames beside this one, their addresses, and the picture that the next one shows first; None and empty where
    there is none. All in one statement."""
    tasks = Task.objects.filter(job=task.job_id)
    before = tasks.filter(frame__lt=task.frame).order_by("-frame").values("frame")[:1]
    after = tasks.filter(frame__gt=task.frame).order_by("frame").values("frame")[:1]
    made = Output.objects.filter(attempt__task__job=OuterRef("job"), attempt__task__frame=OuterRef("frame"))
    newest = made.exclude(preview_key="").order_by("-attempt__number").values("attempt__number")[:1]
    beside = tasks.filter(Q(frame=Subquery(before)) | Q(frame=Subquery(after)))
    found = dict(beside.values_list("frame", Subquery(newest)))
    previous_frame = min((frame for frame in found if frame < task.frame), default=None)
    next_frame = max((frame for frame in found if frame > task.frame), default=None)
    number = found.get(next_frame)
    return {
        "previous_href": "" if previous_frame is None else where.page(previous_frame),
        "next_href": "" if next_frame is None else where.page(next_frame),
        "previous_frame": previous_frame,
        "next_frame": next_frame,
        "next_preview": reverse("rendering:attempt-image", args=[task.job_id, next_frame, number, "preview"]) if number else "",
    }


def moments_of_task(task: Task) -> list[Moment]:
    events = JobEvent.objects.filter(job=task.job_id, task=task).select_related("task", "actor").order_by("-at", "-id")
    return [moment_of(event) for event in events[:EVENTS_SHOWN]]


def checks_of(job: Job, tries: list[Try], accepted: Try) -> list[str]:
    """What the accepted frame has passed: rendering.checks and rendering.frames look at every frame in this way."""
    output = accepted.output
    size = f"{output.width} × {output.height}" if output else f"{job.width} × {job.height}"
    passed = [
        "The file decodes to its last pixel",
        f"It is {size} pixels with the channels and depth that were ordered",
        "Its pixels hash to what the node committed to before it sent them",
    ]
    if FILE_SUFFIX[ImageFormat(job.format)] == "exr":
        passed.append("Every value is a finite number")
    doubts = [each for each in tries if each.attempt.outcome in DOUBTS]
    if any(each.attempt.pixels_sha256 == accepted.attempt.pixels_sha256 for each in doubts):
        return [*passed, "It looked doubtful (black, flat or like another frame); a second attempt came out the very same"]
    return [*passed, "It is neither black nor one flat colour", "No other frame of the job has the same pixels"]


def command_of(job: Job, task: Task, attempt: Try) -> str:
    """Renders this frame's pixels again on any machine with the same Blender, from a folder with the scene's files."""
    words = ["pictor-agent", "render", "--main", job.scene.main_path, "--frames", str(task.frame)]
    words += ["--seed", str(attempt.attempt.seed), "--samples", str(job.samples)]
    words += ["--width", str(job.width), "--height", str(job.height), "--format", job.format]
    if job.camera:
        words += ["--camera", job.camera]
    if job.engine != "cycles":
        words += ["--engine", job.engine]
    if job.denoise is not None:
        words += ["--denoise", "on" if job.denoise else "off"]
    if attempt.attempt.device == "CPU":
        words += ["--device", "cpu"]
    return shlex.join([*words, "--out", "again", "."])


def live_log(attempt: Attempt) -> str:
    """What the renderer says now, or the end of what it said."""
    return attempt.log_tail or _streamed(attempt)


def _streamed(attempt: Attempt) -> str:
    held = [row for row in queue.nodes_at_work(KIND, attempt.task.job_id) if row.reference == attempt.task_id]
    return queue.log_of(held[0].work_id) if held and held[0].attempt == attempt.number else ""
