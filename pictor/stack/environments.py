"""Virtual environments from the hash-locked requirement files; a stamp makes the next start skip what has not changed.

The package index is whatever this machine's pip is configured with. uv (from the lock, through pip) does the downloads because
it is ten times as fast; where uv cannot work with this machine's index, pip does the same install.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from pictor.stack.places import Places
from pictor.stack.words import Stop, step
from pictor_agent.engines import blender_versions, fetching

# pip's option -> the variables that tell the same to pip and to uv.
INDEX_OPTIONS = {
    "index-url": ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    "extra-index-url": ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
    "find-links": ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
    "cert": ("PIP_CERT", "SSL_CERT_FILE"),
    "proxy": ("PIP_PROXY", "ALL_PROXY"),
    "trusted-host": ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST"),
}


def index_environment(python: Path) -> dict[str, str]:
    """This user's pip configuration as variables: root's own files cannot be read by the user who installs."""
    done = subprocess.run([str(python), "-m", "pip", "config", "list"], capture_output=True, text=True, cwd="/")
    written = [line.partition("=") for line in done.stdout.splitlines()]  # global.index-url='https://...'
    options = {name.rpartition(".")[2]: " ".join(value.strip("'\"").replace("\\n", " ").split()) for name, _, value in written}
    for option, (variable, _) in INDEX_OPTIONS.items():
        options[option] = os.environ.get(variable) or options.get(option, "")
    options["find-links"] = " ".join(place for place in options["find-links"].split() if "://" in place or Path(place).exists())
    return {
        variable: options[option] for option, variables in INDEX_OPTIONS.items() for variable in variables if options[option]
    }


def digest(*files: Path, extra: str = "") -> str:
    whole = hashlib.sha256(extra.encode())
    for file in files:
        whole.update(file.read_bytes())
    return whole.hexdigest()


class Environment:
    """One virtual environment, made and filled as the unprivileged user."""

    def __init__(self, folder: Path, places: Places, python: Path):
        self.folder, self.places, self.base = folder, places, python
        self.python = folder / "bin" / "python"
        self.stamp = folder / "pictor-stamp.json"

    def stamps(self) -> dict[str, str]:
        try:
            return json.loads(self.stamp.read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def has(self, requirements: Path) -> bool:
        return self.stamps().get(requirements.name) == digest(requirements, extra=str(self.base)) and self.python.exists()

    def run(self, *command: str, extra: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        variables = {
            **os.environ,
            "HOME": str(self.places.cache),
            "UV_CACHE_DIR": str(self.places.cache / "uv"),
            "PIP_CACHE_DIR": str(self.places.cache / "pip"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_PROGRESS": "1",
        }
        variables.pop("PYTHONPATH", None)
        variables |= extra or {}
        return subprocess.run(
            command, capture_output=True, text=True, cwd="/", env=variables, **self.places.identity.subprocess_arguments()
        )

    def create(self) -> None:
        """Empty, with pip. What was there is removed: it belongs to another lock or another interpreter."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        if self.places.shared:
            os.chown(self.folder.parent, self.places.identity.uid, self.places.identity.gid)
        done = self.run(str(self.base), "-m", "venv", str(self.folder))
        if done.returncode:
            raise Stop(f"The virtual environment could not be made: {last_line(done)}")

    def fill(self, requirements: Path, bootstrap: Path) -> None:
        """Install exactly what the lock names, every file checked against its hash."""
        index = index_environment(self.python)
        readable = self.readable(requirements)
        if self.with_uv(readable, self.readable(bootstrap), index).returncode == 0:
            return
        done = self.run(str(self.python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(readable), extra=index)
        if done.returncode:
            raise Stop(f"{explained(done, requirements)}\nThe installer's own words: {self.keep_words(done)}")

    def keep_words(self, done: subprocess.CompletedProcess) -> Path:
        log = self.places.var / "setup.log"
        log.write_text(done.stdout + done.stderr)
        return log

    def with_uv(self, requirements: Path, bootstrap: Path, index: dict[str, str]) -> subprocess.CompletedProcess:
        pip = (str(self.python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(bootstrap))
        done = self.run(*pip, extra=index)
        if done.returncode:
            return done
        uv = (str(self.folder / "bin" / "uv"), "pip", "install", "--python", str(self.python), "--require-hashes")
        return self.run(*uv, "-r", str(requirements), extra={**index, "UV_COMPILE_BYTECODE": "0"})

    def readable(self, requirements: Path) -> Path:
        """The file in the copy that the unprivileged user may read."""
        return self.places.source / requirements.relative_to(self.places.checkout)

    def ensure(self, what: str, *requirements: Path, bootstrap: Path) -> None:
        """Bring the environment to these locks; nothing is touched when its stamp already says so."""
        wanted = [file for file in requirements if not self.has(file)]
        if not wanted:
            return
        stale = any(file.name in self.stamps() for file in wanted) or not self.python.exists()
        with step(f"{what} ({self.folder})"):
            if stale:
                self.create()
                wanted = list(requirements)
            for file in wanted:
                self.fill(file, bootstrap)
        stamps = self.stamps() | {file.name: digest(file, extra=str(self.base)) for file in wanted}
        self.stamp.write_text(json.dumps(stamps))


UNREACHABLE = ("Could not fetch URL", "NewConnectionError", "SSLError", "ConnectTimeoutError", "ReadTimeoutError", "ProxyError")


def first_line(text: str, signs: tuple[str, ...]) -> str:
    return next(line.strip() for line in text.splitlines() if any(sign in line for sign in signs))[:300]


def last_line(done: subprocess.CompletedProcess) -> str:
    lines = [line for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line or "error:" in line]
    return (errors or lines or ["no reason given"])[-1].strip()


def explained(done: subprocess.CompletedProcess, requirements: Path) -> str:
    """One line for what went wrong; the two that strangers meet have their own."""
    text = done.stderr + done.stdout
    if "No space left on device" in text:
        return "The disk is full: set-up needs about 3 GB. Free some space and start again."
    if any(sign in text for sign in UNREACHABLE):
        return f"The package index cannot be reached: {first_line(text, UNREACHABLE)}"
    if "No matching distribution found" in text or "Could not find a version" in text:
        machine = f"{os.uname().sysname} {os.uname().machine}"
        return f"{requirements.name}: no wheel for this platform ({machine}): {last_line(done)}"
    return f"{requirements.name} could not be installed: {last_line(done)}"


def ensure_server(places: Places, python: Path, *, tests: bool) -> Environment:
    """The environment that the stack runs in; with the tests' tools on top where asked."""
    locks = places.checkout / "requirements"
    environment = Environment(places.environment, places, python)
    files = (locks / "test.txt",) if tests else (locks / "base.txt",)
    if not tests and environment.has(locks / "test.txt"):
        return environment  # test.txt holds everything of base.txt
    environment.ensure("Python packages", *files, bootstrap=locks / "uv.txt")
    return environment


def ensure_blenders(places: Places, server: Environment, python: Path, *, every: bool) -> Path:
    """Blender as the node's own program fetches it: the newest for a demo, all of them for the tests.

    Returns the folder; what is missing there is fetched by whoever needs it first.
    """
    wanted = blender_versions.ALL if every else blender_versions.ALL[:1]
    for version in wanted:
        if not fetching.is_complete(places.blenders, version.exact):
            with step(f"{version.label} ({places.blenders / version.exact})"):
                fetch_blender(places, server, python, version.exact)
    return places.blenders


def fetch_blender(places: Places, server: Environment, python: Path, version: str) -> None:
    words = ("fetch", "--environments", str(places.blenders), "--python", str(python), version)
    extra = {**index_environment(server.python), "PYTHONPATH": str(places.source)}
    done = server.run(str(server.python), "-m", "pictor_agent", *words, extra=extra)
    if done.returncode:
        raise Stop(f"{last_line(done)}\nInstall what is missing, or look into {places.blenders}.")
