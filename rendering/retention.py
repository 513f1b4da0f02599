"""When scenes and frames end: so many days after they were last needed, never before their creator was told a week ahead."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest

from rendering.models import Job, Output, Scene
from rendering.states import JOB_FINAL

NOTICE = timedelta(days=7)


def scenes_with_end(scenes: QuerySet[Scene]) -> QuerySet[Scene]:
    """Adds `ends_at` to kept scenes: so long after their last job ended, or later if their creator asked for it."""
    return scenes.kept().with_use().annotate(ends_at=Greatest(_after("last_used_at", settings.SCENES_KEPT_DAYS), "kept_until"))


def jobs_with_end(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Jobs that have ended and left frames, with `ends_at` of these."""
    frames = Output.objects.filter(attempt__task__job=OuterRef("pk")).exclude(storage_key="")
    ended = jobs.filter(Exists(frames), status__in=JOB_FINAL, finished_at__isnull=False)
    return ended.annotate(ends_at=Greatest(_after("finished_at", settings.FRAMES_KEPT_DAYS), "frames_kept_until"))


def _after(field: str, days: int) -> ExpressionWrapper:
    return ExpressionWrapper(F(field) + timedelta(days=days), output_field=DateTimeField())


def to_be_told(rows: QuerySet, now: datetime, *, noticed: str) -> QuerySet:
    """Of rows with an end: those that end within a week and whose creators do not know it yet."""
    return rows.filter(ends_at__lt=now + NOTICE, **{noticed: None}).order_by("ends_at")


def over(rows: QuerySet, now: datetime, *, noticed: str) -> QuerySet:
    """Of rows with an end: those that are over, and were announced a week ago or longer."""
    return rows.filter(Q(ends_at__lt=now), **{f"{noticed}__lt": now - NOTICE}).order_by("ends_at")


def jobs_ending(user, now: datetime) -> QuerySet[Job]:
    """Jobs of `user` whose frames end within a week."""
    return jobs_with_end(Job.objects.owned_by(user)).filter(ends_at__lt=now + NOTICE).order_by("ends_at")


def scenes_ending(user, now: datetime) -> QuerySet[Scene]:
    """Scenes of `user` that end within a week; those that a job uses do not."""
    scenes = scenes_with_end(Scene.objects.owned_by(user)).filter(upload=None, is_busy=False)
    return scenes.filter(ends_at__lt=now + NOTICE).order_by("ends_at")
