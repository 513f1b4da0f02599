"""`python3 -m pictor.stack.setup demo`: make everything that is missing, then become the unprivileged user and run it.

Standard library only. A second start looks at stamps and takes seconds.
"""

import os
import shutil
import sys
from pathlib import Path

from pictor.stack import checkout, environments, interpreter, javascript, places, system
from pictor.stack.places import Places
from pictor.stack.words import Stop, say
from pictor_agent.engines import blender_versions, fetching

NEEDED_BYTES = 4 * 1024**3  # environments with caches, at the first start
TESTS_BYTES = 4 * 1024**3  # on top: every Blender, and Chromium
DEMO_VARIABLES = ("EXIT", "SCENE", "FRAMES", "PORT")


def main(words: list[str]) -> None:
    what, *rest = words or ["demo"]
    if what not in TARGETS:
        raise Stop(f"{what}: choose {', '.join(TARGETS)}")
    if os.name != "posix" or sys.version_info < (3, 8):
        raise Stop("Pictor's stack needs Linux or macOS and Python 3.11.")
    tests = what in {"test", "check", "chaos"}
    here = places.choose()
    command = TARGETS[what] + rest
    run(here, *prepared(here, tests=tests, blender=what != "check", tools=what == "test", command=command))


# What each target runs, in the environment, from the source folder.
TARGETS = {
    "demo": ["-m", "pictor.stack.demo"],
    "dev": ["-m", "pictor.stack.up"],
    "test": ["-m", "pictor.stack.testing"],
    "check": ["-m", "pictor.stack.checking"],
    "bench": ["-m", "pictor.bench"],
    "chaos": ["-m", "tests.chaos"],
    "python": [],
}


def prepared(here: Places, *, tests: bool, blender: bool, tools: bool, command: list[str]) -> tuple[list[str], dict[str, str]]:
    """Everything is there afterwards; returns the command and its environment."""
    require_space(here, NEEDED_BYTES + (TESTS_BYTES if tests else 0))
    if here.shared:
        say(f"  Root: everything lives and runs below {here.home}, as another user.")
    python = interpreter.choose(here)
    system.ensure(python, tests=tests)
    places.prepare(here)
    copy_checkout(here)
    server = environments.ensure_server(here, python, tests=tests)
    environment = running_environment(here)
    if blender:
        folder = environments.ensure_blenders(here, server, python, every=tests)
        environment |= blender_variables(folder) | environments.index_environment(server.python)
    if tools:
        environment["PICTOR_JS"] = str(javascript.ensure(here, server))
    if tests and (browser := system.browser()) and os.environ.get("BROWSER") != "0":
        environment["CHROMIUM"] = browser
    return [str(server.python), *command], environment


def blender_variables(folder: Path) -> dict[str, str]:
    """The newest Blender by name, the others by their folder; from there they are fetched on first need."""
    newest = fetching.python_of(folder, blender_versions.ALL[0].exact)
    return {"BLENDER_PYTHON": str(newest), "BLENDER_ENVIRONMENTS": str(folder)}


def require_space(here: Places, needed_bytes: int) -> None:
    """Only the first start needs the room."""
    if here.environment.exists():
        return
    folder = next(parent for parent in [here.home, *here.home.parents] if parent.exists())
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise Stop(
            f"The disk of {folder} is too full: {free_bytes // 1024**2} MiB are free, the first start needs {needed_bytes // 1024**2}."
        )


def copy_checkout(here: Places) -> None:
    """Root runs a copy: the checkout may lie where the other user cannot look."""
    if not here.shared:
        return
    here.source.mkdir(exist_ok=True)
    if number := checkout.copy_to(here.checkout, here.source, owner=(here.identity.uid, here.identity.gid)):
        say(f"  Copied {number} changed files to {here.source}")


def running_environment(here: Places) -> dict[str, str]:
    """The caller's environment, with our folders in it and nothing that points into his home."""
    environment = {**os.environ, "PICTOR_VAR": str(here.var), "PYTHONNOUSERSITE": "1"}
    environment.pop("PYTHONPATH", None)
    environment["PATH"] = f"{here.environment / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
    if here.shared:
        environment |= {"HOME": str(here.cache), "XDG_CACHE_HOME": str(here.cache), "XDG_STATE_HOME": str(here.cache)}
        environment.pop("XDG_RUNTIME_DIR", None)
    if scene := os.environ.get("SCENE"):
        environment["SCENE"] = str(readable_scene(here, Path(scene).expanduser()))
    return environment


def readable_scene(here: Places, scene: Path) -> Path:
    """The user's own file, where the process that uploads it can read it."""
    scene = scene if scene.is_absolute() else here.checkout / scene
    if not scene.is_file():
        raise Stop(f"SCENE={scene} is not a file.")
    if not here.shared:
        return scene
    target = here.var / "scene" / scene.name
    target.parent.mkdir(exist_ok=True)
    shutil.copy(scene, target)
    target.chmod(0o644)
    return target


def run(here: Places, command: list[str], environment: dict[str, str]) -> None:
    """Become that user, and that program: Ctrl-C and the exit status are its own."""
    sys.stdout.flush()
    here.identity.become()
    os.umask(0o022)
    os.chdir(here.source)
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            raise Stop("The disk is full. Free some space and start again.") from None
        raise
