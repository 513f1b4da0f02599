"""The registry of render engines: one file per engine; pages, forms and nodes read it, nothing else lists engines.

A further engine is one file with an `ENGINE` and one entry in ENGINES.
"""

from pictor_agent.engines import arnold, blender_versions, cycles, eevee, octane, redshift, vray
from pictor_agent.engines.entry import Engine, Version

SOFTWARE = {  # host programs by name; those without an available engine are shown as coming
    "blender": "Blender",
    "cinema4d": "Cinema 4D",
    "maya": "Maya",
    "3dsmax": "3ds Max",
    "houdini": "Houdini",
}

ENGINES: dict[str, Engine] = {module.ENGINE.name: module.ENGINE for module in (cycles, eevee, redshift, octane, arnold, vray)}


def find(name: str) -> Engine | None:
    return ENGINES.get(name)


def find_by_blender_id(blender_id: str) -> Engine | None:
    """The engine that a .blend means by `scene.render.engine`; None for those the network does not know."""
    return next((engine for engine in ENGINES.values() if blender_id in engine.blender_ids), None)


def available() -> list[Engine]:
    return [engine for engine in ENGINES.values() if engine.is_available]


def coming() -> list[Engine]:
    return [engine for engine in ENGINES.values() if not engine.is_available]


def software_coming() -> list[str]:
    """Labels of the host programs that have no engine one can choose yet."""
    names = {engine.software for engine in available()}
    return [label for name, label in SOFTWARE.items() if name not in names]


def blender_versions_available() -> list[Version]:
    return [version for version in blender_versions.ALL if version.status == "available"]


def version_for_file(saved: str) -> Version | None:
    """The release that renders a file saved by version `saved` ("4.2.3").

    The available one of the same series; else the oldest available one that is newer (Blender opens older files);
    None when the file comes from a newer Blender than any available.
    """
    wanted = series_number(saved)
    fitting = [version for version in blender_versions_available() if series_number(version.exact) >= wanted]
    return min(fitting, key=lambda version: series_number(version.exact), default=None)


def series_number(version: str) -> tuple[int, int]:
    """ "4.5.15" -> (4, 5)."""
    major, minor = [*version.split("."), "0"][:2]
    return int(major), int(minor)


def can_render(engine: str, blender_version: str) -> bool:
    """Is this exact pair offered by the network today?"""
    found = find(engine)
    return found is not None and found.is_available and blender_version in [v.exact for v in found.versions_available]
