"""Results on disk until the server has recorded them: they survive a lost connection, a killed agent and a reboot.

Two files per (work, attempt): `.picture` and `.report`. A report is replaced whole, and is what makes a picture count.
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from pictor_agent import protocol

Key = tuple[int, int]  # (work_id, attempt)


class Report(msgspec.Struct, kw_only=True):
    """What is due to the server. `stage` only ever moves forward."""

    work_id: int
    attempt: int
    stage: Literal["rendered", "done", "failed"]
    result: protocol.RenderResult | None = None
    reason: protocol.FailureReason = "agent_error"
    detail: str = ""
    log_tail: str = ""

    @property
    def key(self) -> Key:
        return self.work_id, self.attempt

    def message(self) -> protocol.Message:
        """What to say to the server now, again and again until it answers."""
        names = {"work_id": self.work_id, "attempt": self.attempt}
        if self.stage == "failed":
            return protocol.Failed(**names, reason=self.reason, detail=self.detail, log_tail=self.log_tail)
        assert self.result is not None, "only a failure has no result"
        if self.stage == "done":
            return protocol.Done(**names, result=self.result, log_tail=self.log_tail)
        return protocol.Rendered(**names, result=self.result)


@dataclass
class Outbox:
    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def picture_path(self, key: Key) -> Path:
        """Where the frame of an attempt is written."""
        return self._path(key, ".picture")

    def put(self, report: Report) -> None:
        """Keep `report`; durable when this returns. An earlier stage of the same attempt is replaced."""
        spare = self._path(report.key, ".new")
        with spare.open("wb", buffering=0) as file:
            file.write(msgspec.msgpack.encode(report))
            os.fsync(file.fileno())
        spare.rename(self._path(report.key, ".report"))

    def remove(self, key: Key) -> None:
        """The report first: a picture alone is nothing."""
        for kind in (".report", ".picture"):
            with contextlib.suppress(OSError):
                os.unlink(self._path(key, kind))

    def reports(self) -> list[Report]:
        """Every report that is due, oldest work first. What belongs to none is cleared away."""
        found = [report for path in self.folder.glob("*.report") if (report := self._read(path))]
        kept = {self._path(report.key, kind) for report in found for kind in (".report", ".picture")}
        for path in self.folder.iterdir():
            if path not in kept:
                _clear_away(path)
        return sorted(found, key=lambda report: report.key)

    def _read(self, path: Path) -> Report | None:
        try:
            report = msgspec.msgpack.decode(path.read_bytes(), type=Report)
        except (OSError, msgspec.MsgspecError):
            return None
        if report.stage == "rendered" and not self.picture_path(report.key).is_file():
            return None
        return report

    def _path(self, key: Key, kind: str) -> Path:
        return self.folder / f"{key[0]:012d}-{key[1]}{kind}"


def _clear_away(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
