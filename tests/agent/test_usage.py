"""When the owner last used the machine."""

import os
import subprocess
import sys

import pytest

from pictor_agent.usage import Usage, own_pids


@pytest.fixture
def terminals(tmp_path):
    for name, at in (("0", 1_000), ("7", 1_900), ("ptmx", 1_999)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (at, at))
    return tmp_path


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)


class UsageTests:
    def test_the_terminal_typed_in_last_counts(self, terminals):
        assert Usage(set, terminals, clock=lambda: 2_000.0).unused_seconds() == 100

    def test_a_machine_without_desktop_and_terminal_tells_nothing(self, tmp_path):
        assert Usage(set, tmp_path / "none").unused_seconds() is None

    def test_a_program_of_the_owner_on_a_gpu_is_use(self, terminals):
        of_the_system = 1
        assert Usage(lambda: [of_the_system], terminals, clock=lambda: 2_000.0).unused_seconds() == 0

    def test_what_the_agent_renders_is_none(self, terminals):
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as render:
            assert render.pid in own_pids()
            assert Usage(lambda: [render.pid], terminals, clock=lambda: 2_000.0).unused_seconds() == 100
            render.kill()

    def test_a_clock_that_was_set_back_makes_nothing_negative(self, terminals):
        assert Usage(set, terminals, clock=lambda: 500.0).unused_seconds() == 0
