"""What this machine is and how it fares: CPU, memory, disk and network by psutil, NVIDIA GPUs by NVML where present."""

import ctypes
import platform
import socket
from pathlib import Path
from typing import Literal, Protocol

import psutil

from pictor_agent import protocol
from pictor_agent.abilities import CYCLES_ALONE, Abilities


class Gpus(Protocol):
    """Whatever can list GPUs and sample them."""

    def inventory(self) -> list[protocol.GpuInfo]: ...

    def samples(self) -> list[protocol.GpuSample]: ...


class NoGpus:
    """A machine without GPUs that we can see."""

    def inventory(self) -> list[protocol.GpuInfo]:
        return []

    def samples(self) -> list[protocol.GpuSample]:
        return []


class NvmlGpus:
    """NVIDIA GPUs. A field that a card does not support stays at its default."""

    def __init__(self, nvml) -> None:
        self.nvml = nvml
        self.handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]

    def inventory(self) -> list[protocol.GpuInfo]:
        driver = _text(self.ask(self.nvml.nvmlSystemGetDriverVersion, default=""))
        return [self._info(index, handle, driver) for index, handle in enumerate(self.handles)]

    def _info(self, index: int, handle, driver: str) -> protocol.GpuInfo:
        memory = self.ask(self.nvml.nvmlDeviceGetMemoryInfo, handle)
        return protocol.GpuInfo(
            index=index,
            model=_text(self.ask(self.nvml.nvmlDeviceGetName, handle, default="unknown")),
            vram_bytes=memory.total if memory else 0,
            driver=driver,
            uuid=_text(self.ask(self.nvml.nvmlDeviceGetUUID, handle, default="")),
        )

    def samples(self) -> list[protocol.GpuSample]:
        return [self._sample(index, handle) for index, handle in enumerate(self.handles)]

    def _sample(self, index: int, handle) -> protocol.GpuSample:
        nvml = self.nvml
        load = self.ask(nvml.nvmlDeviceGetUtilizationRates, handle)
        memory = self.ask(nvml.nvmlDeviceGetMemoryInfo, handle)
        fan = self.ask(nvml.nvmlDeviceGetFanSpeed, handle)
        return protocol.GpuSample(
            index=index,
            load=load.gpu / 100 if load else 0.0,
            vram_used_bytes=memory.used if memory else 0,
            temperature_celsius=float(self.ask(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU, default=0)),
            power_watts=self.ask(nvml.nvmlDeviceGetPowerUsage, handle, default=0) / 1_000,
            fan=None if fan is None else min(fan / 100, 1.0),
            clock_mhz=self.ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_GRAPHICS, default=0),
        )

    def ask(self, question, *arguments, default=None):
        """The answer, or `default` for what this card or driver does not tell."""
        try:
            return question(*arguments)
        except self.nvml.NVMLError:
            return default


def find_gpus() -> Gpus:
    try:
        ctypes.CDLL("libnvidia-ml.so.1")  # first: the tables of pynvml take 14 MB, which a machine without a driver saves
        import pynvml

        pynvml.nvmlInit()
        return NvmlGpus(pynvml)
    except Exception:  # no driver, no library, or a driver that is being updated: a node without GPUs
        return NoGpus()


class Probe:
    """Asked once for the inventory and every few seconds for gauges."""

    def __init__(self, folder: Path, gpus: Gpus | None = None) -> None:
        self.folder, self.gpus = folder, gpus or find_gpus()
        self._network = psutil.net_io_counters()
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


def _text(value) -> str:
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value))[:200]
