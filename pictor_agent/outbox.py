"""Results on disk until the server has recorded them: they survive a lost connection, a killed agent and a reboot.

One folder per (work, attempt) with `report` and, for a rendered frame, `picture`. `report` is replaced whole.
"""

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
        """Where the frame of an attempt is written; makes its folder."""
        folder = self._folder(key)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / "picture"

    def put(self, report: Report) -> None:
        """Keep `report`; durable when this returns. An earlier stage of the same attempt is replaced."""
        folder = self._folder(report.key)
        folder.mkdir(mode=0o700, exist_ok=True)
        spare = folder / "report.new"
        with spare.open("wb") as file:
            file.write(msgspec.msgpack.encode(report))
            file.flush()
            os.fsync(file.fileno())
        spare.rename(folder / "report")

    def remove(self, key: Key) -> None:
        shutil.rmtree(self._folder(key), ignore_errors=True)

    def reports(self) -> list[Report]:
        """Every report that is due, oldest work first. Half-written attempts are cleared away."""
        found = []
        for folder in sorted(self.folder.iterdir()):
            report = self._read(folder)
            if report is None:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                found.append(report)
        return sorted(found, key=lambda report: report.key)

    def _read(self, folder: Path) -> Report | None:
        try:
            report = msgspec.msgpack.decode((folder / "report").read_bytes(), type=Report)
        except (OSError, msgspec.MsgspecError):
            return None
        if report.stage == "rendered" and not (folder / "picture").is_file():
            return None
        return report

    def _folder(self, key: Key) -> Path:
        return self.folder / f"{key[0]:012d}-{key[1]}"
