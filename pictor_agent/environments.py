"""Render environments on this machine: one Python with `bpy`, or one installed Blender, per exact version."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ASK_SECONDS = 30
QUESTION = (
    "import importlib.metadata as m, json, os, sys;"
    "print(json.dumps({'version': m.version('bpy'),"
    "'folders': [sys.prefix, sys.base_prefix, os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))]}))"
)


class NoBlender(Exception):
    """The named program is no usable render environment; the words say why."""


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
