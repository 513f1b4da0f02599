"""The releases that an agent made beside itself, and which of them runs: a folder below the state folder of its node.

    releases/12/       an environment of its own; counts once its release.json is there
    releases/current   which one runs, and for which installation; replaced whole
    releases/record    what was tried, and what must never be tried again

What lies here is changed in an order in which every stop leaves a program that runs: `current` names a release only after
that has signed on, and nothing is deleted that `current` names.
"""

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pictor_agent.updating import installation
from pictor_agent.updating.manifest import Manifest

log = logging.getLogger(__name__)

FAILED_MAX = 20  # remembered
RETRY_SECONDS = 3_600.0  # after whatever went wrong; a deployment and a full memory pass meanwhile


@dataclass(frozen=True)
class Release:
    """One that is complete."""

    place: Path
    manifest: Manifest

    @property
    def number(self) -> int:
        return self.manifest.number

    @property
    def python(self) -> Path:
        return self.place / "bin" / "python"

    @property
    def command(self) -> list[str]:
        """Isolated: neither the folder it is started in nor PYTHONPATH bring other code."""
        return [str(self.python), "-I", "-m", "pictor_agent"]

    @property
    def words(self) -> str:
        return f"release {self.number} (agent {self.manifest.version})"


class Pointer(msgspec.Struct, kw_only=True):
    number: int
    base: str  # installation.digest of the program that was installed by hand, and starts the release


class Record(msgspec.Struct, kw_only=True):
    floor: int = 0  # no release below it
    failed: dict[int, str] = {}  # number -> why it did not sign on
    trials: dict[int, int] = {}  # number -> in how many hours it did not; of the one that is tried now
    not_before: float = 0.0  # the next trial; seconds since 1970
    tried: int = 0  # the last one
    words: str = ""  # why that was not taken; empty: it was, or nothing was tried
    url: str = ""  # where the server offers releases
    wished: int = 0  # by `pictor-agent update` beside an agent that runs

    def waits(self, now: float) -> bool:
        """A clock that was set back makes nobody wait longer."""
        return 0 < self.not_before - now <= RETRY_SECONDS


@dataclass(frozen=True)
class Releases:
    folder: Path

    def place(self, number: int) -> Path:
        return self.folder / str(number)

    def find(self, number: int) -> Release | None:
        """None unless it is complete and can be started."""
        place = self.place(number)
        manifest = installation.read_release(place)
        if manifest is None or manifest.number != number:
            return None
        found = Release(place, manifest)
        return found if os.access(found.python, os.X_OK) else None

    # Which one runs ---------------------------------------------------------------------------------------------------

    def pointer(self) -> Pointer | None:
        try:
            return msgspec.json.decode((self.folder / "current").read_bytes(), type=Pointer)
        except (OSError, msgspec.MsgspecError):
            return None

    def current(self, base: str) -> Release | None:
        """The release to run; None: the installation `base` itself, also after it was installed anew."""
        pointer = self.pointer()
        return self.find(pointer.number) if pointer and pointer.base == base else None

    def point_to(self, release: Release, base: str) -> None:
        """From now on this one runs."""
        self._put("current", Pointer(number=release.number, base=base))
        self.note(floor=max(self.record().floor, release.number), tried=release.number, words="")

    # What was tried ---------------------------------------------------------------------------------------------------

    def record(self) -> Record:
        try:
            return msgspec.json.decode((self.folder / "record").read_bytes(), type=Record)
        except (OSError, msgspec.MsgspecError):
            return Record()

    def note(self, **changes) -> bool:
        """False where the disk says no: what is noted helps, and nothing ends for want of it."""
        try:
            self._put("record", msgspec.structs.replace(self.record(), **changes))
        except OSError as error:
            log.warning("Not kept in %s: %s", self.folder / "record", error.strerror or error)
            return False
        return True

    def put_off(self, release: Release, words: str, *, now: float, counts: bool) -> None:
        """It did not sign on, and may yet; by hand it may be tried again and again, and an hour counts once."""
        record = self.record()
        trials = record.trials.get(release.number, 0) + (counts and not record.waits(now))
        not_before = record.not_before if record.waits(now) else now + RETRY_SECONDS
        self.note(trials={release.number: trials}, not_before=not_before, tried=release.number, words=words)

    def give_up(self, release: Release, words: str) -> None:
        """It is never tried again, unless by hand."""
        failed = {**self.record().failed, release.number: words}
        kept = dict(sorted(failed.items())[-FAILED_MAX:])
        self.note(failed=kept, tried=release.number, words=words)
        self.drop(release.number)

    @property
    def floor(self) -> int:
        """The number below which nothing is taken, also where a stop came between pointer and record."""
        made, pointer = installation.release(), self.pointer()
        return max(self.record().floor, made.number if made else 0, pointer.number if pointer else 0)

    # Folders ----------------------------------------------------------------------------------------------------------

    def drop(self, number: int) -> None:
        """First what makes it count."""
        (self.place(number) / installation.RELEASE).unlink(missing_ok=True)
        shutil.rmtree(self.place(number), ignore_errors=True)

    def prune(self, keep: set[int]) -> None:
        """All but these, and what was left half made."""
        for place in self.folder.iterdir() if self.folder.is_dir() else ():
            if place.is_dir() and place.name.isdecimal() and int(place.name) not in keep:
                self.drop(int(place.name))
            elif place.suffix in {".whl", ".new"}:
                place.unlink(missing_ok=True)

    def _put(self, name: str, what: msgspec.Struct) -> None:
        """Whole or not at all, also through a power cut."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.folder / name, msgspec.json.encode(what))


def write_whole(path: Path, content: bytes) -> None:
    spare = path.with_name(path.name + ".new")
    with spare.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    spare.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
