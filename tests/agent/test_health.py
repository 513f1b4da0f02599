"""`pictor-agent health`: what a container's health check hears of an agent at work, of one that hangs, and of none."""

import os
import time

import pytest

from pictor_agent import main
from pictor_agent.config import State


@pytest.fixture
def state(tmp_path) -> State:
    made = State(tmp_path / "state")
    made.make()
    return made


def health(state: State) -> int:
    return main.main(["health", "--state", str(state.folder)])


def test_a_heartbeat_of_just_now_is_health(state, capsys):
    state.mark_beat(5.0)
    assert health(state) == 0
    assert capsys.readouterr().out == "Signed on.\n"


def test_nobody_signed_on_is_none(state, capsys):
    assert health(state) == 1
    assert "Not signed on" in capsys.readouterr().out


def test_a_line_that_broke_is_none(state):
    state.mark_beat(5.0)
    state.forget_beat()
    assert health(state) == 1


def test_an_agent_that_hangs_is_not_healthy_for_long(state, capsys):
    state.mark_beat(5.0)
    os.utime(state.beat_path, (time.time() - 40,) * 2)
    assert health(state) == 1
    assert "hangs or was ended" in capsys.readouterr().out


def test_a_server_that_wants_to_hear_less_often_is_obeyed(state):
    state.mark_beat(30.0)
    os.utime(state.beat_path, (time.time() - 40,) * 2)
    assert health(state) == 0


def test_a_configuration_file_that_is_none_is_said(tmp_path, capsys):
    assert main.main(["health", "--config", str(tmp_path / "none.toml")]) == 1
    assert "none.toml" in capsys.readouterr().out
