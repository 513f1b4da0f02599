"""A background process outlives Redis: real processes, killed with -9."""

import os
import signal
from pathlib import Path

import pytest

from pictor.celery import app
from pictor.stack import embedded, programs
from pictor.stack.processes import Child, Program, wait_until

DEADLINE_SECONDS = 90
QUEUE = "held"


class Broker:
    """A Valkey of its own, so that nothing else misses it."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, embedded.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self.child = embedded.start_valkey(self.port, self.folder)

    def kill(self) -> None:
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.sweep()


class Worker:
    """A background process at that Valkey, and what it is given to do. It may do two things at once: while it does one it
    asks for the next, and that question is open when Valkey goes.
    """

    def __init__(self, broker: Broker, folder: Path):
        self.folder, self.url = folder, broker.url
        command = programs.celery("held", f"--queues={QUEUE}", "--concurrency=2", "--include=tests.pictor.held")
        program = Program("held", command, environment=os.environ | {"REDIS_URL": broker.url}, folder=programs.CODE)
        self.child = Child(program, folder / "held.log")

    def give(self, name: str) -> None:
        with app.connection_for_write(self.url) as connection:
            app.send_task("tests.hold", [str(self.folder), name], queue=QUEUE, connection=connection)

    def let(self, name: str) -> None:
        (self.folder / f"{name}.go").touch()

    def await_that(self, name: str, word: str) -> None:
        self.await_true((self.folder / f"{name}.{word}").exists)

    def await_line(self, words: str, *, times: int = 1) -> None:
        self.await_true(lambda: self.log.count(words) >= times)

    def await_true(self, true) -> None:
        assert wait_until(true, DEADLINE_SECONDS, alive=lambda: self.child.ending() is None), self.log[-6_000:]

    @property
    def log(self) -> str:
        return self.child.log.read_text()


@pytest.fixture
def broker(tmp_path):
    made = Broker(tmp_path)
    yield made
    made.child.stop()


@pytest.fixture
def worker(broker, tmp_path):
    made = Worker(broker, tmp_path)
    yield made
    made.child.stop(seconds=0.1)


class KilledBrokerTests:
    def test_a_process_outlives_it_again_and_again(self, broker, worker):
        for times, name in enumerate(("first", "second", "third"), start=1):
            worker.give(name)
            worker.await_that(name, "began")
            broker.kill()
            worker.await_line("Connection to broker lost", times=times)
            broker.start()
            worker.let(name)
            worker.await_that(name, "done")
        worker.let("last")
        worker.give("last")
        worker.await_that("last", "done")

    def test_a_function_that_ends_meanwhile_ends_nothing_else(self, broker, worker):
        worker.give("first")
        worker.await_that("first", "began")
        broker.kill()
        worker.await_line("Connection to broker lost")
        worker.let("first")
        worker.await_that("first", "done")
        broker.start()
        worker.let("next")
        worker.give("next")
        worker.await_that("next", "done")
