"""What the sandbox found in a .blend, and what its creator should know before paying. PURE.

The sandbox reads a stranger's file, so its answer is a stranger's too: types, sizes and lengths are checked here.
"""

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from pictor_agent import engines
from rendering.splitting import FRAME_FIRST, FRAME_LAST

GIB = 1024**3
NAMED_MAX = 5  # files or scripts that a warning names
THUMBNAIL_CHARACTERS_MAX = 400_000

Name = Annotated[str, Meta(max_length=1_000)]
Names = Annotated[list[Name], Meta(max_length=1_000)]
Frame = Annotated[int, Meta(ge=-2_000_000, le=2_000_000)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class Inspection(msgspec.Struct, kw_only=True, forbid_unknown_fields=False):
    """The scene as it is in the file. Sizes are pixels before the percentage."""

    blender_version_saved: Annotated[str, Meta(max_length=40)] = ""
    engine: Annotated[str, Meta(max_length=60)] = "cycles"  # of the registry, or Blender's own name of an unknown one
    frame_start: Frame = 1
    frame_end: Frame = 1
    frame_step: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    frame_current: Frame = 1
    fps: Annotated[float, Meta(gt=0, le=100_000)] = 24.0
    width: Annotated[int, Meta(ge=1, le=1_000_000)] = 1920
    height: Annotated[int, Meta(ge=1, le=1_000_000)] = 1080
    percentage: Annotated[int, Meta(ge=1, le=32_767)] = 100
    samples: Annotated[int, Meta(ge=0, le=2**31)] = 128
    denoise: bool | None = None
    cameras: Names = []
    camera: Name = ""
    format: Literal["PNG", "JPEG", "OPEN_EXR"] = "PNG"
    format_saved: Annotated[str, Meta(max_length=60)] = ""
    transparent: bool = False
    missing_files: Names = []
    scripts_blocked: bool = False
    script_names: Names = []
    drivers_blocked: Count = 0
    simulations: Names = []
    memory_bytes_estimate: Count = 0
    objects: Count = 0
    thumbnail: Annotated[str, Meta(max_length=THUMBNAIL_CHARACTERS_MAX)] | None = None  # base64; stored apart

    @property
    def final_width(self) -> int:
        return max(1, self.width * self.percentage // 100)

    @property
    def final_height(self) -> int:
        return max(1, self.height * self.percentage // 100)

    @property
    def frames(self) -> str:
        """The range of the file as a frame expression."""
        first, last = max(FRAME_FIRST, self.frame_start), min(FRAME_LAST, self.frame_end)
        if first >= last:
            return str(first)
        return f"{first}-{last}" + (f"x{self.frame_step}" if self.frame_step > 1 else "")

    def to_json(self) -> dict[str, Any]:
        """All but the picture."""
        kept = msgspec.to_builtins(self)
        kept.pop("thumbnail", None)
        return kept


class Warning(NamedTuple):
    """Something to know before submit. `tone` is a word of the badges: bad keeps the job from rendering well."""

    tone: Literal["bad", "warn", "info"]
    words: str


def read_inspection(found: dict) -> Inspection:
    """Raises msgspec.ValidationError: the answer is not one that an honest sandbox gives."""
    return msgspec.convert(found, Inspection)


def warnings(found: Inspection) -> list[Warning]:
    """What its creator should know, worst first."""
    said = [
        _bad(not found.cameras, "The scene has no camera. Add one in Blender and upload the file again."),
        _bad(
            bool(found.missing_files),
            f"{_many(len(found.missing_files), 'file is', 'files are')} missing: {_named(found.missing_files)}. "
            "Pack them into the .blend (File, External Data, Pack Resources), or upload a .zip with them.",
        ),
        _engine_warning(found),
        _warn(
            bool(found.script_names),
            f"Scripts never run here. This file would start {_named(found.script_names)}; what they change will be missing.",
        ),
        _warn(
            found.drivers_blocked > 0,
            f"{_many(found.drivers_blocked, 'driver uses', 'drivers use')} Python and will keep the last saved value. "
            "Bake the animation where it matters.",
        ),
        _warn(
            bool(found.simulations),
            f"Simulated objects ({_named(found.simulations)}) need a baked cache in the upload: frames are rendered apart.",
        ),
        _version_warning(found),
        _info(
            found.format_saved not in {"", found.format},
            f"The file writes {found.format_saved}; frames will be {found.format}, and a film can be made from them.",
        ),
        _info(
            found.memory_bytes_estimate > 8 * GIB,
            f"The scene needs about {found.memory_bytes_estimate / GIB:.0f} GiB of memory; few nodes have that.",
        ),
    ]
    return sorted(filter(None, said), key=lambda warning: ("bad", "warn", "info").index(warning.tone))


def _engine_warning(found: Inspection) -> Warning | None:
    engine = engines.find(found.engine) or engines.find_by_blender_id(found.engine)
    if engine and engine.is_available:
        return None
    name = engine.label if engine else found.engine
    return Warning("warn", f"The file is set up for {name}, which is not rendered yet; Cycles will be used instead.")


def _version_warning(found: Inspection) -> Warning | None:
    if not found.blender_version_saved:
        return None
    version = version_for(found)
    if version is None:
        return Warning("bad", f"The file was saved by Blender {found.blender_version_saved}, newer than any node has.")
    same = engines.series_number(version.exact) == engines.series_number(found.blender_version_saved)
    return _info(not same, f"Saved by Blender {found.blender_version_saved}; it will be rendered by {version.exact}.")


def version_for(found: Inspection):
    """The release that renders the file; None when it is newer than any, or its version cannot be read."""
    try:
        return engines.version_for_file(found.blender_version_saved)
    except ValueError:
        return None


def _bad(holds: bool, words: str) -> Warning | None:
    return Warning("bad", words) if holds else None


def _warn(holds: bool, words: str) -> Warning | None:
    return Warning("warn", words) if holds else None


def _info(holds: bool, words: str) -> Warning | None:
    return Warning("info", words) if holds else None


def _many(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED_MAX])
    more = len(names) - NAMED_MAX
    return f"{shown} and {more} more" if more > 0 else shown
