"""Ask for a film of a job's accepted frames, or give it up."""

from django.db import transaction

from rendering import events
from rendering.choices import FilmFormat
from rendering.errors import NothingToDo
from rendering.hints import hint_on_commit
from rendering.models import Film, Job, Output
from rendering.services.settlement import lock_job

FPS_MAX = 120
CANCELLED = "Cancelled."


@transaction.atomic
def start_film(job: Job, fps: int = 24, film_format: str = FilmFormat.MP4) -> Film:
    """Queue a film of the frames that are accepted now; one that is still being made is returned instead.

    Raises:
        NothingToDo: no frame is accepted yet, or there is no such format or rate.
    """
    if film_format not in FilmFormat.values or not 1 <= fps <= FPS_MAX:
        raise NothingToDo(f"A film is an MP4 or a WebM of 1 to {FPS_MAX} frames a second.")
    job = lock_job(job.pk)
    if job.tiles:
        raise NothingToDo("A still makes no film.")
    busy = job.films.filter(finished_at=None).first()
    if busy:
        return busy
    frame_count, newest = frames_of(job)
    if not frame_count:
        raise NothingToDo("No frame is accepted yet.")
    film = Film.objects.create(job=job, fps=fps, format=film_format, frame_count=frame_count, newest_output=newest)
    hint_on_commit("make_film", film.pk)
    events.job_changed(job.pk, events.FILM)
    return film


def frames_of(job: Job) -> tuple[int, int]:
    """How many frames a film of the job would have now and the highest id of them: another pair, another film."""
    ids = list(Output.objects.accepted_of(job.pk).values_list("pk", flat=True))
    return len(ids), max(ids, default=0)


@transaction.atomic
def cancel_film(film: Film, now) -> bool:
    """Give an unfinished film up; whoever makes it notices within a second. False when it was finished already."""
    won = Film.objects.filter(pk=film.pk, finished_at=None).update(finished_at=now, failure=CANCELLED)
    events.job_changed(film.job_id, events.FILM)
    return bool(won)
