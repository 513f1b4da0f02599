"""What a watch page shows to people who are not signed in: progress and pictures. No cost, no nodes, no people, no words of faults."""

from django.conf import settings

from rendering.models import Job, WatchLink
from rendering.presentation import addresses, mosaics
from rendering.presentation.frames import window_of
from rendering.presentation.reading import Reading
from rendering.presentation.words import JOB_TONES
from rendering.states import JOB_FINAL, JobStatus

PAUSED_WORDS = "Resting"


def watch_part(reading: Reading, link: WatchLink, *, page: str | None = None) -> dict:
    """Everything on the page; its parts take what they need."""
    job, where = reading.job, addresses.of_watch_link(link)
    window = window_of(reading, where, page=page)  # first: it reads the map, which has the counts as well
    newest = reading.newest
    return window | {
        "link": link,
        "mosaic": mosaics.mosaic_of(job, where),
        "counts": reading.counts,
        "newest": newest,
        "newest_src": where.image(newest.attempt.task.frame, "preview", newest.attempt.number) if newest else "",
        "newest_frame": newest.attempt.task.frame if newest else None,
        "is_over": job.status in JOB_FINAL,
        "tone": JOB_TONES[JobStatus(job.status)],
        "status_words": PAUSED_WORDS if job.status == JobStatus.PAUSED else job.get_status_display(),
    }


def sharing_part(job: Job) -> dict:
    """Who may watch the job, and the whole address to give away."""
    link = getattr(job, "watch_link", None)
    return {"watch_link": link, "watch_url": settings.SITE_URL + link.get_absolute_url() if link else ""}
