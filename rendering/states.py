"""Statuses of jobs, tasks and probe frames, the moves between them, and the job status derived from its tasks."""

from django.db.models import TextChoices


class JobStatus(TextChoices):
    DRAFT = "draft", "Draft"  # a name and perhaps an upload under way
    INSPECTING = "inspecting", "Inspecting"  # the sandbox reads the file; sweep_inspections repeats it
    READY = "ready", "Ready"  # settings can be chosen; waits for its creator
    QUEUED = "queued", "Queued"  # submitted; no task has begun
    RENDERING = "rendering", "Rendering"  # a task has begun
    PAUSED = "paused", "Paused"  # see pause_reason; its waiting work is held back
    COMPLETED = "completed", "Completed"  # every task is accepted
    FAILED = "failed", "Failed"  # nothing runs and a task used up its attempts, or the file cannot be read
    CANCELLED = "cancelled", "Cancelled"  # by its creator


class PauseReason(TextChoices):
    USER = "user", "paused by you"
    CREDIT = "credit", "credit does not cover the next task"
    CAP = "cap", "the cap does not cover the next task"
    GATE = "gate", "waiting for your approval of the preview"


class TaskStatus(TextChoices):
    WAITING = "waiting", "Waiting"  # in the queue; no node holds it
    RENDERING = "rendering", "Rendering"  # leased to one node; workers.sweep_expired_leases frees it
    CHECKING = "checking", "Checking"  # the frame is on the server; sweep_unchecked_tasks finds it
    ACCEPTED = "accepted", "Accepted"  # charged and paid
    FAILED = "failed", "Failed"  # attempts used up
    CANCELLED = "cancelled", "Cancelled"  # by its creator


class ProbeStatus(TextChoices):
    """Of a probe frame: rendered at low cost before submit, to learn what a job will take."""

    WAITING = "waiting", "Waiting"  # in the queue; no node holds it
    RENDERING = "rendering", "Rendering"  # leased to one node; workers.sweep_expired_leases frees it
    DONE = "done", "Done"  # its time is known and paid
    FAILED = "failed", "Failed"  # attempts used up
    CANCELLED = "cancelled", "Cancelled"  # its job was submitted, discarded or probed anew


J = JobStatus
JOB_MOVES = {
    J.DRAFT: frozenset({J.INSPECTING, J.CANCELLED}),
    J.INSPECTING: frozenset({J.READY, J.FAILED, J.CANCELLED}),
    J.READY: frozenset({J.QUEUED, J.CANCELLED}),
    J.QUEUED: frozenset({J.RENDERING, J.PAUSED, J.COMPLETED, J.FAILED, J.CANCELLED}),
    J.RENDERING: frozenset({J.QUEUED, J.PAUSED, J.COMPLETED, J.FAILED, J.CANCELLED}),
    J.PAUSED: frozenset({J.QUEUED, J.RENDERING, J.COMPLETED, J.FAILED, J.CANCELLED}),
    J.COMPLETED: frozenset({J.QUEUED}),  # a frame was requeued
    J.FAILED: frozenset({J.QUEUED}),  # a failed frame was requeued
    J.CANCELLED: frozenset(),
}

S = TaskStatus
TASK_MOVES = {
    S.WAITING: frozenset({S.RENDERING, S.FAILED, S.CANCELLED}),
    S.RENDERING: frozenset({S.CHECKING, S.WAITING, S.FAILED, S.CANCELLED}),
    S.CHECKING: frozenset({S.ACCEPTED, S.WAITING, S.FAILED, S.CANCELLED}),
    S.ACCEPTED: frozenset({S.WAITING}),  # its creator asked for it again
    S.FAILED: frozenset({S.WAITING}),
    S.CANCELLED: frozenset(),
}
P = ProbeStatus
PROBE_MOVES = {
    P.WAITING: frozenset({P.RENDERING, P.FAILED, P.CANCELLED}),
    P.RENDERING: frozenset({P.DONE, P.WAITING, P.FAILED, P.CANCELLED}),
    P.DONE: frozenset(),
    P.FAILED: frozenset(),
    P.CANCELLED: frozenset(),
}
SUBMITTED = frozenset({J.QUEUED, J.RENDERING, J.PAUSED})
JOB_FINAL = frozenset({J.COMPLETED, J.FAILED, J.CANCELLED})


def job_status(counts: dict[str, int]) -> JobStatus:
    """What a submitted, unpaused job is, from the number of its tasks in each status."""
    open_tasks = counts.get(S.RENDERING, 0) + counts.get(S.CHECKING, 0)
    if open_tasks:
        return J.RENDERING
    if counts.get(S.WAITING, 0):
        return J.RENDERING if counts.get(S.ACCEPTED, 0) + counts.get(S.FAILED, 0) else J.QUEUED
    if counts.get(S.FAILED, 0):
        return J.FAILED
    return J.COMPLETED if counts.get(S.ACCEPTED, 0) else J.CANCELLED
