"""Where the stack lives, and as whom it runs.

An ordinary user keeps .venv and var/ in the checkout. Root keeps everything below /var/lib/pictor/<hash of the checkout's
path>, owned by an unprivileged user, with a copy of the checkout's files: the checkout may lie in a folder that only root may
enter, and no parent folder's mode is ever changed.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SHARED_ROOT = Path("/var/lib/pictor")
USER_NAME = "pictor"
NOBODY = 65534


@dataclass(frozen=True)
class Identity:
    """The user that everything runs as."""

    uid: int
    gid: int

    def subprocess_arguments(self) -> dict:
        """For subprocess: nothing when we are that user already."""
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def become(self) -> None:
        """Leave root behind, for good."""
        if os.geteuid() != self.uid:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)


@dataclass(frozen=True)
class Places:
    checkout: Path  # where the user typed make
    source: Path  # what runs: the checkout, or root's copy of it
    home: Path  # everything that is made: environments, cache, var
    identity: Identity

    @property
    def shared(self) -> bool:
        """Is this root's arrangement, with a copy and another user?"""
        return self.source != self.checkout

    @property
    def environment(self) -> Path:
        return self.home / ("venv" if self.shared else ".venv")

    @property
    def var(self) -> Path:
        return self.home / "var"

    @property
    def cache(self) -> Path:
        return self.var / "cache"

    @property
    def blenders(self) -> Path:
        """One render environment below it for each exact Blender version."""
        return self.var / "blender"


def choose(checkout: Path = CHECKOUT, shared_root: Path = SHARED_ROOT) -> Places:
    """Decide once; nothing is made here but root's unprivileged user."""
    if os.geteuid() != 0:
        return Places(checkout, checkout, checkout, Identity(os.geteuid(), os.getegid()))
    home = shared_root / hashlib.sha256(str(checkout).encode()).hexdigest()[:12]
    return Places(checkout, home / "source", home, unprivileged())


def unprivileged() -> Identity:
    """The system user `pictor`, made where useradd exists, else nobody."""
    try:
        found = pwd.getpwnam(USER_NAME)
    except KeyError:
        if not shutil.which("useradd"):
            return Identity(NOBODY, NOBODY)
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(SHARED_ROOT), USER_NAME]
        if subprocess.run(command, capture_output=True).returncode:
            return Identity(NOBODY, NOBODY)
        found = pwd.getpwnam(USER_NAME)
    return Identity(found.pw_uid, found.pw_gid)


def prepare(places: Places) -> None:
    """Make the folders, theirs where we are root."""
    if places.shared:
        places.home.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        places.home.mkdir(mode=0o755, exist_ok=True)
        os.chown(places.home, places.identity.uid, places.identity.gid)
    for folder in (places.var, places.cache):
        folder.mkdir(exist_ok=True)
        if places.shared:
            os.chown(folder, places.identity.uid, places.identity.gid)
