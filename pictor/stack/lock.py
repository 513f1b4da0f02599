"""`make lock`: every requirements/*.in becomes a .txt with exact versions and hashes, for every platform at once."""

import os
import subprocess
import sys
from pathlib import Path

from pictor.stack import environments, interpreter, places, setup, system
from pictor.stack.words import Stop, say

ORDER = ["uv", "base"]
OF_THE_SERVER = {"test", "node"}  # they take the server's versions


def main(words: list[str]) -> None:
    here = places.choose()
    python = interpreter.choose(here)
    system.ensure(python, tests=False)
    places.prepare(here)
    setup.copy_checkout(here)
    server = environments.ensure_server(here, python, tests=False)
    folder = here.checkout / "requirements"
    index = environments.index_environment(server.python)
    for name in dict.fromkeys(ORDER + sorted(file.stem for file in folder.glob("*.in"))):
        compile_lock(server.folder / "bin" / "uv", folder, name, words, {**os.environ, **index})
        say(f"  requirements/{name}.txt")


def compile_lock(uv: Path, folder: Path, name: str, words: list[str], environment: dict[str, str]) -> None:
    """Without index addresses: the lock must serve machines with other indexes."""
    command = [str(uv), "pip", "compile", "-q", "--universal", "--generate-hashes", "--python-version=3.11"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", f"{name}.in", f"--output-file={name}.txt", *words]
    if name in OF_THE_SERVER:
        command.append("--constraint=base.txt")
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Stop(f"{name}.in cannot be locked: {done.stderr.strip()}")


if __name__ == "__main__":
    main(sys.argv[1:])
