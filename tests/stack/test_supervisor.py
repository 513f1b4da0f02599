"""What dies is started again; what keeps dying ends the stack; nothing is left behind."""

import os
import signal
import sys
from pathlib import Path

import pytest

from pictor.stack import supervisor as supervisors
from pictor.stack.processes import Child, Program, wait_until
from pictor.stack.supervisor import Supervisor
from pictor.stack.words import Stop

DEADLINE_SECONDS = 90
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)",
]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path, said):
    made = Supervisor(tmp_path / "log", tell=said.append)
    yield made
    made.stop()


class RestartTests:
    def test_a_killed_child_comes_back_and_is_told_in_one_line(self, supervisor, said):
        supervisor.start(Program("web", SLEEPER))
        supervisor.watch()
        first = supervisor.pid_of("web")
        os.kill(first, signal.SIGKILL)
        assert wait_until(lambda: supervisor.pid_of("web") != first, DEADLINE_SECONDS)
        assert is_alive(supervisor.pid_of("web"))
        assert said == [f"web ended (killed by SIGKILL); starting it again at once. Its log: {supervisor.log_of('web')}"]
        assert not supervisor.failure

    def test_what_it_had_started_goes_with_it(self, supervisor):
        supervisor.start(Program("web", PARENT))
        log = supervisor.log_of("web")
        assert wait_until(lambda: log.read_text().strip().isdigit(), DEADLINE_SECONDS)
        grandchild = int(log.read_text())
        os.kill(supervisor.pid_of("web"), signal.SIGKILL)
        supervisor.watch()
        assert wait_until(lambda: not is_alive(grandchild), DEADLINE_SECONDS)

    def test_each_restart_waits_longer_than_the_one_before(self, supervisor, said):
        supervisor.start(Program("web", ["false"]))
        first, *pauses = supervisors.BACK_OFF_SECONDS
        assert wait_until(lambda: supervisor.watched["web"].child.ending() is not None, DEADLINE_SECONDS)
        supervisor.look(clock := 0.0)
        assert (first, supervisor.watched["web"].restarts) == (0, 1)
        for pause in pauses:
            assert wait_until(lambda: supervisor.watched["web"].child.ending() is not None, DEADLINE_SECONDS)
            supervisor.watched["web"].started_at = clock
            supervisor.look(clock)
            assert f"in {pause:g} s" in said[-1]
            supervisor.look(clock + pause / 2)
            assert supervisor.watched["web"].due_at == clock + pause
            clock += pause
            supervisor.look(clock)

    def test_one_that_keeps_ending_is_given_up_with_its_last_words(self, supervisor, said, monkeypatch):
        monkeypatch.setattr(supervisors, "BACK_OFF_SECONDS", (0.01, 0.01))
        supervisor.start(Program("web", ["sh", "-c", "echo the port is gone; exit 7"]))
        supervisor.watch()
        assert wait_until(lambda: bool(supervisor.failure), DEADLINE_SECONDS)
        assert "web keeps ending (exit status 7): the port is gone" in supervisor.failure
        assert supervisor.failure == said[-1]

    def test_one_that_ends_because_what_it_needs_ended_is_not_given_up(self, supervisor):
        self._end_often(supervisor, database_started_at=lambda clock: clock - supervisors.STEADY_SECONDS / 2)
        assert not supervisor.failure

    def test_it_is_where_what_it_needs_has_stood_all_the_while(self, supervisor):
        self._end_often(supervisor, database_started_at=lambda clock: clock - supervisors.STEADY_SECONDS)
        assert "web keeps ending" in supervisor.failure

    @staticmethod
    def _end_often(supervisor, database_started_at):
        supervisor.start(Program("database", SLEEPER))
        supervisor.start(Program("web", ["false"]))
        web, clock = supervisor.watched["web"], 1_000.0
        for _ in range(len(supervisors.BACK_OFF_SECONDS) + 2):
            assert wait_until(lambda: web.child.ending() is not None, DEADLINE_SECONDS)
            supervisor.watched["database"].started_at, web.started_at = database_started_at(clock), clock
            supervisor.look(clock)
            clock += supervisors.BACK_OFF_SECONDS[-1]
            supervisor.look(clock)


class StartTests:
    def test_one_that_ends_at_once_stops_the_start_with_its_last_line(self, supervisor):
        program = Program("web", ["sh", "-c", "echo cannot bind; exit 3"], ready=lambda: False)
        with pytest.raises(Stop, match=r"web did not start \(exit status 3\): cannot bind"):
            supervisor.start(program)


class StopTests:
    def test_everything_stops_the_last_started_first(self, tmp_path):
        order = tmp_path / "order"
        made = Supervisor(tmp_path / "log")
        for name in ("database", "web"):
            script = f"trap 'echo {name} >> {order}; exit 0' TERM; echo up; while :; do sleep 0.02; done"
            log = made.log_of(name)
            made.start(Program(name, ["sh", "-c", script], ready=lambda log=log: "up" in log.read_text()))
        made.watch()
        made.stop()
        assert order.read_text().split() == ["web", "database"]

    def test_one_that_does_not_listen_is_killed(self, tmp_path):
        deaf = Program("web", ["sh", "-c", "trap '' TERM; while :; do sleep 0.02; done"])
        child = Child(deaf, tmp_path / "log")
        child.stop(seconds=0.1)
        assert not is_alive(child.pid)


class DeathTests:
    def test_children_do_not_outlive_a_supervisor_that_is_killed(self, tmp_path):
        script = f"""
import sys, time
from pathlib import Path
from pictor.stack.processes import Child, Program
print(Child(Program("web", ["sleep", "600"]), Path({str(tmp_path / "log")!r})).pid, flush=True)
time.sleep(600)
"""
        parent = Child(Program("parent", [sys.executable, "-c", script], folder=Path.cwd()), tmp_path / "parent")
        assert wait_until(lambda: (tmp_path / "parent").read_text().strip().isdigit(), DEADLINE_SECONDS)
        child = int((tmp_path / "parent").read_text())
        assert is_alive(child)
        os.kill(parent.pid, signal.SIGKILL)
        assert wait_until(lambda: not is_alive(child), DEADLINE_SECONDS)
        parent.sweep()


class SecretTests:
    def test_a_secret_given_by_standard_input_is_not_in_the_list_of_processes(self, tmp_path):
        child = Child(Program("reader", ["sh", "-c", "cat; sleep 600"], standard_input="hunter2"), tmp_path / "log")
        assert wait_until(lambda: "hunter2" in (tmp_path / "log").read_text(), DEADLINE_SECONDS)
        assert b"hunter2" not in Path(f"/proc/{child.pid}/cmdline").read_bytes()
        child.stop(seconds=0.1)
