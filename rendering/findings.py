"""What a creator should know about a scene before paying for frames: what was found, and what to do about it. PURE."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from common.words import plural
from pictor_agent import engines
from rendering.inspected import Inspection, version_for
from rendering.job_settings import SIDE_MAX

GIB = 1024**3
MEMORY_BYTES_USUAL = 8 * GIB
NAMED_MAX = 5  # files or scripts that a finding names
NEW_EEVEE = (4, 2)  # the release that rewrote it

Tone = Literal["bad", "warn", "info"]
TONES: tuple[Tone, ...] = ("bad", "warn", "info")


class Finding(NamedTuple):
    """One thing to know before submit. `tone`: bad keeps frames from rendering well; warn may change them; info is news."""

    code: str
    tone: Tone
    words: str
    remedy: str = ""  # what the creator can do; empty where nothing needs to be done

    @property
    def text(self) -> str:
        return f"{self.words} {self.remedy}".strip()


def findings(found: Inspection) -> list[Finding]:
    """Everything worth knowing, worst first."""
    said = [*_files(found), *_cameras(found), *_scripts(found), *_versions(found), *_engine(found), *_output(found)]
    return sorted(said, key=lambda finding: TONES.index(finding.tone))


def _files(found: Inspection) -> Iterator[Finding]:
    if found.missing_files:
        words = f"{_are(len(found.missing_files), 'file')} missing: {_named(found.missing_files)}."
        remedy = "Pack them into the .blend (File, External Data, Pack Resources), or upload a .zip with them."
        yield Finding("missing_files", "bad", words, remedy)
    if found.outside_files:
        words = f"{_are(len(found.outside_files), 'file')} named by a path that only your computer has: {_named(found.outside_files)}."
        yield Finding("outside_files", "bad", words, _outside_remedy(found))
    if found.simulations_unbaked:
        words = f"Simulated without a baked cache: {_named(found.simulations_unbaked)}. Frames are rendered apart, so these start over."
        remedy = "Bake them to disk beside the .blend, and upload a .zip with the caches."
        yield Finding("simulations_unbaked", "warn", words, remedy)
    if found.nodes_unknown:
        words = f"Some nodes of the scene come from an add-on that no node has: {_named(found.nodes_unknown)}."
        yield Finding("nodes_unknown", "warn", words, "Replace them, or apply what they make before you upload.")


def _outside_remedy(found: Inspection) -> str:
    if found.outside_found:
        return (
            f"The upload holds {_named(found.outside_found)}: in Blender choose File, External Data, Make All Paths Relative, "
            "save, and upload again."
        )
    return "Pack them (File, External Data, Pack Resources), or make all paths relative there and upload a .zip with the files."


def _cameras(found: Inspection) -> Iterator[Finding]:
    if not found.cameras:
        yield Finding("no_camera", "bad", "The scene has no camera.", "Add one in Blender and upload the file again.")
    elif not found.camera and not found.markers_bind_cameras:
        words = "No camera of the scene is its active one."
        yield Finding("no_active_camera", "bad", words, "Choose one under Camera, or set it in Blender (View, Cameras).")


def _scripts(found: Inspection) -> Iterator[Finding]:
    if found.script_names:
        words = f"Scripts never run here. This file would start {_named(found.script_names)}; what they change will be missing."
        yield Finding("scripts_blocked", "warn", words, "Run them in Blender and save the result.")
    if found.drivers_blocked:
        verb = "uses" if found.drivers_blocked == 1 else "use"
        words = f"{plural(found.drivers_blocked, 'driver')} {verb} Python and will keep the last saved value."
        yield Finding("drivers_blocked", "warn", words, "Bake the animation where it matters.")


def _versions(found: Inspection) -> Iterator[Finding]:
    if not found.blender_version_saved:
        return
    version = version_for(found)
    if version is None:
        words = f"The file was saved by Blender {found.blender_version_saved}, newer than any node has."
        yield Finding("too_new", "bad", words, "Save it from an older Blender.")
        return
    saved, renders = (engines.series_number(text) for text in (found.blender_version_saved, version.exact))
    if saved[0] < renders[0]:
        words = f"Saved by Blender {found.blender_version_saved}, rendered by {version.exact}: a new main version may look different."
        yield Finding("older_main_version", "warn", words, "Look at a single frame first.")
    elif saved != renders:
        words = f"Saved by Blender {found.blender_version_saved}; it will be rendered by {version.exact}."
        yield Finding("other_version", "info", words)


def _engine(found: Inspection) -> Iterator[Finding]:
    engine = engines.find(found.engine) or engines.find_by_blender_id(found.engine)
    if engine is None or not engine.is_available:
        name = engine.label if engine else found.engine
        words = f"The file is set up for {name}, which is not rendered yet; Cycles will be used instead."
        yield Finding("other_engine", "warn", words, "Check materials and lights in Cycles.")
    elif engine.name == "eevee" and _is_before(found.blender_version_saved, NEW_EEVEE):
        words = "EEVEE was rewritten in Blender 4.2; a file from before looks different."
        yield Finding("old_eevee", "warn", words, "Open it in Blender 4.2 or newer, adjust it and save it there.")
    if found.osl:
        yield Finding("osl", "info", "Open Shading Language runs on processors alone, so GPUs are no faster here.")
    if found.denoiser == "OPTIX":
        yield Finding("denoiser", "info", "OpenImageDenoise is used instead of OptiX: every node gives the same picture.")
    if found.time_limit_seconds:
        words = "The file's time limit per frame is left out: the picture would depend on the node."
        yield Finding("time_limit", "info", words, "Choose fewer samples to render faster.")
    if found.memory_bytes_estimate > MEMORY_BYTES_USUAL:
        words = f"The scene needs about {found.memory_bytes_estimate / GIB:.0f} GiB of memory; few nodes have that."
        yield Finding("memory", "info", words, "Smaller textures or fewer subdivisions let more nodes help.")


def _output(found: Inspection) -> Iterator[Finding]:
    if max(found.final_width, found.final_height) > SIDE_MAX:
        words = f"Frames of {found.final_width} × {found.final_height} pixels are larger than {SIDE_MAX:,} pixels."
        yield Finding("too_large", "bad", words, "Choose a smaller size or scale.")
    if found.frame_end < found.frame_start:
        words = f"The file's range ends ({found.frame_end}) before it begins ({found.frame_start})."
        yield Finding("empty_range", "warn", words, "Only its first frame is chosen; write the range you want.")
    if found.format_saved not in {"", found.format}:
        words = f"The file writes {found.format_saved}; frames will be {found.format}, and a film can be made from them."
        yield Finding("format", "info", words)
    if found.stereo:
        yield Finding("stereo", "warn", "Stereo pictures are not rendered: frames show the camera's own view alone.")
    if found.region:
        yield Finding("region", "info", "The file renders only a region; here whole frames are rendered.")
    if found.file_output_nodes:
        words = f"{plural(found.file_output_nodes, 'File Output node')} of the compositor will write nothing here."
        yield Finding("file_outputs", "info", words, "Choose OpenEXR, multilayer to get passes and layers.")
    if len(found.view_layers) > 1 and found.format != "OPEN_EXR_MULTILAYER":
        words = f"The scene has {len(found.view_layers)} view layers; {found.format} holds one picture of them."
        yield Finding("view_layers", "info", words, "Choose OpenEXR, multilayer to get each.")


def _is_before(version: str, series: tuple[int, int]) -> bool:
    try:
        return engines.series_number(version) < series
    except ValueError:
        return False


def _are(count: int, noun: str) -> str:
    return f"{plural(count, noun)} {'is' if count == 1 else 'are'}"


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED_MAX])
    more = len(names) - NAMED_MAX
    return f"{shown} and {more} more" if more > 0 else shown
