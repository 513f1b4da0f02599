"""What the system lacks is listed with one command, or installed where we may."""

import sys
from pathlib import Path

import pytest

from pictor.stack import system
from pictor.stack.system import Need
from pictor.stack.words import Stop

PYTHON = Path(sys.executable)
ABSENT = [Need("libX11.so.6", "libx11-6", lambda: False), Need("bwrap, the sandbox for scenes", "bubblewrap", lambda: False)]


class LookingTests:
    def test_a_library_that_loads_is_present(self):
        assert system.library("libc.so.6")()

    def test_a_library_that_does_not_exist_is_missing(self):
        assert not system.library("libpictor-never-existed.so.9")()

    def test_a_program_is_looked_for_on_path(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        assert not system.program("bwrap")()
        (tmp_path / "bwrap").touch(0o755)
        assert system.program("bwrap")()

    def test_chromium_is_asked_for_by_tests_alone_and_not_with_browser_0(self, monkeypatch):
        def packages(*, tests: bool) -> set[str]:
            return {need.package for need in system.needs(PYTHON, tests=tests)}

        monkeypatch.delenv("BROWSER", raising=False)
        assert "chromium" not in packages(tests=False)
        assert "chromium" in packages(tests=True)
        monkeypatch.setenv("BROWSER", "0")
        assert "chromium" not in packages(tests=True)

    def test_chromium_may_be_named(self, monkeypatch):
        monkeypatch.setenv("CHROMIUM", "/opt/chromium")
        assert system.browser() == "/opt/chromium"


class RefusalTests:
    def test_the_list_names_each_thing_and_one_command_for_all(self):
        words = system.refusal(ABSENT, tests=False)
        assert "libX11.so.6 (Debian package libx11-6)" in words
        assert "apt-get install -y --no-install-recommends libx11-6 bubblewrap" in words

    def test_a_user_who_may_install_nothing_gets_the_list_and_a_status(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))  # neither apt-get nor sudo, bwrap or chromium
        with pytest.raises(Stop, match="bubblewrap") as stopped:
            system.ensure(PYTHON, tests=False)
        assert stopped.value.code  # a text: Python prints it and ends with status 1
