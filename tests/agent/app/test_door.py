"""The link to the page is for its owner alone: in their file and on their terminal, in no journal, log or command line."""

import io
import stat
from pathlib import Path

import pytest

from pictor_agent.app import door
from pictor_agent.terminal import LOG_NAME, Terminal

LINK = "http://127.0.0.1:8471/a-token_of-43-letters/"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_file_is_for_this_user_alone_and_leads_to_the_page(tmp_path):
    door.leave(tmp_path, "http://127.0.0.1:1/old/")
    door.leave(tmp_path, LINK)
    assert stat.S_IMODE((tmp_path / door.NAME).stat().st_mode) == 0o600
    assert f'content="0;url={LINK}"' in (tmp_path / door.NAME).read_text()
    assert door.left(tmp_path) == LINK


def test_when_the_page_is_over_the_link_is_too(tmp_path):
    door.leave(tmp_path, LINK)
    door.take_away(tmp_path)
    door.take_away(tmp_path)
    assert door.left(tmp_path) == ""


def test_a_terminal_shows_the_link_and_the_log_does_not(tmp_path):
    screen = Screen()
    terminal = Terminal(screen, folder=tmp_path)
    terminal.say("before")
    door.announce(terminal, LINK, door.ASKING)
    assert LINK in screen.getvalue()
    assert "token" not in (tmp_path / LOG_NAME).read_text()


def test_a_journal_shows_only_how_to_ask_for_it():
    journal = io.StringIO()
    door.announce(Terminal(journal), LINK, door.ASKING)
    assert "token" not in journal.getvalue()
    assert "pictor-agent app" in journal.getvalue()


@pytest.fixture
def home(tmp_path, monkeypatch):
    made = tmp_path / "home"
    made.mkdir()
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.setenv("DISPLAY", ":0")
    return made


@pytest.fixture
def opened(monkeypatch) -> list[Path]:
    """What the browser was given."""
    found = []
    monkeypatch.setattr("webbrowser.open", lambda uri: found.append(Path(uri.removeprefix("file://"))) or True)
    return found


def test_the_browser_is_given_a_file_that_a_snap_may_read_and_never_the_link(home, opened):
    """Snaps read in the home folder, and nothing there whose name begins with a dot."""
    states = home / ".local/state/pictor-agent"
    door.leave(states, LINK)
    assert door.open_browser(states)
    (page,) = opened
    assert not [part for part in page.relative_to(home).parts if part.startswith(".")]
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert f'content="0;url={LINK}"' in page.read_text()
    door.take_away(states)
    assert list(home.iterdir()) == [home / ".local"]


def test_a_home_that_takes_no_file_leaves_the_one_that_is_there(home, opened, tmp_path):
    home.rmdir()
    door.leave(tmp_path, LINK)
    assert door.open_browser(tmp_path)
    assert opened == [tmp_path / door.NAME]


def test_a_node_takes_away_its_own_link_only(home, opened, tmp_path):
    door.leave(tmp_path / "one", LINK)
    door.leave(tmp_path / "two", "http://127.0.0.1:8472/another-token/")
    door.open_browser(tmp_path / "two")
    door.take_away(tmp_path / "one")
    assert opened[0].exists()
    door.take_away(tmp_path / "two")
    assert not opened[0].exists()


def test_without_a_desktop_or_a_page_no_browser_is_opened(home, opened, tmp_path, monkeypatch):
    assert not door.open_browser(tmp_path)
    door.leave(tmp_path, LINK)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not door.open_browser(tmp_path)
    assert opened == []
