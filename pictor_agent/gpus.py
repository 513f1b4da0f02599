"""Which GPUs a machine has and how they fare: each maker's own way behind one small interface."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pictor_agent import amd, nvml, protocol, recorded


class Gpus(Protocol):
    """Whatever can list GPUs and sample them."""

    simulated: bool  # played from a file; the server says so on the node's page, or refuses the node

    def inventory(self) -> list[protocol.GpuInfo]: ...

    def samples(self) -> list[protocol.GpuSample]: ...

    def pids(self) -> set[int]:
        """Programs that compute on them, as far as the driver says."""
        ...


class AllOf:
    """Those of several makers, numbered through; none is a machine without GPUs that we can see."""

    simulated = False

    def __init__(self, parts: Sequence[Gpus]) -> None:
        self.parts = parts

    def inventory(self) -> list[protocol.GpuInfo]:
        return _numbered([gpu for part in self.parts for gpu in part.inventory()])

    def samples(self) -> list[protocol.GpuSample]:
        return _numbered([gpu for part in self.parts for gpu in part.samples()])

    def pids(self) -> set[int]:
        return set().union(*(part.pids() for part in self.parts))


def _numbered(gpus: list) -> list:
    for index, gpu in enumerate(gpus):
        gpu.index = index
    return gpus


def find_gpus(trace: Path | None = None) -> Gpus:
    """Those of this machine, or those of a recording.

    Raises:
        recorded.BadTrace: the recording cannot be played.
    """
    if trace:
        return recorded.read_trace(trace)
    return AllOf([part for part in (nvml.find(), amd.find()) if part is not None])
