"""GPUs of each maker, as far as a machine without any can tell: the driver's answers are scripted, its files are copied."""

import json
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest

from pictor_agent import amd, nvml, recorded
from pictor_agent.gpus import AllOf, find_gpus
from pictor_agent.probe import Probe

GIB = 1 << 30


class Driver:
    """Answers as pynvml does; what is not scripted is not supported, as on many cards."""

    NVMLError = pynvml.NVMLError

    def __init__(self, **answers) -> None:
        self.answers = {"nvmlDeviceGetCount": 1, "nvmlDeviceGetHandleByIndex": "card"} | answers

    def __getattr__(self, name: str):
        if not name.startswith(("nvmlDeviceGet", "nvmlSystemGet")):
            return getattr(pynvml, name)

        def answer(*_):
            if name not in self.answers:
                raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
            return self.answers[name]

        return answer


def busy_driver() -> Driver:
    return Driver(
        nvmlDeviceGetName=b"NVIDIA GeForce RTX 4090",
        nvmlDeviceGetUUID="GPU-1234",
        nvmlDeviceGetMemoryInfo=SimpleNamespace(total=24 * GIB, used=6 * GIB),
        nvmlSystemGetDriverVersion="580.65",
        nvmlDeviceGetCudaComputeCapability=(8, 9),
        nvmlDeviceGetEnforcedPowerLimit=450_000,
        nvmlDeviceGetUtilizationRates=SimpleNamespace(gpu=97, memory=40),
        nvmlDeviceGetTemperature=71,
        nvmlDeviceGetPowerUsage=398_500,
        nvmlDeviceGetFanSpeed=120,
        nvmlDeviceGetClockInfo=2_610,
        nvmlDeviceGetTotalEccErrors=2,
        nvmlDeviceGetCurrentClocksThrottleReasons=pynvml.nvmlClocksThrottleReasonSwPowerCap
        | pynvml.nvmlClocksThrottleReasonGpuIdle,
        nvmlDeviceGetComputeRunningProcesses=[SimpleNamespace(pid=7), SimpleNamespace(pid=5)],
    )


class NvmlTests:
    def test_a_card_is_told_whole(self):
        (card,) = nvml.NvmlGpus(busy_driver()).inventory()
        assert (card.model, card.vram_bytes, card.driver, card.uuid) == (
            "NVIDIA GeForce RTX 4090",
            24 * GIB,
            "580.65",
            "GPU-1234",
        )
        assert (card.compute, card.power_limit_watts) == ("8.9", 450)

    def test_its_gauges_are_in_the_units_of_the_protocol(self):
        (gauges,) = nvml.NvmlGpus(busy_driver()).samples()
        assert (gauges.load, gauges.vram_used_bytes, gauges.temperature_celsius) == (0.97, 6 * GIB, 71)
        assert (gauges.power_watts, gauges.clock_mhz, gauges.ecc_errors, gauges.programs) == (398.5, 2_610, 2, 2)

    def test_a_fan_above_its_nominal_speed_is_full(self):
        assert nvml.NvmlGpus(busy_driver()).samples()[0].fan == 1

    def test_idling_is_no_reason_to_be_slow(self):
        assert nvml.NvmlGpus(busy_driver()).samples()[0].throttle == ["power_cap"]

    def test_what_a_card_does_not_tell_is_left_open(self):
        (gauges,) = nvml.NvmlGpus(Driver()).samples()
        assert (gauges.load, gauges.fan, gauges.ecc_errors, gauges.programs, gauges.throttle) == (0, None, None, None, [])

    def test_every_throttle_reason_is_known_to_the_library(self):
        assert all(isinstance(getattr(pynvml, name), int) for name in nvml.THROTTLE_REASONS.values())

    def test_a_real_card_is_read_where_there_is_one(self):
        if (found := nvml.find()) is None:
            pytest.skip("no NVIDIA driver on this machine")
        cards, gauges = found.inventory(), found.samples()
        assert cards
        assert len(cards) == len(gauges)
        assert all(card.vram_bytes > 0 and card.uuid for card in cards)


def write(folder: Path, **files) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")


@pytest.fixture
def radeon(tmp_path) -> Path:
    """What amdgpu shows of a Radeon RX 7900 XTX."""
    device = tmp_path / "class/drm/card1/device"
    write(device, vendor="0x1002", device="0x744c", mem_info_vram_total=24 * GIB, mem_info_vram_used=3 * GIB)
    write(device, gpu_busy_percent=88, unique_id="8f4e1c2b3a495d6e", product_name="Radeon RX 7900 XTX")
    sensors = device / "hwmon/hwmon4"
    write(sensors, temp1_input=64_000, power1_average=301_000_000, power1_cap=339_000_000, pwm1=128, pwm1_max=255)
    write(sensors, freq1_input=2_400_000_000, freq2_input=1_249_000_000)
    write(tmp_path / "class/drm/card0/device", vendor="0x8086", device="0x4680")
    write(tmp_path / "class/drm/card1-DP-1", status="connected")
    write(tmp_path / "module/amdgpu", version="6.10.5")
    return tmp_path


