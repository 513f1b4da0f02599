"""GPUs played from a file, so that everything that shows or obeys gauges can be tried on a machine without any.

The file has one JSON object a line: first {"gpus": [GpuInfo]}, then {"at": seconds, "gpus": [GpuSample]} in order of time.
It is played from its beginning again when it has ended. The node says that it is simulated; production refuses it.
"""

import time
from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from pictor_agent import protocol

LINES_MAX = 100_000


class BadTrace(Exception):
    """The file is no recording; the words name the line."""


class Cards(msgspec.Struct):
    gpus: Annotated[list[protocol.GpuInfo], Meta(min_length=1, max_length=64)]


class Moment(msgspec.Struct):
    at: Annotated[float, Meta(ge=0, le=1e7)]
    gpus: Annotated[list[protocol.GpuSample], Meta(max_length=64)]


class RecordedGpus:
    simulated = True

    def __init__(self, cards: Cards, moments: list[Moment], clock: Callable[[], float] = time.monotonic) -> None:
        self.cards, self.moments, self.clock = cards, moments, clock
        self.began_at = clock()

    def inventory(self) -> list[protocol.GpuInfo]:
        return self.cards.gpus

    def samples(self) -> list[protocol.GpuSample]:
        """Those of the newest moment that has come."""
        length = self.moments[-1].at
        elapsed = self.clock() - self.began_at
        at = elapsed % length if elapsed > length > 0 else elapsed
        index = bisect_right(self.moments, at, key=lambda moment: moment.at)
        return self.moments[max(index - 1, 0)].gpus

    def pids(self) -> set[int]:
        return set()


def read_trace(path: Path, clock: Callable[[], float] = time.monotonic) -> RecordedGpus:
    """
    Raises:
        BadTrace: unreadable, too long, not in order of time, or without a moment.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise BadTrace(f"{path}: {error.strerror}") from error
    if not 2 <= len(lines) <= LINES_MAX:
        raise BadTrace(f"{path}: 2 to {LINES_MAX:,} lines, the first with the GPUs, each other with a moment")
    cards = _decoded(path, 1, lines[0], Cards)
    moments = [_decoded(path, number, line, Moment) for number, line in enumerate(lines[1:], 2)]
    if any(later.at < earlier.at for earlier, later in pairwise(moments)):
        raise BadTrace(f"{path}: its moments are not in order of time")
    return RecordedGpus(cards, moments, clock)


def _decoded(path: Path, number: int, line: bytes, kind: type):
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError as error:
        raise BadTrace(f"{path}, line {number}: {error}") from error
