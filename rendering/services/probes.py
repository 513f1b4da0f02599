"""Probe frames: begun before submit, rendered by nodes through the queue, paid by the network. The lock order is the usual one.

They are work of a kind of their own, so they never count in a job's progress, bill or archive.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Max

from common import clock
from common.transitions import StaleMove, move, move_all
from credit import services as credit
from rendering import events, pricing, probing, quotas, reasons
from rendering.choices import Tier
from rendering.errors import NothingToDo, QuotaExceeded
from rendering.hints import hint_on_commit
from rendering.models import Job, ProbeFrame
from rendering.probed import fingerprint, newest_run, planned
from rendering.rates import rate_at
from rendering.services.settlement import lock_job
from rendering.states import PROBE_MOVES, JobStatus, ProbeStatus
from rendering.wishes import requirements
from workers import services as queue
from workers.kinds import FailedReport, FinishedReport, NewLease, NewWork, RenderedReport, ReturnedReport, StartedReport

KIND = "probe"  # in the queue of workers
OPEN = (ProbeStatus.WAITING, ProbeStatus.RENDERING)
RUNS_A_DAY = 40  # of one creator: they are free
ATTEMPTS_MAX = 2
FILE_BYTES_MAX = 1024**2 + probing.PIXELS_MAX * 8  # four channels of 16 bits without compression, and a header
LASTS = timedelta(hours=1)  # a probe that no node took by then is given up
PRIORITY = 1  # among its owner's groups: somebody waits at the page


# Asked for ------------------------------------------------------------------------------------------------------------


def start_probe(job: Job, now: datetime) -> int:
    """Render the probe frames of a job that is ready, instead of earlier ones; returns how many.

    Raises:
        StaleMove: the job is not ready (any more).
        QuotaExceeded: as many probes as a day may have.
        NothingToDo: its newest probe speaks for these settings already.
    """
    cancel_probes(job.pk)
    return _start(job.pk, now)


@transaction.atomic
def _start(job_id: int, now: datetime) -> int:
    job = lock_job(job_id)
    if job.status != JobStatus.READY:
        raise StaleMove(f"{job!r} is {job.status}")
    quotas.one_at_a_time(job.owner)
    _check_quota(job, now)
    if speaks(job):
        raise NothingToDo("These settings are probed already.")
    run = (job.probe_frames.aggregate(run=Max("run"))["run"] or 0) + 1
    width, height = probing.size_of(job.width, job.height)
    made = ProbeFrame.objects.bulk_create(
        ProbeFrame(
            job=job, run=run, fingerprint=fingerprint(job), frame=shot.frame, samples=shot.samples, width=width, height=height
        )
        for shot in probing.shots(planned(job))
    )
    _enqueue(made[0])
    events.job_changed(job.pk, events.STATUS)
    return len(made)


def _enqueue(probe: ProbeFrame) -> None:
    """One at a time, so that the node that has the scene open takes the next one too, and their times compare."""
    job = probe.job
    work = NewWork(
        reference=probe.pk,
        group=job.pk,
        owner_id=job.owner_id,
        requirements=requirements(job),
        priority=PRIORITY,
        sort=probe.pk,
        affinity=job.scene.scene_key,
        attempts=probe.attempt,
    )
    queue.enqueue(KIND, [work])


def _enqueue_next(probe: ProbeFrame) -> None:
    """This one is over; the caller holds it."""
    waiting = ProbeFrame.objects.filter(job=probe.job_id, run=probe.run, status=ProbeStatus.WAITING, pk__gt=probe.pk)
    following = waiting.select_related("job__scene").order_by("pk").first()
    if following:
        _enqueue(following)


def _check_quota(job: Job, now: datetime) -> None:
    today = ProbeFrame.objects.filter(job__owner=job.owner_id, created_at__gte=now - timedelta(days=1))
    if today.order_by().values("job", "run").distinct().count() >= RUNS_A_DAY:
        raise QuotaExceeded(f"Probes are free, {RUNS_A_DAY} of them a day. Submit without one, or come back later.")


def speaks(job: Job) -> list[ProbeFrame]:
    """The probe frames for the job's present settings, unless one of them has failed: then another run may be tried."""
    newest = newest_run(job)
    return [] if any(probe.status == ProbeStatus.FAILED for probe in newest) else newest


