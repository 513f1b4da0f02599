"""AMD GPUs, by the files of their kernel driver: no tool needs to be installed, and reading them costs microseconds.

Source: Linux kernel documentation, GPU Driver Developer's Guide, amdgpu, thermal and other sysfs interfaces.
"""

from dataclasses import dataclass
from pathlib import Path

from pictor_agent import protocol

SYSFS = Path("/sys")
AMD = "0x1002"  # PCI vendor


@dataclass(frozen=True)
class Card:
    """One card: its PCI device's folder, and that of its sensors."""

    device: Path
    sensors: Path


def find(sysfs: Path = SYSFS) -> "AmdGpus | None":
    cards = [card for folder in sorted((sysfs / "class/drm").glob("card[0-9]*")) if (card := _card(folder / "device"))]
    return AmdGpus(cards, _text(sysfs / "module/amdgpu/version")) if cards else None


def _card(device: Path) -> Card | None:
    """None for other makers, and for what has no memory of its own to report (outputs are listed beside cards)."""
    if _text(device / "vendor") != AMD or not (device / "mem_info_vram_total").exists():
        return None
    return Card(device, next(iter(sorted((device / "hwmon").glob("hwmon*"))), device / "hwmon"))


class AmdGpus:
    simulated = False

    def __init__(self, cards: list[Card], driver: str) -> None:
        self.cards, self.driver = cards, driver

    def inventory(self) -> list[protocol.GpuInfo]:
        return [self._info(index, card) for index, card in enumerate(self.cards)]

    def _info(self, index: int, card: Card) -> protocol.GpuInfo:
        device = _text(card.device / "device").removeprefix("0x")
        return protocol.GpuInfo(
            index=index,
            model=(_text(card.device / "product_name") or f"AMD GPU {device}")[:200],
            vram_bytes=_number(card.device / "mem_info_vram_total"),
            driver=f"amdgpu {self.driver}".strip()[:200],
            uuid=_text(card.device / "unique_id")[:200],
            power_limit_watts=_number(card.sensors / "power1_cap") / 1e6,
        )

    def samples(self) -> list[protocol.GpuSample]:
        return [self._sample(index, card) for index, card in enumerate(self.cards)]

    def pids(self) -> set[int]:
        """The kernel's files do not say."""
        return set()

    def _sample(self, index: int, card: Card) -> protocol.GpuSample:
        sensors = card.sensors
        watts = _number(sensors / "power1_average") or _number(sensors / "power1_input")  # newer cards have the latter
        return protocol.GpuSample(
            index=index,
            load=min(_number(card.device / "gpu_busy_percent") / 100, 1.0),
            vram_used_bytes=_number(card.device / "mem_info_vram_used"),
            temperature_celsius=_number(sensors / "temp1_input") / 1_000,
            power_watts=watts / 1e6,
            fan=_fan(sensors),
            clock_mhz=_number(sensors / "freq1_input") // 1_000_000,
            memory_clock_mhz=_number(sensors / "freq2_input") // 1_000_000,
        )


def _fan(sensors: Path) -> float | None:
    """None for cards without one."""
    if not (highest := _number(sensors / "pwm1_max")):
        return None
    return min(_number(sensors / "pwm1") / highest, 1.0)


def _number(path: Path) -> int:
    """0 for what this card does not tell."""
    text = _text(path)
    return int(text) if text.isascii() and text.isdigit() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
