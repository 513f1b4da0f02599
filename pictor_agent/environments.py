"""Render environments on this machine: one Python with `bpy`, or one installed Blender, per exact version.

Some are named by the owner, the others are fetched into one folder when the first frame needs them.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pictor_agent import engines
from pictor_agent.engines import fetching

ASK_SECONDS = 30
FETCH_SECONDS = 1_800.0  # a slow line takes minutes for 370 MB
QUESTION = (
    "import importlib.metadata as m, json, os, sys;"
    "print(json.dumps({'version': m.version('bpy'),"
    "'folders': [sys.prefix, sys.base_prefix, os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))]}))"
)


class NoBlender(Exception):
    """There is no usable render environment; the words say why."""


@dataclass(frozen=True)
class RenderEnvironment:
    """Where one exact Blender version lies."""

    version: str  # "5.0.1"
    program: str  # a Python that has bpy, or a Blender
    folders: tuple[str, ...]  # what it needs to be able to read, apart from /usr and /lib
    is_python: bool = True

    def command(self, script: str) -> list[str]:
        """The command that runs `script` inside this Blender. -I: the script's folder must not shadow Blender's modules."""
        if self.is_python:
            return [self.program, "-I", script]
        return [self.program, "--background", "--factory-startup", "--disable-autoexec", "--python", script]


class Environments(dict[str, RenderEnvironment]):
    """The Blenders that are on this machine, by exact version. `folder` None: no other is ever fetched."""

    def __init__(self, installed: dict[str, RenderEnvironment], folder: Path | None = None) -> None:
        super().__init__(installed)
        self.folder = folder
        self._fetching: dict[str, asyncio.Task] = {}

    def offered(self) -> list[str]:
        """Versions that this node may be asked for: known to the network, and here or fetchable."""
        known = [version.exact for version in engines.blender_versions_available()]
        return sorted(version for version in known if version in self or self.can_fetch(version))

    def can_fetch(self, version: str) -> bool:
        return self.folder is not None and not fetching.obstacle(self.folder, version)

    async def find(self, version: str, tell: Callable[[str], None] = lambda words: None) -> RenderEnvironment:
        """The environment of `version`, fetched first where it is missing; several callers share one fetch.

        Raises:
            NoBlender: it is not here and cannot be fetched.
        """
        if version not in self:
            if self.folder is None:
                raise NoBlender(f"Blender {version} is not on this node")
            tell(f"fetching Blender {version}")
            if version not in self._fetching:
                self._fetching[version] = asyncio.create_task(self._fetch(version, self.folder))
                self._fetching[version].add_done_callback(lambda _: self._fetching.pop(version, None))
            await asyncio.shield(self._fetching[version])
        return self[version]

    async def _fetch(self, version: str, folder: Path) -> None:
        """In a process of its own: heartbeats go on meanwhile."""
        command = [sys.executable, "-m", "pictor_agent", "fetch", "--environments", str(folder), version]
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                said, _ = await process.communicate()
        except TimeoutError:
            raise NoBlender(f"Blender {version} could not be fetched within {FETCH_SECONDS:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise NoBlender(said.decode(errors="replace").strip()[-300:] or f"Blender {version} could not be fetched")
        self[version] = await asyncio.to_thread(find_environment, str(fetching.python_of(folder, version)))

    async def close(self) -> None:
        """End fetches that nobody waits for any more."""
        works = list(self._fetching.values())
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)


def make_environments(programs: list[str], folder: Path | None = None) -> Environments:
    """Those named, and those that were fetched into `folder` before.

    Raises:
        NoBlender: one that is named cannot be used.
    """
    installed = {found.version: found for found in map(find_environment, programs)}
    for version in engines.blender_versions_available():
        if folder and version.exact not in installed and fetching.is_complete(folder, version.exact):
            installed[version.exact] = find_environment(str(fetching.python_of(folder, version.exact)))
    return Environments(installed, folder)


def find_environment(program: str) -> RenderEnvironment:
    """Ask `program` what it is.

    Raises:
        NoBlender: it cannot be run, or has no bpy.
    """
    path = os.path.abspath(program)
    if not os.access(path, os.X_OK):
        raise NoBlender(f"{path} cannot be executed")
    return _installed_blender(path) if Path(path).name.startswith("blender") else _python_with_bpy(path)


def _python_with_bpy(path: str) -> RenderEnvironment:
    try:
        found = json.loads(_ask([path, "-I", "-c", QUESTION]))
    except ValueError as error:
        raise NoBlender(f"{path} has no bpy") from error
    return RenderEnvironment(found["version"], path, _folders(found["folders"]))


def _installed_blender(path: str) -> RenderEnvironment:
    words = _ask([path, "--version"]).split()
    if len(words) < 2 or words[0] != "Blender":
        raise NoBlender(f"{path} does not say a Blender version")
    folder = os.path.dirname(os.path.realpath(path))
    return RenderEnvironment(words[1], os.path.realpath(path), _folders([folder]), is_python=False)


def folders_of(python: str, *prefixes: str) -> tuple[str, ...]:
    """What a box must show for this Python to run in it."""
    return _folders([*prefixes, os.path.dirname(os.path.dirname(os.path.realpath(python)))])


def _folders(found: list[str]) -> tuple[str, ...]:
    """Each once, as named and as resolved, without what every sandbox has anyway."""
    named = dict.fromkeys(place for folder in found for place in (folder, os.path.realpath(folder)))
    return tuple(folder for folder in named if folder != "/" and not folder.startswith("/usr"))


def _ask(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoBlender(f"{command[0]}: {error}") from error
    return done.stdout
