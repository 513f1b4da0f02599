"""Ask for an MP4 of a job's accepted frames."""

from django.db import transaction

from rendering import events
from rendering.errors import NothingToDo
from rendering.hints import hint_on_commit
from rendering.models import Film, Job
from rendering.services.settlement import lock_job
from rendering.states import TaskStatus

FPS_MAX = 120


@transaction.atomic
def start_film(job: Job, fps: int = 24) -> Film:
    """Queue a film of the frames that are accepted now; one that is still being made is returned instead.

    Raises:
        NothingToDo: no frame is accepted yet.
    """
    job = lock_job(job.pk)
    busy = job.films.filter(finished_at=None).first()
    if busy:
        return busy
    frames = job.tasks.filter(status=TaskStatus.ACCEPTED).count()
    if not frames:
        raise NothingToDo("No frame is accepted yet.")
    film = Film.objects.create(job=job, fps=max(1, min(fps, FPS_MAX)), frame_count=frames)
    hint_on_commit("make_film", film.pk)
    events.job_changed(job.pk, events.FILM)
    return film
