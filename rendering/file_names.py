"""What downloaded files are called."""

from django.utils.text import slugify

from rendering.models import Job


def stem_of(job: Job) -> str:
    """ "Carousel, shot 4" -> "carousel-shot-4"."""
    return slugify(job.name) or f"job-{job.pk}"


def frame_file_name(job: Job, frame: int, suffix: str) -> str:
    """ "carousel_0031.png", the way renderers number frames."""
    number = f"{frame:04d}" if frame >= 0 else f"-{-frame:04d}"
    return f"{stem_of(job)}_{number}.{suffix}"
