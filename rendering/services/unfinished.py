"""What a node has put into a frame that is ended under its hands through its creator: paid, at most as a finished frame.

Billable are the seconds from the start to the end by the server's clock, at most what a finished frame could be billed
for (rendering.pricing.billable_ms), and never more than was set aside for one frame of the job.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F

from credit import services as credit
from rendering import pricing
from rendering.estimates import reserve_micros
from rendering.models import Attempt, Job, Task
from rendering.services import holds
from rendering.services.billing import Peers, shares_bp
from rendering.services.journal import task_line
from workers import services as queue


def pay_unfinished(job: Job, attempts: Iterable[Attempt], now: datetime) -> int:
    """Charge what these ended attempts have rendered so far, once each; returns the micros charged.

    The job is locked by the caller and still has its hold; the tasks have ended already.
    """
    return sum(_pay(job, attempt, now) for attempt in attempts)


def _pay(job: Job, attempt: Attempt, now: datetime) -> int:
    seconds, peers = seconds_so_far(attempt, now), Peers(job)
    attempt.billable_ms = pricing.billable_ms(
        node_seconds=seconds,
        wall_seconds=seconds,
        score_milli=attempt.score_milli,
        peers_reference_ms=peers.of_others(attempt),
        margin_percent=peers.margin_percent,
    )
    price = pricing.charge_micros(attempt.billable_ms, score_milli=attempt.score_milli, rate_micros=attempt.rate_micros)
    attempt.charged_micros = holds.chargeable_all(job, [min(price, reserve_micros(job, now))])[0]
    if attempt.charged_micros:
        _charge(job, attempt, now)
    return attempt.charged_micros


def seconds_so_far(attempt: Attempt, now: datetime) -> float:
    """From its start to its commitment, or to now, by the server's clock."""
    if attempt.started_at is None:
        return 0.0
    return max(0.0, ((attempt.rendered_at or now) - attempt.started_at).total_seconds())


def _charge(job: Job, attempt: Attempt, now: datetime) -> None:
    paid = credit.charge_hold(
        hold_id=job.hold_id,
        key=f"task:{attempt.task_id}:attempt:{attempt.number}:cancelled",
        charge_micros=attempt.charged_micros,
        worker_owner=attempt.worker.owner_id,
        shares_bp=shares_bp(attempt),
        reference=f"{job.name}, {attempt.task.words}, ended while it was rendered",
        now=now,
    )
    attempt.save(update_fields=["billable_ms", "charged_micros"])
    for model, pk in ((Job, job.pk), (Task, attempt.task_id)):
        model.objects.filter(pk=pk).update(charged_micros=F("charged_micros") + attempt.charged_micros)
    job.charged_micros += attempt.charged_micros
    seconds = attempt.billable_ms / 1000
    task_line(attempt.task, was="", became="", at=now, detail=f"{seconds:.1f} s rendered so far are paid").save()
    queue.tally_all(now.date(), [queue.Sums(attempt.worker_id, busy_seconds=seconds, earned_micros=paid.worker_micros)])