@transaction.atomic
def cancel_probes(job_id: int) -> int:
    """Take a job's open probe frames out of the queue: it is submitted, discarded, or probed with other settings."""
    job = Job.objects.get(pk=job_id)
    keep = [probe.pk for probe in speaks(job)] if job.status == JobStatus.READY else []
    unfinished = ProbeFrame.objects.filter(job=job_id, status__in=OPEN).exclude(pk__in=keep)
    ids = list(unfinished.values_list("pk", flat=True))
    queue.withdraw(KIND, ids)
    return move_all(unfinished.filter(pk__in=ids), ProbeStatus.CANCELLED, moves=PROBE_MOVES)


# Reports of nodes, inside the transaction that changes the queue ------------------------------------------------------


def lease_probes(leases: Iterable[NewLease], now: datetime) -> dict[int, ProbeFrame]:
    """Begin the probes that still wait; by work id, with job and scene."""
    by_reference = {lease.reference: lease for lease in leases}
    probes = _locked(by_reference, ProbeStatus.WAITING)
    for probe in probes:
        lease = by_reference[probe.pk]
        changes = {"attempt": lease.attempt, "worker_id": lease.worker_id, "score_milli": lease.score_milli, "leased_at": now}
        move(probe, ProbeStatus.RENDERING, moves=PROBE_MOVES, started_at=None, rendered_at=None, **changes)
        events.job_changed(probe.job_id, events.STATUS)
    return {by_reference[probe.pk].work_id: probe for probe in probes}


def start_probes(reports: Iterable[StartedReport], now: datetime) -> None:
    for report in reports:
        _live(report).filter(started_at=None).update(started_at=now)


def render_probes(reports: Iterable[RenderedReport], now: datetime) -> dict[int, str]:
    """Note when the frame was done; its file has a place, though nobody will look at it."""
    keys = {}
    for report in reports:
        fits = report.result.size_bytes <= FILE_BYTES_MAX
        if fits and _live(report).update(rendered_at=now):
            keys[report.work_id] = storage_key(report.group, report.reference, report.attempt)
    return keys


def storage_key(job_id: int, probe_id: int, attempt: int) -> str:
    return f"probes/{job_id}/{probe_id}-{attempt}.png"


def finish_probes(reports: Iterable[FinishedReport], now: datetime) -> None:
    by_reference = {report.reference: report for report in reports}
    for probe in _locked(by_reference, ProbeStatus.RENDERING):
        report = by_reference[probe.pk]
        if probe.attempt == report.attempt:
            move(probe, ProbeStatus.DONE, moves=PROBE_MOVES, reason="", reference_ms=_reference_ms(probe, report, now))
            _enqueue_next(probe)
            hint_on_commit("pay_probe", probe.pk)
            events.job_changed(probe.job_id, events.STATUS)


def _reference_ms(probe: ProbeFrame, report: FinishedReport, now: datetime) -> int:
    """The node's figure, at most what the server's clock saw."""
    wall = ((probe.rendered_at or now) - (probe.started_at or probe.leased_at)).total_seconds()
    seconds = max(0.0, min(report.result.render_seconds, wall, probing.SECONDS_MAX))
    return pricing.reference_ms(int(seconds * 1000), probe.score_milli)


def fail_probes(reports: Iterable[FailedReport], now: datetime) -> set[int]:
    """These attempts ended badly; returns the work ids that wait again."""
    again = set()
    by_reference = {report.reference: report for report in reports}
    for probe in _locked(by_reference, ProbeStatus.RENDERING):
        report = by_reference[probe.pk]
        if probe.attempt == report.attempt and _fail(probe, reasons.said_by_node(report.reason)):
            again.add(report.work_id)
    return again


