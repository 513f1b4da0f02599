"""What the pages call things: colours and sentences of statuses, a job's facts in one line. No queries."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.words import plural
from pictor_agent import engines
from rendering import reasons
from rendering.choices import FILE_SUFFIX, ImageFormat
from rendering.models import Job, Output, Task
from rendering.states import JobStatus, PauseReason, TaskStatus

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
    JobStatus.CANCELLED: "Cancelled; finished frames and the seconds put into others were charged.",
}
PAUSE_LINES = {
    PauseReason.USER: "Paused by you.",
    PauseReason.CREDIT: "Credit does not cover the next frame. It goes on by itself after a top-up.",
    PauseReason.CAP: "The cap does not cover the next frame. Raise it to go on.",
    PauseReason.GATE: "Waiting for your approval of the preview.",
}


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
    """How many frames failed and why the job ended: "1 frame could not be rendered. Blender crashed on the node."."""
    how_many = f"{plural(counts.failed, job.unit)} could not be rendered." if counts.failed else ""
    return " ".join(filter(None, [how_many, reasons.words(job.failure) if job.failure else ""]))


def task_words(task: Task) -> str:
    """ "accepted", "failed: Blender crashed on the node."."""
    if task.status == TaskStatus.FAILED and task.reason:
        return f"failed: {reasons.words(task.reason)}"
    return str(TaskStatus(task.status).label).lower()


def facts_line(job: Job) -> str:
    """ "carousel.blend, Blender 5.0 Cycles, 640 × 360, 24 samples, frames 1-48"."""
    facts = [job.scene.name, f"{software_label(job)} {engine_label(job)}"]
    if job.width:
        facts += [f"{job.width} × {job.height}", plural(job.samples, "sample")]
    if job.frames:
        facts.append(("frames " if job.frame_count != 1 and not job.tiles else "frame ") + job.frames)
    if job.tiles:
        facts.append(f"{job.tiles} tiles")
    return ", ".join(facts)


def engine_label(job: Job) -> str:
    engine = engines.find(job.engine)
    return engine.label if engine else job.engine


def software_label(job: Job) -> str:
    known = {version.exact: version.label for version in engines.blender_versions.ALL}
    return known.get(job.blender_version, f"Blender {job.blender_version}")


def suffix_of(job: Job) -> str:
    return FILE_SUFFIX[ImageFormat(job.format)]


def caption_of(output: Output) -> str:
    """Below a frame: "accepted, 3.1 s on atelier"."""
    attempt = output.attempt
    state = "being checked" if attempt.task.status == TaskStatus.CHECKING else "accepted"
    took = f", {attempt.render_seconds:.1f} s" if attempt.render_seconds is not None else ""
    return f"{state}{took} on {attempt.worker.name}"


def ranges_of(frames: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending frames as unbroken ranges: [1, 2, 3, 7] -> [(1, 3), (7, 7)]."""
    ranges: list[tuple[int, int]] = []
    for frame in frames:
        if ranges and frame == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], frame)
        else:
            ranges.append((frame, frame))
    return ranges
