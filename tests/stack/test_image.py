"""`make test-image` where the machine does not let it: a reason to skip, never an error. Docker itself: tests/image."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from pictor.stack import debian, image, places
from pictor.stack.words import Stop

HOST = "unix:///nowhere"
CI = places.CHECKOUT / ".ci" / "run"


@pytest.fixture
def machine(monkeypatch, tmp_path) -> Path:
    """Root's, as far as these steps ask; a dockerd answers, and everything that is made lies in this folder."""
    monkeypatch.setattr(image, "PLACE", tmp_path)
    monkeypatch.setattr(image, "CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(image, "END_PAUSE_SECONDS", 0)
    monkeypatch.setattr(image, "install", lambda: None)
    monkeypatch.setattr(image, "daemon", lambda folder, name: contextlib.nullcontext(HOST))
    monkeypatch.setattr(debian, "make", lambda tar, *words, **limits: tar.touch())
    monkeypatch.setattr(os, "chown", lambda *words: None)
    return tmp_path


def program(folder: Path, name: str, script: str, monkeypatch) -> None:
    """What is called by this name does this."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / name).chmod(0o755)
    if not os.environ["PATH"].startswith(str(folder)):
        monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    "reason",
    [
        Stop("mmdebstrap failed: no mirror"),
        OSError("no space"),
        subprocess.CalledProcessError(1, "docker"),
        subprocess.TimeoutExpired("mmdebstrap", 300),
    ],
    ids=lambda reason: type(reason).__name__,
)
def test_what_fails_on_the_way_is_a_reason_to_skip(machine, monkeypatch, reason):
    def fail(*words, **limits):
        raise reason

    monkeypatch.setattr(debian, "make", fail)
    with pytest.raises(image.NoDocker, match=r"mirror|space|docker|mmdebstrap"), image.docker(places.choose()):
        pass
    assert not list(machine.glob(f"{image.PREFIX}*"))


@pytest.mark.parametrize("word", ["import", "build", "run"])
def test_a_daemon_that_answers_and_cannot_run_anything_is_none(machine, monkeypatch, word):
    refuses = f'cat > /dev/null\n[ "$3" != {word} ] || {{ echo "groups are read-only" >&2; exit 1; }}'
    program(machine, "docker", refuses, monkeypatch)
    with pytest.raises(image.NoDocker, match=f"docker {word} fails: groups are read-only"), image.docker(places.choose()):
        pass


def test_nor_is_one_that_never_answers(machine, monkeypatch):
    monkeypatch.setattr(image, "ANSWER_SECONDS", 0.2)
    program(machine, "docker", "exec tail -f /dev/null", monkeypatch)
    with pytest.raises(image.NoDocker, match="timed out"), image.docker(places.choose()):
        pass


def test_where_it_works_the_tests_hear_of_it(machine, monkeypatch):
    program(machine, "docker", "cat > /dev/null", monkeypatch)
    with image.docker(places.choose()) as found:
        assert found == {"DOCKER_HOST": HOST, "PICTOR_BASE": image.BASE}


def test_and_their_own_errors_stay_errors(machine, monkeypatch):
    program(machine, "docker", "cat > /dev/null", monkeypatch)
    with pytest.raises(Stop, match="a finding"), image.docker(places.choose()):
        raise Stop("a finding")


def test_what_cannot_be_removed_is_said_and_changes_no_result(machine, monkeypatch, capsys):
    monkeypatch.setattr(image, "remove_group", lambda group: None)
    name = f"{image.PREFIX}{os.getpid()}"
    (machine / "groups" / name).mkdir(parents=True)
    program(machine, "docker", "cat > /dev/null", monkeypatch)
    with image.docker(places.choose()):
        pass
    assert f"Left behind, for it cannot be removed: {machine}/{name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "said"),
    [(0, ""), (124, "make test-image was stopped after 20 minutes"), (1, "make test-image failed: see above the last line")],
)
def test_ci_gives_it_no_more_than_its_time(machine, monkeypatch, status, said):
    program(machine, "make", "true", monkeypatch)
    program(machine, "timeout", f'[ "$*" = "--kill-after=60 20m make test-image" ] && exit {status}', monkeypatch)
    done = subprocess.run([CI], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (status, said)
