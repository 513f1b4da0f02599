"""A job's head: what it is, what can be done with it, and what its creator should know now."""

from dataclasses import dataclass

from django.urls import reverse

from common.money import format_exact
from rendering.models import Job, Task
from rendering.presentation.mosaics import merge_words, merged_of
from rendering.presentation.reading import Reading
from rendering.presentation.words import JOB_TONES, Counts, facts_line, failure_line
from rendering.states import JOB_FINAL, JobStatus, PauseReason


def counts_of(job: Job) -> Counts:
    return Counts.of(job.frame_count, Task.objects.counts_by_job([job]).get(job.pk, {}))


def head_part(reading: Reading) -> dict:
    job, counts = reading.job, reading.counts
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
        "gate_waits": job.status == JobStatus.PAUSED and job.pause_reason == PauseReason.GATE,
        "notice": notice_of(reading),
        "merged": merged_of(job),
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


def notice_of(reading: Reading) -> Notice | None:
    job, counts = reading.job, reading.counts
    if job.status == JobStatus.PAUSED:
        return _pause_notice(job)
    if job.status == JobStatus.FAILED or counts.failed:
        return _failure_notice(job, counts)
    if job.status in {JobStatus.QUEUED, JobStatus.RENDERING} and reading.waiting_words:
        return Notice("info", "Why it is waiting:", reading.waiting_words)
    said = merge_words(job)
    return Notice(*said) if said else None


def _pause_notice(job: Job) -> Notice:
    if job.pause_reason == PauseReason.CREDIT:
        text = "Your available credit does not cover the next frame. Nothing is lost: the job goes on by itself after a top-up."
        return Notice("warn", "Paused for credit.", text, reverse("credit:overview"), "Top up")
    if job.pause_reason == PauseReason.CAP:
        spent, cap = format_exact(job.charged_micros), format_exact(job.cap_micros or 0)
        text = f"{spent} of the cap of {cap} credits are spent and the next frame would pass it."
        return Notice("warn", "Paused at your cap.", text, action_words="Raise the cap", dialog="raise-cap")
    if job.pause_reason == PauseReason.GATE:
        return Notice("warn", "Preview ready.", "Look at the frames, then approve them to render the rest, or ask for changes.")
    text = "Frames that were on a node already are finished and charged; no other begins until you resume."
    return Notice("warn", "Paused by you.", text)


def _failure_notice(job: Job, counts: Counts) -> Notice:
    words = failure_line(job, counts)
    detail = f" {job.failure_detail}" if job.failure_detail else ""
    money = " Frames that failed were not charged."
    if counts.failed:
        return Notice("bad", words, (detail + money).strip(), action_words="Requeue failed", dialog="requeue")
    return Notice("bad", words, (detail + money).strip(), reverse("rendering:job-new"), "Upload a mended file")
