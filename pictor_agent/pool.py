"""Warm Blenders between frames: which may stay open, and when one is renewed or makes room.

One process holds one scene of one exact version. A slot takes one for a frame and gives it back; what is idle stays open
while it is young enough, small enough, not too many, and while the machine has memory to spare.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from pictor_agent.warm import WarmBlender

SCENES_MAX = 2  # idle ones: two jobs that take turns do not reload each time; a third would rather have the memory
FRAMES_MAX = 2_000
AGE_SECONDS_MAX = 6 * 3_600  # a leak in Blender or a driver does not live longer
HELD_SHARE = 0.6  # of its memory limit: a process that holds more after a frame is not used again
SPARE_SHARE = 0.2  # of the machine's memory: with less to spare, idle scenes are closed

Key = tuple[str, str, str]  # exact version, scene_key, main_path


@dataclass(frozen=True)
class Rules:
    """How long a warm process is kept; the owner may set them in the configuration file."""

    scenes: int = SCENES_MAX
    frames: int = FRAMES_MAX
    age_seconds: float = AGE_SECONDS_MAX


@dataclass(eq=False)
class Entry:
    key: Key
    blender: WarmBlender
    frames: int = 0
    busy: bool = True
    is_trusted: bool = True  # no picture of its was found to be wrong


def memory_is_short() -> bool:
    memory = psutil.virtual_memory()
    return memory.available < memory.total * SPARE_SHARE


@dataclass
class Pool:
    rules: Rules = field(default_factory=Rules)
    is_short: Callable[[], bool] = memory_is_short
    entries: list[Entry] = field(default_factory=list)  # longest idle first

    @property
    def idle(self) -> list[Entry]:
        return [entry for entry in self.entries if not entry.busy]

    def sees(self, scene_key: str) -> bool:
        """Does any process see this scene's folder?"""
        return any(entry.key[1] == scene_key for entry in self.entries)

    def add(self, key: Key, blender: WarmBlender) -> Entry:
        """A process that was started for a frame; it is busy with it."""
        entry = Entry(key, blender)
        self.entries.append(entry)
        return entry

    async def take(self, key: Key) -> Entry | None:
        """An idle process that holds this scene, for one frame."""
        for entry in [entry for entry in self.idle if entry.key == key]:
            if entry.blender.is_alive:
                entry.busy = True
                return entry
            await self.drop(entry)
        return None

    async def give_back(self, entry: Entry) -> None:
        """After a frame: keep the process for the next one, or end it where a limit says so."""
        entry.frames += 1
        entry.busy = False
        self.entries.remove(entry)
        self.entries.append(entry)
        if self._is_spent(entry):
            await self.drop(entry)
        await self.make_room(keep=self.rules.scenes)

    async def distrust(self, entry: Entry) -> None:
        """A picture of its was wrong: no further frame begins in it; one that it renders by now is judged by itself."""
        entry.is_trusted = False
        if not entry.busy:
            await self.drop(entry)

    async def make_room(self, *, keep: int) -> None:
        """Close idle scenes, the longest idle first, until `keep` are left; but for the last, more when memory is short."""
        while len(self.idle) > keep or (len(self.entries) > 1 and self.idle and self.is_short()):
            await self.drop(self.idle[0])

    async def drop(self, entry: Entry) -> None:
        """End the process; returns when it is gone."""
        if entry in self.entries:
            await entry.blender.close()
        if entry in self.entries:  # still: two may ask for it
            self.entries.remove(entry)

    async def close(self) -> None:
        for entry in list(self.entries):
            await self.drop(entry)

    def _is_spent(self, entry: Entry) -> bool:
        blender = entry.blender
        heavy = blender.memory_bytes > blender.limits.memory_bytes * HELD_SHARE
        return (
            not entry.is_trusted or heavy or entry.frames >= self.rules.frames or blender.age_seconds > self.rules.age_seconds
        )
