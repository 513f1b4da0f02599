"""The interpreter must be one that the user whom everything runs as can execute."""

import os
import stat
import sys
from pathlib import Path

import pytest

from pictor.stack import interpreter
from pictor.stack.places import NOBODY, Identity, Places
from pictor.stack.words import Stop


def places_of(tmp_path: Path, uid: int) -> Places:
    return Places(tmp_path, tmp_path, tmp_path, Identity(uid, uid))


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


class UsableTests:
    def test_this_interpreter_serves_its_own_user(self, tmp_path):
        assert interpreter.usable(Path(sys.executable), places_of(tmp_path, os.geteuid()))

    def test_another_version_does_not_serve(self, tmp_path):
        other = script(tmp_path / "python3", "echo 3.13 /usr")
        assert not interpreter.usable(other, places_of(tmp_path, os.geteuid()))

    def test_one_that_does_not_start_does_not_serve(self, tmp_path):
        broken = script(tmp_path / "python3", "exit 1")
        assert not interpreter.usable(broken, places_of(tmp_path, os.geteuid()))

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can try as somebody else")
    def test_one_in_a_folder_that_only_root_may_enter_does_not_serve_another_user(self, tmp_path):
        private = tmp_path / "private"
        private.mkdir(mode=0o700)
        hidden = script(private / "python3", "echo 3.11 /usr")
        assert interpreter.usable(hidden, places_of(tmp_path, 0))
        assert not interpreter.usable(hidden, places_of(tmp_path, NOBODY))
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


class ChooseTests:
    def test_the_first_usable_one_is_taken(self, tmp_path, monkeypatch):
        good = script(tmp_path / "python3.11", "echo 3.11 /usr")
        bad = script(tmp_path / "python3", "echo 3.9 /usr")
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.setattr(interpreter, "NAMES", (str(bad), str(good)))
        assert interpreter.choose(places_of(tmp_path, os.geteuid())) == good

    def test_without_one_the_start_ends_with_what_to_install(self, tmp_path, monkeypatch):
        monkeypatch.setattr(interpreter, "NAMES", ())
        monkeypatch.setattr(interpreter, "WANTED", "3.0")
        with pytest.raises(Stop, match=r"Install python3\.0"):
            interpreter.choose(places_of(tmp_path, os.geteuid()))
