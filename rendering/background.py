"""Background functions and sweeps of rendering. Every one is safe to run twice, at once or after a crash."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

import structlog
from celery import shared_task
from django.db.models import F, Q, QuerySet

from common import clock
from rendering import (
    checksums,
    counts,
    ending,
    films,
    frames,
    gathering,
    inspection,
    merging,
    orphans,
    retention,
    scenes,
    services,
    uploads,
)
from rendering.claims import claimed
from rendering.errors import BadScene
from rendering.inspection import InspectionFailed
from rendering.looks import Deadly, looking
from rendering.models import Asset, Film, Job, Scene, SceneFile, Task, Upload
from rendering.reasons import OUTCOMES, Reason
from rendering.services import probes, refutations
from rendering.services.stranded import note_stranded_jobs
from rendering.states import SUBMITTED, JobStatus, PauseReason, TaskStatus
from workers.models import Work

log = structlog.get_logger(__name__)

UPLOAD_KEPT = timedelta(days=2)  # since its last chunk
STOPPING = [reason for reason, outcome in OUTCOMES.items() if outcome.stops_job]


# Asked for ------------------------------------------------------------------------------------------------------------


@shared_task
def inspect_job(job_id: int) -> None:
    """Store the files of a job's upload, let the sandbox read them, keep what it found."""
    job = Job.objects.select_related("scene__upload", "owner").filter(pk=job_id, status=JobStatus.INSPECTING).first()
    if not job:
        return
    with claimed("inspect", [job_id]) as mine:
        if mine:
            _inspect(job)


def _inspect(job: Job) -> None:
    try:
        with looking("inspect", job.pk):
            scenes.store_scene(job.scene)
            found = inspection.inspect_scene(job.scene)
    except Deadly as error:
        services.fail_inspection(job, Reason.INSPECTION_FAILED, str(error), clock.now())
    except BadScene as error:
        services.fail_inspection(job, Reason.UPLOAD_UNFIT, str(error), clock.now())
    except InspectionFailed as error:
        services.fail_inspection(job, error.reason, str(error), clock.now())
    else:
        services.record_inspection(job, found, clock.now())


@shared_task
def check_frames(task_ids: Iterable[int]) -> int:
    """Check frames that lie on the server; returns how many were decided here."""
    with claimed("check", task_ids) as mine:
        decided = frames.check_all(mine)
    if decided:
        _resume_waiting(Job.objects.filter(tasks__in=decided).distinct())
    return len(decided)


@shared_task
def check_gathered() -> int:
    """Check the frames that were finished of late; returns how many were decided here."""
    return check_frames(gathering.take())


@shared_task
def make_film(film_id: int) -> None:
    film = Film.objects.filter(pk=film_id, finished_at=None).first()
    if not film:
        return
    with claimed("film", [film_id]) as mine:
        if mine:
            films.make_film(film, clock.now())


@shared_task
def merge_tiles(job_id: int) -> bool:
    """Put the frame of a job together once all its tiles are accepted."""
    job = Job.objects.select_related("scene").filter(pk=job_id, status=JobStatus.COMPLETED).exclude(tiles="").first()
    if not job:
        return False
    with claimed("merge", [job_id]) as mine:
        return bool(mine) and merging.merge_tiles(job, clock.now())


@shared_task
def keep_checksums(job_id: int) -> int:
    """Learn the checksums of frames that were accepted before these were kept."""
    with claimed("checksums", [job_id]) as mine:
        return checksums.keep_missing(job_id) if mine else 0


@shared_task
def drop_frames(job_id: int) -> int:
    """The rows of a job's frames are gone: so are their files, at once."""
    return sum(orphans.drop_unknown(root, str(job_id), before=clock.now()) for root in ("frames", "films", "probes"))


@shared_task
def stop_job(job_id: int, reason: str, detail: str = "") -> None:
    services.stop_job(job_id, reason, detail, clock.now())


@shared_task
def resume_jobs(user_id: int) -> int:
    """Credit came in: jobs that waited for it go on, the oldest first."""
    return _resume_waiting(Job.objects.filter(owner=user_id))


def _resume_waiting(jobs: QuerySet[Job], *, limit: int = 200) -> int:
    return _resume(_waiting_for_money(jobs).order_by("id").values_list("pk", flat=True)[:limit])


def _resume(ids: Iterable[int]) -> int:
    return sum(services.resume_if_covered(job_id, clock.now()) for job_id in ids)


def _waiting_for_money(jobs: QuerySet[Job]) -> QuerySet[Job]:
    return jobs.filter(status=JobStatus.PAUSED, pause_reason__in=[PauseReason.CREDIT, PauseReason.CAP])


# Sweeps ---------------------------------------------------------------------------------------------------------------


@shared_task
def sweep_inspections(limit: int = 20) -> int:
    """Inspect jobs whose hint was lost or whose process was killed."""
    ids = list(Job.objects.filter(status=JobStatus.INSPECTING).order_by("id").values_list("pk", flat=True)[:limit])
    _each(inspect_job, ids)
    return len(ids)


@shared_task
def sweep_unchecked_tasks(limit: int = 200) -> int:
    """Check frames whose hint was lost or whose process was killed."""
    return check_frames(_some(Task.objects.filter(status=TaskStatus.CHECKING), limit))


@shared_task
def sweep_jobs(limit: int = 500) -> int:
    """Bring submitted jobs in line with their tasks, stop those that cannot be rendered, let holds of ended ones go."""
    ids = _some(Job.objects.filter(Q(status__in=SUBMITTED) | Q(hold_id__isnull=False)), limit)
    _each(_stop_if_hopeless, ids)
    _each(partial(services.refresh_job, now=clock.now()), ids)
    _each(services.align_queue, _jobs_with_stuck_work(ids))
    return len(ids)


