"""What a creator chooses for a job before it is submitted, and what cannot be rendered. PURE."""

from dataclasses import dataclass, fields, replace
from datetime import datetime

from common.words import one_line
from pictor_agent import engines
from rendering.choices import DEPTHS_BITS, Device, GpuVendor, ImageFormat, Nodes, RenderOrder, Tier
from rendering.splitting import FRAMES_MAX, BadFrames, parse_frames
from rendering.tiling import PIXELS_MAX as TILED_PIXELS_MAX
from rendering.tiling import SIDE_MIN as TILE_SIDE_MIN
from rendering.tiling import BadGrid, parse_grid

SIDE_MIN, SIDE_MAX = 4, 16_384  # pixels
PIXELS_MAX = 134_217_728  # 16,384 x 8,192
SAMPLES_MAX = 65_536
GPUS_MAX = 16  # of one node
STEP_MIN = 2  # every 2nd frame
PAUSE_PERCENTS = (100, 90, 80, 50)  # of the cap
RELIABILITY_PERCENTS = (0, 50, 80, 90, 95, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """The three groups of the settings form. Sizes are final pixels; a field left at its default asks for nothing."""

    name: str
    frames: str
    width: int
    height: int
    samples: int
    format: str = ImageFormat.PNG
    depth_bits: int = 0  # 0: as in the file
    quality_percent: int = 0  # of JPEG; 0: as in the file
    denoise: bool | None = None  # None: as in the file
    tiles: str = ""  # "4x3" of a single frame; empty: in one piece
    camera: str = ""  # empty: as in the file
    engine: str = "cycles"
    blender_version: str = "5.0.1"
    render_order: str = RenderOrder.IN_ORDER
    order_step: int = 10  # N of "every Nth first"

    tier: str = Tier.STANDARD
    device: str = Device.ANY
    gpu_vendor: str = GpuVendor.ANY
    gpu_model: str = ""
    gpus_min: int = 0
    location: str = ""
    reliability_min_percent: int = 0
    nodes: str = Nodes.ANY
    one_device_class: bool = False
    needed_by_at: datetime | None = None

    cap_micros: int | None = None
    pause_percent: int = 100
    gate_step: int = 0  # 0: no preview


def settings_of(job) -> JobSettings:
    """The settings that the job has now."""
    return JobSettings(**{field.name: getattr(job, field.name) for field in fields(JobSettings)})


def settings_like(job, other) -> JobSettings:
    """The settings of another job for this one: its name stays, and so do camera and frames where the scene is another."""
    kept = {"name": job.name, "needed_by_at": None}
    if other.scene_id != job.scene_id:
        cameras = job.scene.inspection.get("cameras", [])
        kept |= {"frames": job.frames, "tiles": job.tiles, "camera": other.camera if other.camera in cameras else ""}
    return replace(settings_of(other), **kept)


def problems(settings: JobSettings, *, cameras: list[str] | None = None) -> dict[str, str]:
    """Field -> words for everything that keeps these settings from being rendered; empty when all is well.

    Args:
        cameras: those of the scene; None when they are not known.
    """
    found = _render_problems(settings, cameras) | _network_problems(settings) | _payment_problems(settings)
    if not (found["width"] or found["height"]) and settings.width * settings.height > PIXELS_MAX:
        found["width"] = f"A frame has at most {PIXELS_MAX:,} pixels."
    return {field: words for field, words in found.items() if words}


def _render_problems(settings: JobSettings, cameras: list[str] | None) -> dict[str, str]:
    return {
        "name": _name_problem(settings.name),
        "frames": _frames_problem(settings.frames),
        "width": _side_problem(settings.width),
        "height": _side_problem(settings.height),
        "samples": "" if 1 <= settings.samples <= SAMPLES_MAX else f"Choose 1 to {SAMPLES_MAX:,} samples.",
        "format": _choice_problem(settings.format, ImageFormat, "a format"),
        "depth_bits": _depth_problem(settings),
        "quality_percent": "" if 0 <= settings.quality_percent <= 100 else "Choose 1 to 100 %.",
        "engine": _engine_problem(settings),
        "tiles": _tiles_problem(settings),
        "camera": _camera_problem(settings.camera, cameras),
        "render_order": _choice_problem(settings.render_order, RenderOrder, "an order"),
        "order_step": _step_problem(settings.order_step) if settings.render_order == RenderOrder.NTH else "",
    }


def _network_problems(settings: JobSettings) -> dict[str, str]:
    return {
        "tier": _choice_problem(settings.tier, Tier, "a tier"),
        "device": _choice_problem(settings.device, Device, "a device"),
        "gpu_vendor": _choice_problem(settings.gpu_vendor, GpuVendor, "a make"),
        "gpus_min": "" if 0 <= settings.gpus_min <= GPUS_MAX else f"Choose up to {GPUS_MAX} GPUs.",
        "nodes": _choice_problem(settings.nodes, Nodes, "whose nodes"),
        "reliability_min_percent": "" if 0 <= settings.reliability_min_percent <= 100 else "Choose 0 to 100 %.",
    }


def _payment_problems(settings: JobSettings) -> dict[str, str]:
    return {
        "cap_micros": "" if settings.cap_micros is None or settings.cap_micros > 0 else "A cap is more than zero.",
        "pause_percent": "" if 1 <= settings.pause_percent <= 100 else "Choose 1 to 100 % of the cap.",
        "gate_step": _step_problem(settings.gate_step) if settings.gate_step else "",
    }


def _choice_problem(value: str, choices, what: str) -> str:
    return "" if value in choices.values else f"Choose {what} from the list."


def _name_problem(name: str) -> str:
    if not one_line(name):
        return "Give the job a name."
    return "" if name.strip() == one_line(name) else "A name is one line of letters that can be seen."


def _frames_problem(expression: str) -> str:
    try:
        parse_frames(expression)
    except BadFrames as error:
        return str(error)
    return ""


def _tiles_problem(settings: JobSettings) -> str:
    try:
        grid = parse_grid(settings.tiles)
        frames = len(parse_frames(settings.frames))
    except BadGrid as error:
        return str(error)
    except BadFrames:
        return ""
    if not grid:
        return ""
    if frames != 1 or settings.engine != "cycles":
        return "Tiles are for a job of one frame by Cycles. Leave this empty, or choose a single frame."
    if settings.width * settings.height > TILED_PIXELS_MAX:
        words = (
            f"A frame in tiles has at most {TILED_PIXELS_MAX:,} pixels, for it is put together in the memory of one machine."
        )
        return f"{words} Leave this empty to render it in one piece, or choose a smaller size."
    if settings.gate_step:
        return "A preview needs several frames. Leave it empty, or render in one piece."
    return (
        ""
        if min(settings.width // grid.across, settings.height // grid.down) >= TILE_SIDE_MIN
        else "These tiles are too small."
    )


def _side_problem(pixels: int) -> str:
    return "" if SIDE_MIN <= pixels <= SIDE_MAX else f"Choose {SIDE_MIN} to {SIDE_MAX:,} pixels."


def _step_problem(step: int) -> str:
    return "" if STEP_MIN <= step <= FRAMES_MAX else f"Choose every {STEP_MIN}nd to every {FRAMES_MAX:,}th frame."


def _depth_problem(settings: JobSettings) -> str:
    depths = DEPTHS_BITS.get(settings.format, ())
    if not settings.depth_bits or not depths or settings.depth_bits in depths:
        return ""
    label = ImageFormat(settings.format).label
    return f"{label} holds {' or '.join(map(str, depths))} bits per channel."


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
