"""What was ordered, and the job's film."""

from common.money import format_exact
from rendering.choices import FilmFormat, ImageFormat
from rendering.models import Film, Job, Output
from rendering.presentation.reading import Reading
from rendering.presentation.words import engine_label, software_label


def film_part(reading: Reading) -> dict:
    """The film that is being made, else the one that can be fetched; and why the last try gave none."""
    counts, film = reading.counts, reading.film
    shown = film
    if film and film.failure:
        shown = Film.objects.filter(job=reading.job).exclude(storage_key="").order_by("-id").first() or film
    is_behind = film.is_behind if shown is film and film else bool(shown) and Output.objects.newer_than(shown).exists()
    return {
        "job": reading.job,
        "film": shown,
        "film_failure": film.failure if film else "",
        "counts": counts,
        "film_running": bool(film and not film.finished_at),
        "film_stale": bool(shown and shown.storage_key and is_behind),
        "film_possible": counts.accepted > 0,
        "film_formats": FilmFormat.choices,
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
