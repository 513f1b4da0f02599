"""What a running agent does for its next release: hears of it, asks whether its owner allows it, and makes it ready."""

import time
from dataclasses import dataclass, field

from pictor_agent import protocol
from pictor_agent.config import Config
from pictor_agent.updating import installation, making, obtaining
from pictor_agent.updating.halting import Programs
from pictor_agent.updating.manifest import Manifest, NotUpdated
from pictor_agent.updating.releases import RETRY_SECONDS, Release, Releases

PATIENCE_SECONDS = 600.0  # a node that is never idle is interrupted between two tasks


@dataclass(eq=False)
class Updates:
    """Times are seconds of a clock that never goes back."""

    config: Config
    releases: Releases
    obstacle: str
    offered: int = 0  # the newest that the server spoke of
    allowed: int = 0  # up to which the owner lets it go
    programs: Programs = field(default_factory=Programs)
    _not_before: float = 0.0
    _due_since: float | None = field(default=None)

    def hear(self, message: protocol.Release) -> None:
        """The server speaks of a newer release."""
        self.offered = message.number
        if message.url != self.releases.record().url:
            self.releases.note(url=message.url)

    def build(self) -> protocol.Build:
        """What the server is told after every sign-on."""
        made, record = installation.release(), self.releases.record()
        return protocol.Build(
            sha256=installation.wheel_sha256(),
            number=made.number if made else 0,
            obstacle=self.obstacle,
            tried=record.tried,
            words=record.words,
        )

    def is_due(self, now: float, *, busy: bool) -> bool:
        """Is there a release to be made ready at this moment?"""
        record = self.releases.record()
        number = max(self.offered, record.wished)
        wanted = self.releases.floor < number <= self.permitted and number not in record.failed
        if self.obstacle or not wanted or now < self._not_before or record.waits(time.time()):
            self._due_since = None
            return False
        self._due_since = now if self._due_since is None else self._due_since
        return not busy or now - self._due_since >= PATIENCE_SECONDS

    @property
    def permitted(self) -> int:
        return max(self.allowed, self.releases.record().wished)

    def prepare(self) -> Release | None:
        """The next release, complete on disk; None where it is the one that runs. Slow: call it in a thread.

        Raises:
            NotUpdated: noted for the server and the doctor.
        """
        try:
            return obtain(self.config, self.releases, self.programs, permitted=self.permitted)
        except NotUpdated as error:
            if not self.programs.halted:
                self.releases.note(tried=self.offered, words=str(error))
            raise

    def halt(self) -> None:
        """The agent ends: what is being made ready is given up, and nobody waits for it."""
        self.programs.halt()

    def put_off(self, now: float) -> None:
        self._not_before = now + RETRY_SECONDS


def newest(config: Config, releases: Releases) -> Manifest:
    """What the server offers now.

    Raises:
        NotUpdated
    """
    url = releases.record().url
    if not url:
        raise NotUpdated("the server has not said yet where its releases are: start the agent once")
    return obtaining.newest(url, config.update_key, floor=releases.floor)


def obtain(config: Config, releases: Releases, programs: Programs, *, permitted: int | None = None) -> Release | None:
    """Ask, check, fetch and make; None where the newest is the one that runs.

    Raises:
        NotUpdated
    """
    manifest = newest(config, releases)
    if _runs(manifest, releases):
        releases.note(floor=max(releases.floor, manifest.number), tried=manifest.number, words="")
        return None
    if manifest.number in releases.record().failed:
        raise NotUpdated(f"release {manifest.number} was tried before: {releases.record().failed[manifest.number]}")
    if permitted is not None and manifest.number > permitted:
        raise NotUpdated(f"the server offers release {manifest.number} by now, which its owner has not allowed yet")
    found = releases.find(manifest.number)
    if found and found.manifest == manifest:  # a database that was restored gives numbers again
        return found
    return _made(releases, manifest, programs)


def _runs(manifest: Manifest, releases: Releases) -> bool:
    current = releases.current(installation.digest())
    if manifest.sha256 in {installation.wheel_sha256(), current.manifest.sha256 if current else ""}:
        return True
    if manifest.number == releases.floor:
        had = releases.find(manifest.number)
        by_hand = had is not None and had.manifest.sha256 == manifest.sha256
        why = "its owner went back from it by hand: the next one is taken" if by_hand else "from another file"
        raise NotUpdated(f"this node has had release {manifest.number} already, and {why}")
    return False


def _made(releases: Releases, manifest: Manifest, programs: Programs) -> Release:
    pointer, made = releases.pointer(), installation.release()
    releases.prune({each.number for each in (pointer, made) if each})
    wheel = releases.place(manifest.number).with_name(manifest.wheel)
    try:
        releases.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        obtaining.wheel(releases.record().url, manifest, wheel)
        making.make(releases.place(manifest.number), wheel, manifest, programs)
    except OSError as error:
        raise NotUpdated(f"the release cannot be written: {error.strerror or error}") from error
    finally:
        wheel.unlink(missing_ok=True)
    found = releases.find(manifest.number)
    if found is None:
        raise NotUpdated("the release was made and cannot be started")
    return found
