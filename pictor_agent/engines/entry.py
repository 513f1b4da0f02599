"""What one entry of the engine registry says. Nothing here may import Blender or the server."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Version:
    """One exact version of a host program: pixels are only comparable within it."""

    exact: str  # "5.0.1": what a job pins and a node offers
    label: str  # "Blender 5.0": what people read
    status: Literal["available", "coming"] = "available"


@dataclass(frozen=True)
class Engine:
    """A renderer that jobs can name. `coming` entries are shown and cannot be chosen."""

    name: str  # stands in jobs and messages: "cycles"
    label: str  # "Cycles"
    software: str  # "blender": a key of SOFTWARE
    status: Literal["available", "coming"]
    versions: tuple[Version, ...] = ()
    blender_ids: tuple[str, ...] = ()  # what Blender calls it in a file: scene.render.engine
    formats: tuple[str, ...] = ("PNG", "JPEG", "OPEN_EXR", "OPEN_EXR_MULTILAYER")
    denoise: bool = False  # has a denoiser that the job may switch
    needs_opengl: bool = False  # by EGL, without a display
    reproducible: bool = True  # the same version, file, frame and seed give the same pixels

    @property
    def is_available(self) -> bool:
        return self.status == "available"

    @property
    def versions_available(self) -> tuple[Version, ...]:
        return tuple(version for version in self.versions if version.status == "available")
