"""What was ordered, and the job's film."""

from common.money import format_exact
from rendering.choices import ImageFormat
from rendering.models import Job
from rendering.presentation.reading import Reading
from rendering.presentation.words import engine_label, software_label


def film_part(reading: Reading) -> dict:
    counts, film = reading.counts, reading.film
    return {
        "job": reading.job,
        "film": film,
        "counts": counts,
        "film_running": bool(film and not film.finished_at and not film.failure),
        "film_stale": bool(film and film.finished_at and film.frame_count < counts.accepted),
        "film_possible": counts.accepted > 0,
        "poster": reading.newest.attempt.task if film and reading.newest else None,
    }


def details_part(reading: Reading) -> dict:
    job = reading.job
    return {
        "job": job,
        "details": details_of(job),
        "charged_words": format_exact(job.charged_micros),
        "cap_initial": "" if job.cap_micros is None else format_exact(job.cap_micros).replace(",", ""),
    }


def details_of(job: Job) -> list[tuple[str, str]]:
    """What was ordered, for the list beside the strip."""
    return [
        ("Software", f"{software_label(job)} ({job.blender_version})"),
        ("Engine", engine_label(job)),
        ("Camera", job.camera or "as in the file"),
        ("Frames", f"{job.frames} ({job.frame_count})"),
        ("Resolution", f"{job.width} × {job.height}"),
        ("Samples", f"{job.samples}"),
        ("Format", ImageFormat(job.format).label),
        ("Denoise", {None: "as in the file", True: "on", False: "off"}[job.denoise]),
        ("Tier", job.tier.capitalize()),
        ("Cap", "none" if job.cap_micros is None else f"{format_exact(job.cap_micros)} credits"),
    ]
