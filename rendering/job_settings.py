"""What a creator chooses for a job before it is submitted, and what cannot be rendered. PURE."""

from dataclasses import dataclass, fields

from pictor_agent import engines
from rendering.choices import ImageFormat, Tier
from rendering.splitting import BadFrames, parse_frames

SIDE_MIN, SIDE_MAX = 4, 16_384  # pixels
PIXELS_MAX = 134_217_728  # 16,384 x 8,192
SAMPLES_MAX = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """The three groups of the settings form. Sizes are final pixels."""

    name: str
    frames: str
    width: int
    height: int
    samples: int
    format: str = ImageFormat.PNG
    denoise: bool | None = None  # None: as in the file
    camera: str = ""  # empty: as in the file
    engine: str = "cycles"
    blender_version: str = "5.0.1"
    tier: str = Tier.STANDARD
    cap_micros: int | None = None


def settings_of(job) -> JobSettings:
    """The settings that the job has now."""
    return JobSettings(**{field.name: getattr(job, field.name) for field in fields(JobSettings)})


def problems(settings: JobSettings, *, cameras: list[str] | None = None) -> dict[str, str]:
    """Field -> words for everything that keeps these settings from being rendered; empty when all is well.

    Args:
        cameras: those of the scene; None when they are not known.
    """
    found = {
        "name": "" if settings.name.strip() else "Give the job a name.",
        "frames": _frames_problem(settings.frames),
        "width": _side_problem(settings.width),
        "height": _side_problem(settings.height),
        "samples": "" if 1 <= settings.samples <= SAMPLES_MAX else f"Choose 1 to {SAMPLES_MAX:,} samples.",
        "format": "" if settings.format in ImageFormat.values else "Choose a format from the list.",
        "tier": "" if settings.tier in Tier.values else "Choose a tier from the list.",
        "engine": _engine_problem(settings),
        "cap_micros": "" if settings.cap_micros is None or settings.cap_micros > 0 else "A cap is more than zero.",
        "camera": _camera_problem(settings.camera, cameras),
    }
    if not (found["width"] or found["height"]) and settings.width * settings.height > PIXELS_MAX:
        found["width"] = f"A frame has at most {PIXELS_MAX:,} pixels."
    return {field: words for field, words in found.items() if words}


def _frames_problem(expression: str) -> str:
    try:
        parse_frames(expression)
    except BadFrames as error:
        return str(error)
    return ""


def _side_problem(pixels: int) -> str:
    return "" if SIDE_MIN <= pixels <= SIDE_MAX else f"Choose {SIDE_MIN} to {SIDE_MAX:,} pixels."


def _engine_problem(settings: JobSettings) -> str:
    if engines.can_render(settings.engine, settings.blender_version):
        return ""
    return "No node renders this engine in this version yet."


def _camera_problem(camera: str, cameras: list[str] | None) -> str:
    if cameras == []:
        return "The scene has no camera. Add one in Blender and upload the file again."
    if camera and cameras is not None and camera not in cameras:
        return "The scene has no camera of that name."
    return ""
