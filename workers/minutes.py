"""What is kept of heartbeats over time: the sums of one node's minute, and of each of its GPUs. Pure.

The names of the fields are the names of the columns, and they say how two of them become one: what ends in `_max` keeps the
larger, everything else is added. A further figure is a field here, its line in `add`, and its column in
workers.telemetry_rows with a migration; minutes, hours and days then carry it.
"""

from dataclasses import dataclass, field

from pictor_agent import protocol

# A claim beyond these is nonsense; what is summed must fit its column whatever a node says, in a day as in a minute.
BYTES_A_MINUTE_MAX = 2**40
CELSIUS_MAX = 150.0
WATTS_MAX = 2_000.0  # of one GPU
GPUS_MAX = 64  # of one node, as in a heartbeat


@dataclass(slots=True)
class GpuMinute:
    """Sums of one GPU's samples within a minute."""

    samples: int = 0
    load_sum: float = 0.0
    vram_used_bytes_max: int = 0
    celsius_max: float = 0.0
    watts_sum: float = 0.0

    def add(self, gpu: protocol.GpuSample) -> None:
        self.samples += 1
        self.load_sum += gpu.load
        self.vram_used_bytes_max = max(self.vram_used_bytes_max, gpu.vram_used_bytes)
        self.celsius_max = max(self.celsius_max, min(gpu.temperature_celsius, CELSIUS_MAX))
        self.watts_sum += min(max(gpu.power_watts, 0.0), WATTS_MAX)


@dataclass(slots=True)
class Minute:
    """Sums of one node's heartbeats within a minute, kept in the gateway until it is over."""

    samples: int = 0
    cpu_load_sum: float = 0.0
    gpu_load_sum: float = 0.0  # of the mean over its GPUs
    ram_used_bytes_max: int = 0
    gpu_celsius_max: float = 0.0
    network_down_bytes: int = 0
    network_up_bytes: int = 0
    gpus: dict[int, GpuMinute] = field(default_factory=dict)  # by index; rows of their own

    def add(self, beat: protocol.Heartbeat) -> None:
        self.samples += 1
        self.cpu_load_sum += beat.cpu_load
        self.ram_used_bytes_max = max(self.ram_used_bytes_max, beat.ram_used_bytes)
        self.network_down_bytes = min(self.network_down_bytes + beat.network_down_bytes, BYTES_A_MINUTE_MAX)
        self.network_up_bytes = min(self.network_up_bytes + beat.network_up_bytes, BYTES_A_MINUTE_MAX)
        if beat.gpus:
            self.gpu_load_sum += sum(gpu.load for gpu in beat.gpus) / len(beat.gpus)
            for gpu in beat.gpus:
                self._add_gpu(gpu)

    def _add_gpu(self, gpu: protocol.GpuSample) -> None:
        summed = self.gpus.get(gpu.index)
        if summed is None:
            if len(self.gpus) >= GPUS_MAX:
                return
            summed = self.gpus[gpu.index] = GpuMinute()
        summed.add(gpu)
        self.gpu_celsius_max = max(self.gpu_celsius_max, summed.celsius_max)


def figures_of(kind: type[Minute] | type[GpuMinute]) -> tuple[str, ...]:
    """The columns of one subject, `samples` first."""
    return tuple(name for name in kind.__dataclass_fields__ if name != "gpus")


def keeps_larger(figure: str) -> bool:
    return figure.endswith("_max")
