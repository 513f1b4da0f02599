"""NVIDIA GPUs, by the driver's own library. What a card or driver does not tell stays at its default."""

import ctypes

from pictor_agent import protocol

# Why a card runs slower than it could, by the word that is reported. Idling is no such reason.
THROTTLE_REASONS = {
    "power_cap": "nvmlClocksThrottleReasonSwPowerCap",
    "power_brake": "nvmlClocksThrottleReasonHwPowerBrakeSlowdown",
    "heat": "nvmlClocksThrottleReasonSwThermalSlowdown",
    "heat_limit": "nvmlClocksThrottleReasonHwThermalSlowdown",
    "slowdown": "nvmlClocksThrottleReasonHwSlowdown",
    "sync_boost": "nvmlClocksThrottleReasonSyncBoost",
}


def find() -> "NvmlGpus | None":
    """None without a driver, without its library, and while a driver is being updated."""
    try:
        ctypes.CDLL("libnvidia-ml.so.1")  # first: the tables of pynvml take 14 MB, which a machine without a driver saves
        import pynvml

        pynvml.nvmlInit()
        return NvmlGpus(pynvml)
    except Exception:
        return None


class NvmlGpus:
    simulated = False

    def __init__(self, nvml) -> None:
        self.nvml = nvml
        self.handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]

    def inventory(self) -> list[protocol.GpuInfo]:
        driver = _text(self.ask(self.nvml.nvmlSystemGetDriverVersion, default=""))
        return [self._info(index, handle, driver) for index, handle in enumerate(self.handles)]

    def _info(self, index: int, handle, driver: str) -> protocol.GpuInfo:
        memory = self.ask(self.nvml.nvmlDeviceGetMemoryInfo, handle)
        compute = self.ask(self.nvml.nvmlDeviceGetCudaComputeCapability, handle)
        return protocol.GpuInfo(
            index=index,
            model=_text(self.ask(self.nvml.nvmlDeviceGetName, handle, default="unknown")),
            vram_bytes=memory.total if memory else 0,
            driver=driver,
            uuid=_text(self.ask(self.nvml.nvmlDeviceGetUUID, handle, default="")),
            compute="{}.{}".format(*compute) if compute else "",
            power_limit_watts=self.ask(self.nvml.nvmlDeviceGetEnforcedPowerLimit, handle, default=0) / 1_000,
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
            load=min(load.gpu / 100, 1.0) if load else 0.0,
            vram_used_bytes=memory.used if memory else 0,
            temperature_celsius=float(self.ask(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU, default=0)),
            power_watts=self.ask(nvml.nvmlDeviceGetPowerUsage, handle, default=0) / 1_000,
            fan=None if fan is None else min(fan / 100, 1.0),
            clock_mhz=self.ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_GRAPHICS, default=0),
            memory_clock_mhz=self.ask(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_MEM, default=0),
            ecc_errors=self.ask(
                nvml.nvmlDeviceGetTotalEccErrors, handle, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
            ),
            throttle=self._throttle(handle),
            programs=None if (pids := self._pids(handle)) is None else len(pids),
        )

    def _throttle(self, handle) -> list[str]:
        bits = self.ask(self.nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle, default=0)
        return [word for word, name in THROTTLE_REASONS.items() if bits & getattr(self.nvml, name)]

    def pids(self) -> set[int]:
        """Programs that compute on any of the cards."""
        return set().union(*(self._pids(handle) or () for handle in self.handles))

    def _pids(self, handle) -> set[int] | None:
        """None where the driver does not say (inside some containers)."""
        compute = self.ask(self.nvml.nvmlDeviceGetComputeRunningProcesses, handle)
        return None if compute is None else {process.pid for process in compute}

    def ask(self, question, *arguments, default=None):
        """The answer, or `default` for what this card or driver does not tell."""
        try:
            return question(*arguments)
        except self.nvml.NVMLError:
            return default


def _text(value) -> str:
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value))[:200]
