"""What the fields of a job's settings hold before anybody touches them, what the file says of them, and what can be chosen."""

from common.money import format_plain
from pictor_agent import engines
from rendering.inspected import read_inspection, version_for
from rendering.job_settings import SAMPLES_MAX
from rendering.models import Job
from rendering.tiling import suggested
from workers.places import COUNTRIES, REGIONS

DENOISE = {"": None, "on": True, "off": False}  # word of the form -> Job.denoise; None: as in the file


def tiles_help(job: Job) -> str:
    """What tiles are, and how many suit this still."""
    words = "Many nodes on one frame: 4x4 makes 16 tiles. Only for a single frame by Cycles"
    grid = suggested(job.width, job.height)
    return f"{words}; for this size {grid} suits" if grid else words


def text_of(value) -> str:
    """A field's value as the page holds it."""
    return "" if value is None else str(value)


def scaled(pixels: int, percentage: int) -> int:
    """Final pixels of a side, rounded as Blender does: down."""
    return pixels * percentage // 100


def initial_of(job: Job) -> dict:
    """The fields as the job stands."""
    width, height, percentage = size_of(job)
    same = (
        "name", "frames", "samples", "format", "camera", "tiles", "render_order", "order_step", "tier", "device", "location", "nodes",
        "reliability_min_percent", "gpu_vendor", "gpu_model", "one_device_class", "pause_percent",
    )  # fmt: skip
    return {name: getattr(job, name) for name in same} | {
        "width": width,
        "height": height,
        "percentage": percentage,
        "depth_bits": job.depth_bits or "",
        "quality_percent": job.quality_percent or None,
        "denoise": {value: word for word, value in DENOISE.items()}[job.denoise],
        "software": f"{job.engine}:{job.blender_version}",
        "gpus_min": job.gpus_min or None,
        "cap": format_plain(job.cap_micros),
        "gate_step": job.gate_step or None,
        "needed_by": job.needed_by_at,
        "zone_minutes": 0,
    }


def in_the_file(job: Job) -> dict:
    """The fields that the file speaks of, as it has them."""
    found = read_inspection(job.scene.inspection)
    version = version_for(found) if found.blender_version_saved else None
    engine = engines.find(found.engine) or engines.find_by_blender_id(found.engine)
    said = {
        "frames": found.frames,
        "width": found.width,
        "height": found.height,
        "percentage": found.percentage,
        "samples": max(1, min(found.samples, SAMPLES_MAX)),
        "format": found.format,
        "depth_bits": "",
        "quality_percent": "",
        "denoise": "",
        "camera": "",
    }
    if version and engine and engines.can_render(engine.name, version.exact):
        said["software"] = f"{engine.name}:{version.exact}"
    return said


def size_of(job: Job) -> tuple[int, int, int]:
    """Width, height and scale: as in the file where a scale makes the job's final pixels of it, else those at 100 %."""
    facts = job.scene.inspection
    width, height, in_file = facts.get("width", 0), facts.get("height", 0), facts.get("percentage", 100)
    likely = -(-100 * job.width // width) if width else 100
    for percentage in (in_file, likely):
        if (scaled(width, percentage), scaled(height, percentage)) == (job.width, job.height):
            return width, height, percentage
    return job.width, job.height, 100


def camera_choices(job: Job) -> list[tuple[str, str]]:
    facts = job.scene.inspection
    in_file = facts.get("camera") or "none"
    return [("", f"As in the file ({in_file})")] + [(name, name) for name in facts.get("cameras", [])]


def software_choices() -> list[tuple[str, str]]:
    """ "cycles:5.0.1" -> "Blender 5.0, Cycles", for what nodes can render today."""
    return [
        (f"{engine.name}:{version.exact}", f"{version.label}, {engine.label}")
        for engine in engines.available()
        for version in engine.versions_available
    ]


def location_choices() -> list:
    """Regions first, then countries, by the keys of workers.places."""
    return [("", "Anywhere"), ("Regions", list(REGIONS.items())), ("Countries", list(COUNTRIES.items()))]
