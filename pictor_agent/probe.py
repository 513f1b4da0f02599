"""What this machine is and how it fares: CPU, memory, disk and network by psutil, GPUs by pictor_agent.gpus."""

import platform
import socket
from pathlib import Path
from typing import Literal

import psutil

from pictor_agent import protocol
from pictor_agent.abilities import CYCLES_ALONE, Abilities
from pictor_agent.gpus import Gpus, find_gpus
from pictor_agent.usage import Usage


class Probe:
    """Asked once for the inventory and every few seconds for gauges."""

    def __init__(self, folder: Path, gpus: Gpus | None = None) -> None:
        self.folder, self.gpus = folder, gpus or find_gpus()
        self._network = psutil.net_io_counters()
        self._usage = Usage(self.gpus.pids)
        psutil.cpu_percent()  # the first call only sets the starting point

    def inventory(
        self,
        *,
        blender_versions: list[str],
        isolation: Literal["bubblewrap", "none"],
        unsandboxed_allowed: bool,
        abilities: Abilities = CYCLES_ALONE,
    ) -> protocol.Inventory:
        return protocol.Inventory(
            hostname=socket.gethostname()[:200],
            os=os_name()[:200],
            cpu_model=cpu_model()[:200],
            cpu_cores=psutil.cpu_count() or 1,
            ram_bytes=psutil.virtual_memory().total,
            disk_free_bytes=self.disk_free_bytes(),
            gpus=self.gpus.inventory(),
            blender_versions=blender_versions,
            engines=abilities.engines,
            engine_notes=abilities.notes,
            device=abilities.device,
            isolation=isolation,
            unsandboxed_allowed=unsandboxed_allowed,
            simulated=self.gpus.simulated,
        )

    def heartbeat(self, holding: list[tuple[int, int]]) -> protocol.Heartbeat:
        down_bytes, up_bytes = self._network_bytes()
        return protocol.Heartbeat(
            holding=holding,
            cpu_load=min(psutil.cpu_percent() / 100, 1.0),
            ram_used_bytes=psutil.virtual_memory().used,
            disk_free_bytes=self.disk_free_bytes(),
            network_down_bytes=down_bytes,
            network_up_bytes=up_bytes,
            gpus=self.gpus.samples(),
        )

    def unused_seconds(self) -> float | None:
        """Since somebody last used this machine; None where that cannot be told."""
        return self._usage.unused_seconds()

    def disk_free_bytes(self) -> int:
        return psutil.disk_usage(str(self.folder)).free

    def _network_bytes(self) -> tuple[int, int]:
        """Received and sent since the last call; never negative when a counter was reset."""
        before, self._network = self._network, psutil.net_io_counters()
        if before is None or self._network is None:
            return 0, 0
        return max(0, self._network.bytes_recv - before.bytes_recv), max(0, self._network.bytes_sent - before.bytes_sent)


def cpu_model() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def os_name() -> str:
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.release()}"
    except (OSError, KeyError):
        return platform.platform()
