"""The link to the page is for its owner alone: in their file and on their terminal, in no journal, log or command line."""

import io
import stat

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


@pytest.mark.parametrize("display", [{}, {"DISPLAY": ":0"}])
def test_the_browser_is_given_the_file_and_never_the_link(tmp_path, monkeypatch, display):
    opened = []
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in display.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    door.leave(tmp_path, LINK)
    assert door.open_browser(tmp_path) is bool(display)
    assert opened == ([(tmp_path / door.NAME).as_uri()] if display else [])
