"""What was ordered, and the job's film."""

from datetime import datetime

from common.money import format_exact, format_plain
from rendering import retention
from rendering.choices import Device, FilmFormat, GpuVendor, ImageFormat, Nodes, RenderOrder
from rendering.models import Film, Job, Output
from rendering.presentation import mosaics
from rendering.presentation.reading import Reading
from rendering.presentation.words import engine_label, software_label
from workers.places import name_of


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
        "merged_file": reading.job.tiles and mosaics.merged_of(reading.job),
        "film_running": bool(film and not film.finished_at),
        "film_stale": bool(shown and shown.storage_key and is_behind),
        "film_possible": counts.accepted > 0,
        "film_formats": FilmFormat.choices,
        "frames_end_at": _frames_end_at(reading.job),
        "poster": reading.newest.attempt.task if film and reading.newest else None,
    }


def _frames_end_at(job: Job) -> datetime | None:
    """Until when the frames of a job that has ended are kept; None while it is under way or has none."""
    ended = retention.jobs_with_end(Job.objects.filter(pk=job.pk)).first() if job.finished_at else None
    return ended.ends_at if ended else None


def details_part(reading: Reading) -> dict:
    job = reading.job
    return {
        "job": job,
        "details": details_of(job),
        "charged_words": format_exact(job.charged_micros),
        "cap_initial": format_plain(job.cap_micros),
    }


def nodes_wanted(job: Job) -> list[tuple[str, str]]:
    """What was asked of the nodes and of the preview; nothing where nothing was."""
    gpus = " ".join(filter(None, [GpuVendor(job.gpu_vendor).label if job.gpu_vendor else "", job.gpu_model]))
    wanted = [
        ("Device", Device(job.device).label if job.device != Device.ANY else ""),
        ("GPU", gpus + (f" {job.gpus_min} in one node" if job.gpus_min else "")),
        ("Location", name_of(job.location)),
        ("Nodes", Nodes(job.nodes).label if job.nodes != Nodes.ANY else ""),
        ("Reliability", f"{job.reliability_min_percent} % or more" if job.reliability_min_percent else ""),
        ("One kind of device", job.device_class.partition(":")[2] or job.device_class),
        ("Preview", f"one of every {job.gate_step} frames, then your approval" if job.gate_step else ""),
    ]
    return [(name, words) for name, words in wanted if words]


def details_of(job: Job) -> list[tuple[str, str]]:
    """What was ordered, for the list beside the strip."""
    return [
        ("Software", f"{software_label(job)} ({job.blender_version})"),
        ("Engine", engine_label(job)),
        ("Camera", job.camera or "as in the file"),
        ("Frame", f"{job.frames} in {job.tiles} tiles") if job.tiles else ("Frames", f"{job.frames} ({job.frame_count})"),
        ("Resolution", f"{job.width} × {job.height}"),
        ("Samples", f"{job.samples}"),
        ("Format", ImageFormat(job.format).label),
        ("Order", RenderOrder(job.render_order).label),
        ("Denoise", {None: "as in the file", True: "on", False: "off"}[job.denoise]),
        ("Tier", job.tier.capitalize()),
        *nodes_wanted(job),
        ("Cap", "none" if job.cap_micros is None else f"{format_exact(job.cap_micros)} credits"),
    ]
