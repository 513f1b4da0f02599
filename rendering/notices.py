"""What creators are told about their jobs and files, in the transaction that changes them."""

from datetime import datetime

from rendering import reasons
from rendering.models import Job
from rendering.states import JobStatus, PauseReason
from users.notice_kinds import Group, Kind
from users.notices import tell

KINDS = Group(
    "Jobs and files",
    "box",
    (
        Kind("job_completed", "Job completed", "Every frame is accepted."),
        Kind("job_failed", "Job failed", "It ended, and not every frame could be rendered."),
        Kind("job_paused", "Job waits for you", "Credit or its cap does not cover the next frame, or its preview is ready."),
        Kind("ending", "Files will be deleted", "A week before scenes or frames go that nobody has needed for long."),
    ),
)
WAITS = {
    PauseReason.CREDIT: (
        "{name} is paused: your credit does not cover its next frame.",
        "It goes on by itself after a top-up. Frames that are finished stay yours.",
    ),
    PauseReason.CAP: ("{name} is paused: its cap does not cover the next frame.", "Raise the cap to let it go on."),
    PauseReason.GATE: ("The preview of {name} is ready.", "Look at it, then approve it: the other frames wait for you."),
}


def job_ended(job: Job, now: datetime) -> None:
    """It is completed, or has failed."""
    if job.status == JobStatus.COMPLETED:
        _tell(job, "job_completed", f"{job.name} is complete.", "Every frame is accepted and yours to download.", now)
    elif job.status == JobStatus.FAILED:
        sentences = [reasons.words(job.failure)] * bool(job.failure) + ["Frames that failed were not charged."] * bool(
            job.submitted_at
        )
        _tell(job, "job_failed", f"{job.name} failed.", " ".join(sentences), now)


def job_waits(job: Job, now: datetime) -> None:
    """It was paused, and not by its creator."""
    words, text = WAITS[PauseReason(job.pause_reason)]
    _tell(job, "job_paused", words.format(name=job.name), text, now)


def _tell(job: Job, kind: str, words: str, text: str, now: datetime) -> None:
    tell(user=job.owner, kind=kind, words=words, text=text, url=job.get_absolute_url(), now=now)
