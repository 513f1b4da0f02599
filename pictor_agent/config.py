"""The node's configuration file, its key pair and its folders on this machine."""

import contextlib
import fcntl
import hashlib
import os
import re
import socket
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
import psutil
from msgspec import Meta
from nacl.signing import SigningKey

from pictor_agent import pool, protocol
from pictor_agent.secret_files import write_secret

CACHE_SHARE = 0.2  # of the disk that is free at the first start
CACHE_BYTES_MAX = 200 << 30
DRAIN_SECONDS = 900.0
PAGE_PORT = 8471  # where it is taken, as by a second node, the system chooses another
UPDATE_KEY = re.compile(r"([0-9a-f]{64})?")


class BadConfig(Exception):
    """The configuration file or the state folder cannot be used; the words name the field."""


class AlreadyRuns(BadConfig):
    """An agent holds the state folder."""


@dataclass(frozen=True)
class Config:
    """What the downloaded file says, with the command line on top."""

    server_url: str  # ws://host:port or wss://host
    worker_uid: str = ""  # of this node; or
    fleet: str = ""  # of a fleet token: the machine becomes a node of its own
    fleet_owner: str = ""  # names the owner of the token: with their next one it stays the same node
    token: str = ""  # enrols a new key, once
    name: str = ""
    blender_python: list[str] = field(default_factory=list)
    environments: str = ""  # folder of the Blenders that are fetched on first need; empty: beside the state folder
    fetch_blender: bool = True  # False: only those that are here already
    self_test: bool = True  # when it has nothing to do after its first start
    allow_unsandboxed: bool = False
    memory_bytes: int = 0  # of one Blender; 0: most of the machine
    cache_bytes: int = 0  # 0: chosen by free disk
    drain_seconds: float = DRAIN_SECONDS
    update_key: str = ""  # the public key that signs releases of the agent, in hexadecimal; without it the agent stays as it is
    gpu_trace: str = ""  # a recording that is played in the place of this machine's GPUs
    warm_scenes: int = pool.SCENES_MAX  # that stay open between frames
    warm_frames: int = pool.FRAMES_MAX  # then a Blender is started anew
    warm_seconds: float = pool.AGE_SECONDS_MAX  # the same by age
    page_port: Annotated[int, Meta(ge=0, le=65_535)] = PAGE_PORT  # of the node's page on this machine; 0: none

    @property
    def socket_url(self) -> str:
        return self.server_url.rstrip("/") + protocol.PATH

    @property
    def uid(self) -> str:
        """What the agent says it comes as."""
        return self.worker_uid or self.fleet

    @property
    def state_name(self) -> str:
        """Of the state folder. A home that several machines share must not give them one key."""
        return self.worker_uid or f"{self.fleet_owner or self.fleet}-{machine_digest()}"