class AmdTests:
    def test_a_card_is_told_whole_and_other_makers_are_left_out(self, radeon):
        (card,) = amd.find(radeon).inventory()
        assert (card.model, card.vram_bytes, card.uuid) == ("Radeon RX 7900 XTX", 24 * GIB, "8f4e1c2b3a495d6e")
        assert (card.driver, card.power_limit_watts) == ("amdgpu 6.10.5", 339)

    def test_its_gauges_are_in_the_units_of_the_protocol(self, radeon):
        (gauges,) = amd.find(radeon).samples()
        assert (gauges.load, gauges.vram_used_bytes, gauges.temperature_celsius, gauges.power_watts) == (0.88, 3 * GIB, 64, 301)
        assert (round(gauges.fan, 2), gauges.clock_mhz, gauges.memory_clock_mhz) == (0.5, 2_400, 1_249)

    def test_a_newer_card_names_its_power_otherwise(self, radeon):
        sensors = radeon / "class/drm/card1/device/hwmon/hwmon4"
        (sensors / "power1_average").rename(sensors / "power1_input")
        assert amd.find(radeon).samples()[0].power_watts == 301

    def test_a_card_without_a_name_is_called_by_its_number(self, radeon):
        (radeon / "class/drm/card1/device/product_name").unlink()
        assert amd.find(radeon).inventory()[0].model == "AMD GPU 744c"

    def test_nonsense_in_a_file_is_nothing(self, radeon):
        write(radeon / "class/drm/card1/device", gpu_busy_percent="-3", mem_info_vram_used="lots")
        (gauges,) = amd.find(radeon).samples()
        assert (gauges.load, gauges.vram_used_bytes) == (0, 0)

    def test_a_machine_without_one_has_none(self, tmp_path):
        assert amd.find(tmp_path) is None


class AllOfTests:
    def test_cards_of_two_makers_are_numbered_through(self, radeon):
        both = AllOf([nvml.NvmlGpus(busy_driver()), amd.find(radeon)])
        assert [card.index for card in both.inventory()] == [0, 1]
        assert [gauges.index for gauges in both.samples()] == [0, 1]
        assert both.pids() == {5, 7}


CARD = {"index": 0, "model": "RTX 4090", "vram_bytes": 24 * GIB}


def trace(folder: Path, *lines) -> Path:
    path = folder / "trace.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def moment(at: float, celsius: float) -> dict:
    return {"at": at, "gpus": [{"index": 0, "temperature_celsius": celsius}]}


class RecordedTests:
    @pytest.mark.parametrize(("seconds", "celsius"), [(0, 40), (9.9, 40), (10, 80), (20, 60), (25, 40), (31, 80)])
    def test_it_is_played_by_the_clock_and_from_its_beginning_again(self, tmp_path, seconds, celsius):
        now = [100.0]
        path = trace(tmp_path, {"gpus": [CARD]}, moment(0, 40), moment(10, 80), moment(20, 60))
        played = recorded.read_trace(path, clock=lambda: now[0])
        now[0] += seconds
        assert played.samples()[0].temperature_celsius == celsius

    def test_the_node_says_that_it_is_simulated(self, tmp_path):
        probe = Probe(tmp_path, find_gpus(trace(tmp_path, {"gpus": [CARD]}, moment(0, 40))))
        inventory = probe.inventory(blender_versions=[], isolation="none", unsandboxed_allowed=False)
        assert inventory.simulated
        assert inventory.gpus[0].model == "RTX 4090"
        assert probe.heartbeat([]).gpus[0].temperature_celsius == 40

    def test_a_machine_of_its_own_is_not(self, tmp_path):
        assert not Probe(tmp_path).inventory(blender_versions=[], isolation="none", unsandboxed_allowed=False).simulated

    @pytest.mark.parametrize(
        ("lines", "words"),
        [
            ([{"gpus": [CARD]}], "2 to 100,000 lines"),
            ([{"gpus": []}, moment(0, 40)], "line 1"),
            ([{"gpus": [CARD]}, "nonsense"], "line 2"),
            ([{"gpus": [CARD]}, moment(5, 40), moment(4, 40)], "order of time"),
            ([{"gpus": [CARD]}, moment(0, 40), {"at": -1, "gpus": []}], "line 3"),
            ([{"gpus": [CARD]}, {"at": 0, "gpus": [{"index": 0, "load": 7}]}], "line 2"),
        ],
    )
    def test_what_cannot_be_played_is_refused_by_its_line(self, tmp_path, lines, words):
        with pytest.raises(recorded.BadTrace, match=words):
            recorded.read_trace(trace(tmp_path, *lines))

    def test_a_file_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(recorded.BadTrace, match="No such file"):
            recorded.read_trace(tmp_path / "none.jsonl")
