"""What the sandbox found in a .blend. What that means for its creator: rendering.findings. PURE.

The sandbox reads a stranger's file, so its answer is a stranger's too: types, sizes and lengths are checked here.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from pictor_agent import engines
from rendering.splitting import FRAME_FIRST, FRAME_LAST

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
    samples_by_engine: Annotated[dict[Name, Count], Meta(max_length=20)] = {}
    denoise: bool | None = None
    denoiser: Annotated[str, Meta(max_length=60)] = ""
    adaptive_sampling: bool = False
    time_limit_seconds: Annotated[float, Meta(ge=0, le=1e9)] = 0.0
    osl: bool = False
    inspected_by: Annotated[str, Meta(max_length=40)] = ""  # the exact Blender that read it
    cameras: Names = []
    camera: Name = ""
    markers_bind_cameras: bool = False
    format: Literal["PNG", "JPEG", "OPEN_EXR", "OPEN_EXR_MULTILAYER"] = "PNG"
    format_saved: Annotated[str, Meta(max_length=60)] = ""
    depth_bits: Annotated[int, Meta(ge=0, le=64)] = 0
    transparent: bool = False
    region: bool = False
    stereo: bool = False
    motion_blur: bool = False
    compositor: bool = False
    file_output_nodes: Count = 0
    view_layers: Names = []
    missing_files: Names = []  # below the scene's folder
    outside_files: Names = []  # absolute, or above it: as written in the file
    outside_found: Names = []  # files of the same name that did come along
    scripts_blocked: bool = False
    script_names: Names = []
    drivers_blocked: Count = 0
    simulations: Names = []
    simulations_unbaked: Names = []
    nodes_unknown: Names = []  # of add-ons that nodes do not have
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


def read_inspection(found: dict) -> Inspection:
    """Raises msgspec.ValidationError: the answer is not one that an honest sandbox gives."""
    return msgspec.convert(found, Inspection)


def version_for(found: Inspection):
    """The release that renders the file; None when it is newer than any, or its version cannot be read."""
    try:
        return engines.version_for_file(found.blender_version_saved)
    except ValueError:
        return None
