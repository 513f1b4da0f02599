"""Work on local files without a server: `inspect` (the server runs it as a subprocess) and `render`, in the same box."""

import asyncio
import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

import msgspec

from pictor_agent import engines, protocol
from pictor_agent.engines import fetching
from pictor_agent.environments import Environments, NoBlender, make_environments
from pictor_agent.runner import RunFailed, Runner
from pictor_agent.sandbox import Sandbox, SandboxUnavailable, find_sandbox

INSPECT_MEMORY_BYTES = 8 << 30


def inspect(arguments) -> int:
    """Print one JSON object: what is in the file, or {"error", "detail"}. The status is 0 both ways."""
    try:
        found = asyncio.run(_inspect(arguments))
    except RunFailed as error:
        found = {"error": error.reason, "detail": error.detail or error.log_tail[-300:]}
    except SandboxUnavailable as error:
        found = {"error": "sandbox_unavailable", "detail": str(error)}
    except (NoBlender, OSError) as error:
        found = {"error": "agent_error", "detail": str(error)[:500]}
    json.dump(found, sys.stdout)
    print()
    return 0


async def _inspect(arguments) -> dict:
    runner = make_runner(arguments, arguments.memory_bytes or INSPECT_MEMORY_BYTES)
    with tempfile.TemporaryDirectory(prefix="pictor-inspect-") as spare:
        scene = readable_scene(Path(arguments.folder).resolve(), Path(spare), runner.sandbox)
        version = await usable_version(runner.environments, arguments.blender_version)
        found = await runner.inspect(
            scene,
            arguments.main,
            version=version,
            seconds_max=arguments.seconds_max,
            thumbnail=Path(spare) / "thumbnail",
        )
    engine = engines.find_by_blender_id(found.get("engine", ""))
    return {**found, "engine": engine.name if engine else found.get("engine", ""), "inspected_by": version}


def merge(arguments) -> int:
    """Finish the frame that an order of JSON on the standard input describes; print {} or {"error", "detail"}."""
    try:
        order = msgspec.json.decode(sys.stdin.buffer.read(), type=protocol.MergeOrder)
        asyncio.run(_merge(arguments, order))
        said = {}
    except RunFailed as error:
        said = {"error": error.reason, "detail": error.detail or error.log_tail[-300:]}
    except SandboxUnavailable as error:
        said = {"error": "sandbox_unavailable", "detail": str(error)}
    except (NoBlender, OSError) as error:
        said = {"error": "agent_error", "detail": str(error)[:500]}
    json.dump(said, sys.stdout)
    print()
    return 0


async def _merge(arguments, order: protocol.MergeOrder) -> None:
    runner = make_runner(arguments, arguments.memory_bytes)
    with tempfile.TemporaryDirectory(prefix="pictor-merge-") as spare:
        scene = readable_scene(Path(arguments.folder).resolve(), Path(spare), runner.sandbox)
        await runner.merge(order, scene, Path(arguments.out))


async def usable_version(environments: Environments, wanted: str) -> str:
    """`wanted`, fetched where it is missing; else the oldest newer one that is here, which opens the same files.

    Raises:
        NoBlender: nothing here opens it.
    """
    if not wanted:
        return max(environments, key=engines.series_number)
    try:
        return (await environments.find(wanted)).version
    except NoBlender:
        newer = [version for version in environments if engines.series_number(version) >= engines.series_number(wanted)]
        if not newer:
            raise
        return min(newer, key=engines.series_number)


def make_runner(arguments, memory_bytes: int) -> Runner:
    sandbox = find_sandbox(allow_unsandboxed=arguments.allow_unsandboxed)
    folder = Path(arguments.environments) if arguments.environments else None
    return Runner(make_environments(arguments.blender_python, folder), sandbox, memory_bytes)