def read_config(path: Path, **chosen) -> Config:
    """The file, overridden by what the command line chose.

    Raises:
        BadConfig: missing, not TOML, or without a field that a node needs.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path}: {error}") from error
    return parse_config(text, str(path), **chosen)


def parse_config(text: str, source: str, **chosen) -> Config:
    """What `text` says; `source` is what errors call it.

    Raises:
        BadConfig: as read_config.
    """
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{source}: {error}") from error
    known = {name: written[name] for name in Config.__dataclass_fields__ if name in written}
    known |= {name: value for name, value in chosen.items() if value}
    return _checked(known, source)


def keep_config(text: str, path: Path) -> None:
    """Write the file, for this user alone.

    Raises:
        BadConfig: the text is none, or it cannot be written.
    """
    parse_config(text, "The configuration file")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(path, text.encode())
    except OSError as error:
        raise BadConfig(f"{path} cannot be written: {error.strerror}") from error


def _checked(known: dict, source: str) -> Config:
    who = "fleet" if "fleet" in known else "worker_uid"
    for name in ("server_url", who):
        if not isinstance(known.get(name), str) or not known[name]:
            raise BadConfig(f"{source}: {name} is missing; download the file again from the node's page")
    if not known["server_url"].startswith(("ws://", "wss://")):
        raise BadConfig(f"{source}: server_url must begin with ws:// or wss://")
    if not all(letter.isalnum() or letter in "_-" for letter in known[who] + str(known.get("fleet_owner", ""))):
        raise BadConfig(f"{source}: {who} is not one that the network gives out")
    if not UPDATE_KEY.fullmatch(str(known.get("update_key", ""))):
        raise BadConfig(f"{source}: update_key is no public key; download the file again from the node's page")
    try:
        return msgspec.convert(known, Config)
    except msgspec.ValidationError as error:
        raise BadConfig(f"{source}: {error}") from error


@dataclass(frozen=True)
class Beat:
    """A heartbeat that went out, and how far apart they are to be."""

    at: float  # Unix time
    report_seconds: float


@dataclass(frozen=True)
class State:
    """The folder that belongs to one node on this machine; no other user may look in."""

    folder: Path

    @property
    def key_path(self) -> Path:
        return self.folder / "key"

    def make(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        except OSError as error:
            raise BadConfig(f"{self.folder}: {error.strerror}") from error

    @contextlib.contextmanager
    def locked(self):
        """Hold the folder; a second agent on it would tear the outbox apart."""
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise AlreadyRuns(f"another agent already runs on {self.folder}") from error
            yield

    @property
    def is_paused(self) -> bool:
        """Somebody on this machine paused the node. A file, so that a restart leaves it so, and a terminal may do it."""
        return self._pause.exists()

    @property
    def _pause(self) -> Path:
        return self.folder / "paused"

    def pause(self) -> None:
        self._pause.touch(mode=0o600)

    def resume(self) -> None:
        self._pause.unlink(missing_ok=True)

    def signing_key(self) -> SigningKey:
        """The node's own Ed25519 key, made here at the first start; it never leaves this machine."""
        if not self.key_path.exists():
            write_secret(self.key_path, bytes(SigningKey.generate()))
        seed = self.key_path.read_bytes()
        if len(seed) != 32:
            raise BadConfig(f"{self.key_path} is damaged; delete it and enrol the node again")
        return SigningKey(seed)

    def unused_token(self, token: str) -> str:
        """`token`, or nothing when it has already enrolled this key."""
        used = self.folder / "enrolled"
        return "" if used.exists() and used.read_text() == _digest(token) else token

    def mark_enrolled(self, token: str) -> None:
        (self.folder / "enrolled").write_text(_digest(token))

    @property
    def beat_path(self) -> Path:
        """There while the node is signed on; its time is the last heartbeat's."""
        return self.folder / "heartbeat"

    def mark_beat(self, report_seconds: float) -> None:
        with contextlib.suppress(OSError):  # on a full disk the node goes on, and merely looks silent
            self.beat_path.write_text(str(report_seconds))

    def forget_beat(self) -> None:
        self.beat_path.unlink(missing_ok=True)

    def last_beat(self) -> Beat | None:
        try:
            return Beat(self.beat_path.stat().st_mtime, float(self.beat_path.read_text() or 0))
        except (OSError, ValueError):
            return None


def machine_digest() -> str:
    """Tells this machine from others of its owner's. Copies of one disk have the same id, not the same name."""
    try:
        found = Path("/etc/machine-id").read_text()
    except OSError:
        found = ""
    return _digest(f"{found.strip()} {socket.gethostname()}")[:12]


def default_config_path() -> Path:
    """Where pictor-agent.service looks too."""
    return Path.home() / ".config" / "pictor-agent" / "node.toml"


def default_state_folder(name: str) -> Path:
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "pictor-agent" / name


def default_cache_bytes(folder: Path) -> int:
    return min(int(psutil.disk_usage(str(folder)).free * CACHE_SHARE), CACHE_BYTES_MAX)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