def _stop_if_hopeless(job_id: int) -> None:
    ended = Task.objects.filter(job=job_id, job__status__in=SUBMITTED, status=TaskStatus.FAILED)
    hopeless = ended.filter(reason__in=STOPPING).first()
    if hopeless:
        services.stop_job(job_id, hopeless.reason, "", clock.now())


def _jobs_with_stuck_work(ids: list[int]) -> list[int]:
    """Jobs that run while some of their work is held back."""
    stuck = Work.objects.filter(kind="render", group__in=ids, held=True).values("group")
    running = Job.objects.filter(pk__in=stuck, status__in=[JobStatus.QUEUED, JobStatus.RENDERING])
    return list(running.values_list("pk", flat=True))


@shared_task
def settle_refuted(attempt_id: int) -> int:
    """Give back what was paid for a picture that is proved wrong."""
    return refutations.settle_refuted(attempt_id, clock.now())


@shared_task
def sweep_refuted(limit: int = 200) -> int:
    """Settle refuted pictures whose hint was lost."""
    due = _some(refutations.unsettled(), limit)
    _each(settle_refuted, due)
    return len(due)


@shared_task
def sweep_stranded_jobs(limit: int = 200) -> int:
    """Tell creators what no node online has for their jobs."""
    return note_stranded_jobs(clock.now(), limit=limit)


@shared_task
def sweep_paused_jobs(limit: int = 200) -> int:
    """Resume jobs that waited for credit or cap and are covered by now."""
    return _resume(_some(_waiting_for_money(Job.objects.all()), limit))


@shared_task
def sweep_task_counts(limit: int = 1000) -> int:
    """Fold the counts of jobs that moved much."""
    return counts.fold_counts(limit)


@shared_task
def pay_probe(probe_id: int) -> None:
    probes.pay_probe(probe_id)
    probes.drop_file(probe_id)


@shared_task
def sweep_probes(limit: int = 200) -> int:
    """Pay for probes whose hint was lost; end those that wait in vain or whose job is submitted or given up."""
    unpaid = _some(probes.unpaid_probes(), limit)
    _each(probes.pay_probe, unpaid)
    stale = list(probes.stale_jobs(clock.now())[:limit])
    _each(probes.give_up_probes, stale)
    return len(unpaid) + len(stale)


@shared_task
def sweep_films(limit: int = 10) -> int:
    """Make films whose hint was lost or whose process was killed."""
    ids = list(Film.objects.filter(finished_at=None).order_by("id").values_list("pk", flat=True)[:limit])
    _each(make_film, ids)
    return len(ids)


@shared_task
def sweep_unmerged_jobs(limit: int = 10) -> int:
    """Put together frames whose hint was lost, whose process was killed, or that failed for a while."""
    due = Job.objects.filter(status=JobStatus.COMPLETED, frames_deleted_at=None).exclude(tiles="")
    due = due.filter(Q(merged_frame=None) | Q(merged_frame__made_at__lt=F("finished_at")) | ~Q(merged_frame__failure=""))
    ids = _some(
        due.exclude(merged_frame__tries__gte=services.MERGE_TRIES_MAX, merged_frame__made_at__gte=F("finished_at")), limit
    )
    _each(merge_tiles, ids)
    return len(ids)


def _some(rows: QuerySet, limit: int) -> list[int]:
    """Ids in no order: rows that stay due however often they are looked at must not keep the others out for ever."""
    return list(rows.order_by("?").values_list("pk", flat=True)[:limit])


def _each(function: Callable[[int], object], ids: Iterable[int]) -> None:
    """One that breaks, at every sweep perhaps, must not keep the others waiting."""
    for pk in ids:
        try:
            function(pk)
        except Exception:
            log.exception("sweep_broke", function=str(function), pk=pk)


@shared_task
def sweep_stale_uploads(limit: int = 500) -> int:
    """Forget uploads that nobody went on with, and partial files that no upload knows."""
    before = clock.now() - UPLOAD_KEPT
    stale = Upload.objects.filter(touched_at__lt=before).exclude(
        pk__in=Scene.objects.filter(upload__isnull=False, jobs__status=JobStatus.INSPECTING).values("upload")
    )
    forgotten = list(stale[:limit])
    for upload in forgotten:
        uploads.forget_upload(upload)
    return len(forgotten) + uploads.forget_orphans(before)


@shared_task
def sweep_ending(limit: int = 200) -> int:
    """Tell creators what will be deleted in a week, by mail; what could not be told is not deleted."""
    return ending.send_notices(clock.now(), limit=limit)


@shared_task
def sweep_ended_scenes(limit: int = 100) -> int:
    """Delete scenes and frames whose time is over and whose creators have known it for a week."""
    now = clock.now()
    scenes_over = retention.over(
        retention.scenes_with_end(Scene.objects.all()).filter(is_busy=False), now, noticed="noticed_at"
    )
    jobs_over = retention.over(retention.jobs_with_end(Job.objects.all()), now, noticed="frames_noticed_at")
    ended, left = list(scenes_over[:limit]), list(jobs_over[:limit])
    _each(partial(services.delete_scene, now=now), ended)
    _each(partial(services.delete_frames, now=now), left)
    return len(ended) + len(left)


@shared_task
def sweep_orphans(limit: int = 200) -> int:
    """Delete files in the store that no row names, and assets that no scene needs."""
    before = clock.now() - UPLOAD_KEPT
    unused = Asset.objects.filter(created_at__lt=before).exclude(pk__in=SceneFile.objects.values("asset"))
    return services.drop_assets(list(unused.values_list("pk", flat=True)[:limit])) + orphans.sweep(before=before, limit=limit)
