"""Pictures that were proved wrong after they had been accepted: their charge is undone, and their nodes answer for them."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from common.money import format_exact
from credit import services as credit
from credit.errors import NotCharged
from rendering import events, reasons
from rendering.hints import hint_on_commit
from rendering.models import Attempt, Job, JobEvent, Task
from rendering.reasons import Reason
from rendering.services.journal import task_line
from rendering.services.settlement import lock_job
from rendering.services.strikes import learn_from_failures
from rendering.states import TaskStatus
from workers import events as node_events
from workers import services as queue


def mark_refuted(attempt_ids: Iterable[int]) -> None:
    """These pictures are wrong. The caller has locked their tasks; what follows is settled once this has committed."""
    ids = list(attempt_ids)
    if ids:
        Attempt.objects.filter(pk__in=ids, refunded_micros=None).update(outcome=Reason.REFUTED)
    for attempt_id in ids:
        hint_on_commit("settle_refuted", attempt_id)


def unsettled() -> QuerySet[Attempt]:
    return Attempt.objects.filter(outcome=Reason.REFUTED, refunded_micros=None)


@transaction.atomic
def settle_refuted(attempt_id: int, now: datetime) -> int:
    """Undo the charge of a refuted picture and note the strike, once; returns the micros that its creator got back.

    Only while all of its pay is pending: what has matured is final, for it may have been spent or withdrawn.

    Locks: the task with the attempt, the job, those of the ledger, the sums of the node.
    """
    locked = Attempt.objects.select_for_update(of=("self", "task")).select_related("task__job__scene", "worker")
    attempt = locked.get(pk=attempt_id)
    if attempt.outcome != Reason.REFUTED or attempt.refunded_micros is not None:
        return 0
    job = lock_job(attempt.task.job_id)
    given_micros, taken_micros = _refund(job, attempt)
    Attempt.objects.filter(pk=attempt.pk).update(refunded_micros=given_micros)
    for model, pk in ((Job, job.pk), (Task, attempt.task_id)):
        model.objects.filter(pk=pk).update(charged_micros=F("charged_micros") - given_micros)
    _tell_creator(attempt, given_micros, now)
    _strike(attempt, taken_micros, now)
    return given_micros


def _refund(job: Job, attempt: Attempt) -> tuple[int, int]:
    """What the creator got back, and what the owner of the node no longer earns."""
    if not attempt.charged_micros:
        return 0, 0
    charge_key = f"task:{attempt.task_id}:attempt:{attempt.number}:charge"
    words = f"{job.name}, {attempt.task.words}: the picture was proved wrong"
    try:
        return credit.refund_pending(key=f"{charge_key}:refuted", charge_key=charge_key, reason=words)
    except NotCharged:  # an operator has given it back before
        return 0, 0


def _tell_creator(attempt: Attempt, given_micros: int, now: datetime) -> None:
    back = f"{format_exact(given_micros)} credits are given back." if given_micros else ""
    late = "Its pay had become final, so nothing is given back." if attempt.charged_micros and not given_micros else ""
    words = f"Attempt {attempt.number} on {attempt.worker.name}. {reasons.words(Reason.REFUTED)} {back}{late}".strip()
    task_line(attempt.task, was="", became=Reason.REFUTED, at=now, reason=Reason.REFUTED, detail=words).save()
    events.job_changed(attempt.task.job_id, events.COST, events.FRAMES, events.EVENTS)


def _strike(attempt: Attempt, taken_micros: int, now: datetime) -> None:
    """The failure counts today; what is no longer earned leaves the sums of the day on which it was counted."""
    failed = [queue.Sums(attempt.worker_id, tasks_failed=1)]
    queue.tally_all(now.date(), failed)
    if taken_micros:
        queue.tally_all(_accepted_at(attempt, now).date(), [queue.Sums(attempt.worker_id, earned_micros=-taken_micros)])
    back = f" {format_exact(taken_micros)} credits of pending pay are taken back." if taken_micros else ""
    detail = f"{attempt.task.job.name}, {attempt.task.words}. {reasons.words(Reason.REFUTED)}{back}"
    node_events.record(attempt.worker, "refuted", now=now, detail=detail)
    learn_from_failures([(attempt, Reason.REFUTED)], now)


def _accepted_at(attempt: Attempt, now: datetime) -> datetime:
    after = JobEvent.objects.filter(job=attempt.task.job_id, task=attempt.task_id, became=TaskStatus.ACCEPTED)
    return after.filter(at__gte=attempt.finished_at).order_by("at").values_list("at", flat=True).first() or now
