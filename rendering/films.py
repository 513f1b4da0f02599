"""A film from a job's accepted frames: decoded one by one, piped to ffmpeg as raw pictures; ffmpeg opens nobody's file.

Its arguments are made here from numbers that were checked; it is nice, and its memory and time have limits.
"""

import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import imageio_ffmpeg
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from PIL import Image

from common.realtime import announce
from pictor_agent.pixels import Undecodable, read_pixels
from rendering import thumbnails
from rendering.choices import FilmFormat
from rendering.events import FILM, topic
from rendering.frames import local_copy
from rendering.job_settings import PIXELS_MAX
from rendering.looks import Deadly, looking
from rendering.models import Film, Output

SECONDS_MAX = 3_600
LOOK_SECONDS = 1.0  # how often somebody who cancels is heard, and the page hears how far it is
MEMORY_BYTES_MAX = 8 * 1024**3
NICENESS = 10
CODECS = {
    # CRF 18: visually without loss; the index in front, so that it plays while it is loaded.
    FilmFormat.MP4: ["-c:v", "libx264", "-preset", "medium", "-crf", "18", "-movflags", "+faststart"],
    FilmFormat.WEBM: ["-c:v", "libvpx-vp9", "-crf", "24", "-b:v", "0", "-deadline", "good", "-cpu-used", "4", "-row-mt", "1"],
}


class FilmFailed(Exception):
    """str() says why, for the creator."""


class FilmCancelled(Exception):
    """Its row was finished by somebody else, or is gone."""


def ffmpeg_path() -> str:
    """The FFMPEG setting, the system's, else the one that comes with imageio-ffmpeg."""
    return settings.FFMPEG or shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()


def make_film(film: Film, now: datetime) -> None:
    """Make the film and store it in the place of older ones; on failure its row says why. A finished one is left alone."""
    if film.finished_at:
        return
    try:
        with looking("film", film.pk):
            changes = _stored(film)
    except FilmCancelled:
        return
    except (FilmFailed, Deadly, Undecodable, OSError) as error:
        changes = {"failure": str(error)[:200] or "The film could not be made."}
    won = Film.objects.filter(pk=film.pk, finished_at=None).update(finished_at=now, **changes)
    if won and "storage_key" in changes:
        drop_films(Film.objects.filter(job=film.job_id, pk__lt=film.pk, finished_at__isnull=False))
    elif "storage_key" in changes:
        default_storage.delete(changes["storage_key"])
    announce(topic(film.job_id), FILM)


def drop_films(films) -> None:
    """The row first: a film without a row is an orphan, a row without a film a broken link."""
    for film in films:
        film_key = film.storage_key
        film.delete()
        if film_key:
            default_storage.delete(film_key)


def _stored(film: Film) -> dict:
    """What the row says of the finished film."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"film.{film.format}"
        outputs = list(Output.objects.accepted_of(film.job_id))
        encode(outputs, target, fps=film.fps, film_format=film.format, on_frame=Progress(film))
        with open(target, "rb") as file:
            key = default_storage.save(f"films/{film.job_id}/{film.pk}.{film.format}", File(file))
        return {
            "storage_key": key,
            "progress_percent": 100,
            "size_bytes": target.stat().st_size,
            "frame_count": len(outputs),
            "newest_output": max(output.pk for output in outputs),
        }


class Progress:
    """Writes how far the film is and tells the page, about once a second.

    Raises FilmCancelled when the row is no longer to be made.
    """

    def __init__(self, film: Film) -> None:
        self.film = film
        self.looked_at = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if done < total and time.monotonic() - self.looked_at < LOOK_SECONDS:
            return
        self.looked_at = time.monotonic()
        if not Film.objects.filter(pk=self.film.pk, finished_at=None).update(progress_percent=done * 99 // total):
            raise FilmCancelled
        announce(topic(self.film.job_id), FILM)


def encode(
    outputs: list[Output], target: Path, *, fps: int, film_format: str = FilmFormat.MP4, on_frame: Callable[[int, int], None]
) -> None:
    """Raises FilmFailed: ffmpeg refused, or took too long; Undecodable: a frame cannot be read."""
    if not outputs:
        raise FilmFailed("No frame is accepted.")
    size = _even_size(_picture(outputs[0]).size)
    process = subprocess.Popen(
        _command(target, size, fps, film_format), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _limit(process.pid)
        said = _feed(process, outputs, size, on_frame)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        raise FilmFailed(f"ffmpeg: {said[-150:].decode(errors='replace').strip()}")


def _limit(pid: int) -> None:
    """Less hungry than everything else; never more memory or processor time than a film may take."""
    os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
    if hasattr(resource, "prlimit"):  # Linux
        cpu_seconds = SECONDS_MAX * (os.cpu_count() or 1)
        resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
        resource.prlimit(pid, resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def _feed(process: subprocess.Popen, outputs: list[Output], size: tuple[int, int], on_frame) -> bytes:
    """Every picture into ffmpeg; returns what it says."""
    deadline = time.monotonic() + SECONDS_MAX
    try:
        for number, output in enumerate(outputs, 1):
            process.stdin.write(_fitted(_picture(output), size).tobytes())
            on_frame(number, len(outputs))
            if time.monotonic() > deadline:
                raise FilmFailed("The film took longer than an hour. Make one of fewer frames.")
        return process.communicate(timeout=max(1, deadline - time.monotonic()))[1]
    except subprocess.TimeoutExpired as error:
        raise FilmFailed("The film took longer than an hour. Make one of fewer frames.") from error
    except BrokenPipeError:
        said = process.stderr.read()
        process.wait()
        return said


def _command(target: Path, size: tuple[int, int], fps: int, film_format: str) -> list[str]:
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(int(fps)), "-i", "-"]
    colours = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709", "-color_primaries", "bt709"]
    colours += ["-color_trc", "bt709", "-color_range", "tv", "-pix_fmt", "yuv420p"]
    return [
        ffmpeg_path(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
        *raw, *colours, "-an", *CODECS[FilmFormat(film_format)], str(target),
    ]  # fmt: skip


def _picture(output: Output) -> Image.Image:
    with local_copy(output.storage_key) as path:
        return Image.fromarray(thumbnails.rgb_bytes(read_pixels(path, pixels_max=PIXELS_MAX)))


def _even_size(size: tuple[int, int]) -> tuple[int, int]:
    """4:2:0 colour wants even sides: an odd last row or column is cut."""
    return max(2, size[0] // 2 * 2), max(2, size[1] // 2 * 2)


def _fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Cut to even sides; a frame of another size (settings changed between frames) is scaled."""
    if _even_size(image.size) == size:
        return image.crop((0, 0, *size))
    return image.resize(size, Image.Resampling.LANCZOS)
