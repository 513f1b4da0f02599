"""How its owner, and nobody else, comes to the page: a link in a file of their own, in the terminal, and in the browser.

The link never stands in a command line, which every user of the machine may read: the browser is given a file. It lies in
the home folder itself, for a browser that is packed as a snap may read nothing hidden, and nothing outside.
"""

import contextlib
import html
import os
import re
import sys
import webbrowser
from pathlib import Path

from pictor_agent.secret_files import write_secret
from pictor_agent.terminal import Terminal

NAME = "page.html"
NAME_IN_SIGHT = "pictor-page.html"
ASKING = "pictor-agent app"
PAGE = """<!doctype html><meta charset="utf-8"><title>Pictor</title>
<meta http-equiv="refresh" content="0;url={link}"><p><a href="{link}">The page of this node</a></p>
"""
LINK = re.compile(r"http://127\.0\.0\.1:\d+/[\w-]+/")


def leave(folder: Path, link: str) -> None:
    """For this user alone, from the first moment; one of an earlier start is replaced."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(folder / NAME, PAGE.format(link=html.escape(link)).encode())


def take_away(folder: Path) -> None:
    link = left(folder)
    for page in (folder / NAME, _in_sight()):
        if _link_in(page) == link:  # what another node of this machine has put into sight stays
            with contextlib.suppress(OSError):
                page.unlink()


def left(folder: Path) -> str:
    """The link of the agent that runs there; empty when it has no page."""
    return _link_in(folder / NAME)


def _link_in(page: Path) -> str:
    try:
        found = LINK.search(page.read_text())
    except OSError:
        return ""
    return found[0] if found else ""


def _in_sight() -> Path:
    return Path(os.path.expanduser("~"), NAME_IN_SIGHT)  # Path.home() fails where a service has none


def announce(terminal: Terminal, link: str, asking: str) -> None:
    """Where others may read what is said, as in a journal, only the command that asks for it."""
    if terminal.stream.isatty():
        terminal.say(f"This node's page, for you alone: {link}", kept=False)
    else:
        terminal.say(f"This node's page: {asking}")


def open_browser(folder: Path) -> bool:
    """False where there is no desktop, or no page."""
    has_desktop = sys.platform in ("win32", "darwin") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
    return has_desktop and bool(left(folder)) and webbrowser.open(_put_in_sight(folder).as_uri())


def _put_in_sight(folder: Path) -> Path:
    """Where the browser finds the file: its own place, where the home folder does not take a copy."""
    page = folder / NAME
    with contextlib.suppress(OSError):
        write_secret(_in_sight(), page.read_bytes())
        return _in_sight()
    return page
