"""`pictor-agent benchmark`: the same parts as for the network, as a table."""

import pytest

from pictor_agent import protocol, reference
from pictor_agent.local_benchmark import SCENES, rows
from pictor_agent.main import main
from tests.agent.conftest import blender_python, make_spec

ORDER = protocol.BenchmarkSpec(seed=b"s" * 32, side=16, blocks=16, canary=make_spec(samples=24))
RESULT = protocol.RenderResult(
    file_sha256="a" * 64, pixels_sha256="b" * 64, size_bytes=1, width=640, height=360, render_seconds=2.64, device="CPU"
)
FILE = protocol.BenchmarkFile(
    memory_bytes_per_second=12_000_000_000,
    disk_write_bytes_per_second=450_000_000,
    challenge_seconds=1.25,
    opening=b"",
    canary=b"",
)


def test_each_part_has_a_line():
    assert rows(ORDER, RESULT, FILE) == [
        ("Canary frame, 24 samples on CPU", "2.6 s"),
        ("Challenge, one core", "1.2 s"),
        ("Memory", "12.00 GB/s"),
        ("Disk, written", "0.45 GB/s"),
        ("Disk, read", "not measured"),
        ("Score", "2.00 × reference"),
    ]


def test_without_its_scene_it_says_so(capsys):
    assert main(["benchmark", "--scene", "/nowhere/at-all.blend"]) == 1
    assert "name it with --scene" in capsys.readouterr().err


def test_the_scene_comes_with_the_agent():
    assert SCENES[0].is_file()


@pytest.mark.blender
@pytest.mark.xdist_group("blender")
def test_it_measures_this_machine(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(reference, "SAMPLES", {"cpu": 1, "gpu": 1})
    monkeypatch.setattr(reference, "BLOCKS", 64)
    monkeypatch.setattr(reference, "DISK_BYTES", 4 << 20)
    assert main(["benchmark", "--blender-python", blender_python(), "--folder", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "Canary frame, 1 samples on" in said
    assert "× reference" in said
    assert not list(tmp_path.iterdir())
