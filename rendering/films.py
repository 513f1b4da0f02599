"""An MP4 from a job's accepted frames: decoded one by one, piped to ffmpeg as raw pictures, H.264 that plays everywhere."""

import shutil
import subprocess
import tempfile
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
from rendering.events import FILM, topic
from rendering.frames import local_copy
from rendering.job_settings import PIXELS_MAX
from rendering.models import Film, Output

SECONDS_MAX = 3_600
CRF = "18"  # visually without loss


class FilmFailed(Exception):
    """str() says why, for the creator."""


def ffmpeg_path() -> str:
    """The FFMPEG setting, the system's, else the one that comes with imageio-ffmpeg."""
    return settings.FFMPEG or shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()


def make_film(film: Film, now: datetime) -> None:
    """Make the film and store it; on failure its row says why. A finished film is left alone."""
    if film.finished_at:
        return
    try:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "film.mp4"
            encode(
                list(Output.objects.accepted_of(film.job_id)),
                target,
                fps=film.fps,
                on_frame=lambda done, total: _progress(film, done, total),
            )
            with open(target, "rb") as file:
                key = default_storage.save(f"films/{film.job_id}/{film.pk}.mp4", File(file))
        changes = {"storage_key": key, "progress_percent": 100}
    except (FilmFailed, Undecodable, OSError) as error:
        changes = {"failure": str(error)[:200] or "The film could not be made."}
    Film.objects.filter(pk=film.pk, finished_at=None).update(finished_at=now, **changes)
    announce(topic(film.job_id), FILM)


def encode(outputs: list[Output], target: Path, *, fps: int, on_frame: Callable[[int, int], None]) -> None:
    """Raises FilmFailed: ffmpeg refused; Undecodable: a frame cannot be read."""
    if not outputs:
        raise FilmFailed("No frame is accepted.")
    size = _even_size(_picture(outputs[0]).size)
    process = subprocess.Popen(
        _command(target, size, fps), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        for number, output in enumerate(outputs, 1):
            process.stdin.write(_fitted(_picture(output), size).tobytes())
            on_frame(number, len(outputs))
        _, said = process.communicate(timeout=SECONDS_MAX)
    except BrokenPipeError:
        said = process.stderr.read()
        process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        raise FilmFailed(f"ffmpeg: {said[-150:].decode(errors='replace').strip()}")


def _command(target: Path, size: tuple[int, int], fps: int) -> list[str]:
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(fps), "-i", "-"]
    coded = ["-an", "-c:v", "libx264", "-preset", "medium", "-crf", CRF, "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    colours = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-colorspace", "bt709", "-color_primaries", "bt709"]
    colours += ["-color_trc", "bt709", "-color_range", "tv"]
    return [ffmpeg_path(), "-hide_banner", "-loglevel", "error", "-y", *raw, *colours, *coded, str(target)]


def _picture(output: Output) -> Image.Image:
    with local_copy(output.storage_key) as path:
        return Image.fromarray(thumbnails.rgb_bytes(read_pixels(path, pixels_max=PIXELS_MAX)))


def _even_size(size: tuple[int, int]) -> tuple[int, int]:
    """H.264 with 4:2:0 colour wants even sides: an odd last row or column is cut."""
    return max(2, size[0] // 2 * 2), max(2, size[1] // 2 * 2)


def _fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Cut to even sides; a frame of another size (settings changed between frames) is scaled."""
    if _even_size(image.size) == size:
        return image.crop((0, 0, *size))
    return image.resize(size, Image.Resampling.LANCZOS)


def _progress(film: Film, done: int, total: int) -> None:
    percent = done * 99 // total
    if percent != film.progress_percent:
        film.progress_percent = percent
        Film.objects.filter(pk=film.pk, finished_at=None).update(progress_percent=percent)
        announce(topic(film.job_id), FILM)