def _fail(probe: ProbeFrame, reason: str) -> bool:
    """True when the probe waits for another attempt."""
    outcome = reasons.outcome(reason)
    used = probe.attempts_used + outcome.counts
    retry = outcome.retry and used < ATTEMPTS_MAX and probe.attempt < reasons.LEASES_MAX
    status = ProbeStatus.WAITING if retry else ProbeStatus.FAILED
    move(probe, status, moves=PROBE_MOVES, reason=reason[:40], attempts_used=used)
    if not retry:
        _enqueue_next(probe)
    events.job_changed(probe.job_id, events.STATUS)
    return retry


def return_probes(reports: Iterable[ReturnedReport], now: datetime) -> None:
    """Through no fault of the work: they wait again."""
    by_reference = {report.reference: report for report in reports}
    for probe in _locked(by_reference, ProbeStatus.RENDERING):
        if probe.attempt == by_reference[probe.pk].attempt:
            move(probe, ProbeStatus.WAITING, moves=PROBE_MOVES, reason=by_reference[probe.pk].reason[:40])


def _locked(ids: Iterable[int], status: ProbeStatus) -> list[ProbeFrame]:
    probes = ProbeFrame.objects.select_for_update(of=("self",)).select_related("job__scene")
    return list(probes.filter(pk__in=list(ids), status=status).order_by("pk"))


def _live(report):
    return ProbeFrame.objects.filter(pk=report.reference, attempt=report.attempt, status=ProbeStatus.RENDERING)


# Afterwards -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def pay_probe(probe_id: int) -> int:
    """The network pays the node's owner for a probe that is done; once. Nothing to creators on their own nodes."""
    probe = ProbeFrame.objects.select_for_update(of=("self",)).select_related("worker__owner", "job").get(pk=probe_id)
    if not is_owed(probe):
        return 0
    rate = rate_at(Tier.STANDARD, probe.rendered_at or clock.now())
    amount_micros = max(1, probe.reference_ms * rate.rate_micros * rate.worker_bp // (1_000 * 10_000))
    key = f"probe:{probe.pk}:attempt:{probe.attempt}:pay"
    credit.pay_probe(
        user=probe.worker.owner, amount_micros=amount_micros, key=key, reference=f"Probe frame on {probe.worker.name}"
    )
    ProbeFrame.objects.filter(pk=probe.pk).update(paid_micros=amount_micros)
    return amount_micros


def drop_file(probe_id: int) -> None:
    """What the node sent is not looked at, and takes no room."""
    probe = ProbeFrame.objects.get(pk=probe_id)
    default_storage.delete(storage_key(probe.job_id, probe.pk, probe.attempt))


def is_owed(probe: ProbeFrame) -> bool:
    return (
        probe.status == ProbeStatus.DONE
        and not probe.paid_micros
        and probe.worker is not None
        and probe.worker.owner_id != probe.job.owner_id
    )


def unpaid_probes():
    """Those whose payment is due, for the sweep."""
    done = ProbeFrame.objects.filter(status=ProbeStatus.DONE, paid_micros=0, worker__isnull=False)
    return done.exclude(worker__owner=F("job__owner"))


def stale_jobs(now: datetime):
    """Jobs with open probes that wait in vain, or that are submitted or given up by now."""
    unfinished = ProbeFrame.objects.filter(status__in=OPEN)
    late = unfinished.filter(created_at__lt=now - LASTS) | unfinished.exclude(job__status=JobStatus.READY)
    return late.order_by("job").values_list("job", flat=True).distinct()


@transaction.atomic
def give_up_probes(job_id: int) -> int:
    """End all open probes of a job."""
    ids = list(ProbeFrame.objects.filter(job=job_id, status__in=OPEN).values_list("pk", flat=True))
    queue.withdraw(KIND, ids)
    given_up = move_all(ProbeFrame.objects.filter(pk__in=ids), ProbeStatus.CANCELLED, moves=PROBE_MOVES)
    events.job_changed(job_id, events.STATUS)
    return given_up