def readable_scene(scene: Path, spare: Path, sandbox: Sandbox) -> Path:
    """The folder itself; or, where the box's own user could not read it, a copy without links."""
    if not sandbox.as_root or _all_readable(scene):
        return scene
    copy = spare / "scene"
    for folder, folders, files in os.walk(scene):
        folders[:] = [name for name in folders if not os.path.islink(os.path.join(folder, name))]
        target = copy / os.path.relpath(folder, scene)
        target.mkdir(mode=0o755, parents=True, exist_ok=True)
        for name in files:
            if stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode):
                shutil.copyfile(os.path.join(folder, name), target / name)
                (target / name).chmod(0o644)
    for folder, _, _ in os.walk(copy):
        os.chmod(folder, 0o755)
    return copy


def _all_readable(scene: Path) -> bool:
    """May anybody read everything here? The folders above do not matter: a box mounts the scene itself."""
    for folder, _, files in os.walk(scene):
        if stat.S_IMODE(os.lstat(folder).st_mode) & 0o005 != 0o005:
            return False
        if any(not stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode) & 0o004 for name in files):
            return False
    return True


def render(arguments) -> int:
    """Render frames of a local file into a folder, as a node would; for trials and tests."""
    try:
        return asyncio.run(_render(arguments))
    except (RunFailed, SandboxUnavailable, NoBlender, ValueError) as error:
        print(f"pictor-agent: {error}", file=sys.stderr)
        return 1


async def _render(arguments) -> int:
    runner = make_runner(arguments, arguments.memory_bytes)
    target = Path(arguments.out)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictor-render-") as spare:
        scene = readable_scene(Path(arguments.folder).resolve(), Path(spare), runner.sandbox)
        try:
            version = await usable_version(runner.environments, arguments.blender_version)
            for frame in frame_numbers(arguments.frames):
                spec = _spec(arguments, scene, frame, version)
                rendered = await runner.render(spec, scene, target / f"{frame:04d}.{EXTENSIONS[spec.format]}")
                print(f"frame {frame}: {rendered.result.render_seconds:.2f} s, pixels {rendered.result.pixels_sha256[:16]}")
        finally:
            await runner.close()
    return 0


EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "OPEN_EXR": "exr", "OPEN_EXR_MULTILAYER": "exr"}


def _spec(arguments, scene: Path, frame: int, version: str) -> protocol.RenderSpec:
    return protocol.RenderSpec(
        engine=arguments.engine,
        blender_version=version,
        scene_key=hashlib.sha256(str(scene).encode()).hexdigest(),
        main_path=arguments.main,
        files=[],
        frame=frame,
        seed=arguments.seed,
        width=arguments.width,
        height=arguments.height,
        samples=arguments.samples,
        format=arguments.format,
        camera=arguments.camera,
        device=arguments.device,
        denoise=DENOISE[arguments.denoise],
        region=region_of(arguments.region),
    )


DENOISE = {"file": None, "on": True, "off": False}


def region_of(text: str) -> protocol.Region | None:
    """ "16,0,64,32" -> 64 x 32 pixels from the 17th column; empty: the whole frame."""
    if not text:
        return None
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise ValueError(f"{text} is no region; write LEFT,TOP,WIDTH,HEIGHT in pixels")
    left, top, width, height = map(int, parts)
    return protocol.Region(left=left, top=top, width=width, height=height)


def frame_numbers(text: str) -> list[int]:
    """ "1-3,7" -> [1, 2, 3, 7]."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def fetch(arguments) -> int:
    """Fetch one render environment, unless it is there; says in one line why not."""
    if not arguments.environments:
        print("pictor-agent: name a folder with --environments, or set BLENDER_ENVIRONMENTS", file=sys.stderr)
        return 1
    try:
        print(fetching.fetch(Path(arguments.environments), arguments.version, python=arguments.python))
    except (fetching.FetchFailed, OSError) as error:
        print(f"Blender {arguments.version} could not be fetched: {error}", file=sys.stderr)
        return 1
    return 0
