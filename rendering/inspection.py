"""Inspect a scene: the agent's program reads it in its sandbox, as a process of its own, and answers in JSON."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import structlog
from django.conf import settings
from django.core.files.storage import default_storage

from common.agent_words import agent_words
from pictor_agent import engines
from rendering import blend_header
from rendering.blend_header import BadBlend
from rendering.errors import BadScene
from rendering.inspected import Inspection, read_inspection
from rendering.models import Scene
from rendering.reasons import Reason

log = structlog.get_logger(__name__)

ANSWER_BYTES_MAX = 2 * 1024**2
GRACE_SECONDS = 15  # the agent's own limit strikes first
FETCH_SECONDS = 600  # the first scene of a Blender version also waits for that Blender


class InspectionFailed(Exception):
    """No answer, or a refusal: `reason` is a rendering.reasons.Reason, str() the detail."""

    def __init__(self, reason: Reason, detail: str):
        super().__init__(detail)
        self.reason = reason


def inspect_scene(scene: Scene) -> Inspection:
    """Lay the scene's files out in a folder and let the sandbox read them.

    Raises:
        InspectionFailed: the file cannot be read, or the sandbox could not work.
    """
    folder_root = Path(settings.VAR_DIR) / "inspecting"
    folder_root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder_root) as folder:
        lay_out(scene, Path(folder))
        return read_answer(_run(scene.main_path, Path(folder), version_of(Path(folder) / scene.main_path)))


def version_of(main: Path) -> str:
    """The exact release that renders this .blend, by its header; that one should also read it.

    Raises:
        InspectionFailed: it is no .blend, cut off, or newer than what nodes have.
    """
    try:
        with main.open("rb") as file:
            header = blend_header.check(file)
    except (BadBlend, OSError) as error:
        raise InspectionFailed(Reason.SCENE_UNREADABLE, str(error)) from error
    version = engines.version_for_file(header.version_words)
    return version.exact if version else ""


def lay_out(scene: Scene, folder: Path) -> None:
    """Write the scene's files below `folder`, readable by the sandbox's user; links where the store is a folder."""
    folder.chmod(0o755)
    for file in scene.files.select_related("asset"):
        target = folder / file.path
        if not target.resolve().is_relative_to(folder.resolve()):
            raise BadScene(f"{file.path} lies outside the scene.")
        target.parent.mkdir(parents=True, exist_ok=True)
        with default_storage.open(file.asset.storage_key) as source, open(target, "wb") as copy:
            while block := source.read(1024**2):
                copy.write(block)
        target.chmod(0o644)


def _run(main_path: str, folder: Path, version: str) -> bytes:
    command = [sys.executable, *agent_words("inspect"), "--blender-version", version, "--main", main_path, str(folder)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=settings.INSPECT_SECONDS_MAX + GRACE_SECONDS + FETCH_SECONDS,
            cwd=settings.BASE_DIR,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InspectionFailed(Reason.TIME_LIMIT, "Reading the file took too long.") from error
    if done.returncode or not done.stdout.strip():
        tail = done.stderr[-2_000:].decode(errors="replace")
        log.error("inspection_broke", status=done.returncode, stderr=tail)
        raise InspectionFailed(Reason.INSPECTION_FAILED, f"The inspection ended with status {done.returncode}.")
    return done.stdout


def read_answer(answer: bytes) -> Inspection:
    """The typed answer of the agent's program; the last line of its output counts.

    Raises:
        InspectionFailed: it is a refusal, too long, or not what an honest sandbox says.
    """
    if len(answer) > ANSWER_BYTES_MAX:
        raise InspectionFailed(Reason.INSPECTION_FAILED, "The inspection said too much.")
    try:
        found = json.loads(answer.strip().splitlines()[-1])
        if "error" in found:
            raise InspectionFailed(_reason(found["error"]), str(found.get("detail", ""))[:500])
        return read_inspection(found)
    except (ValueError, TypeError, IndexError, msgspec.ValidationError) as error:
        raise InspectionFailed(Reason.INSPECTION_FAILED, f"The inspection answered nonsense: {error}"[:500]) from error


def _reason(word: object) -> Reason:
    return Reason(word) if word in set(Reason) else Reason.INSPECTION_FAILED
