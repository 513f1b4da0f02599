"""How its owner, and nobody else, comes to the page: a link in a file of their own, in the terminal, and in the browser.

The link never stands in a command line, which every user of the machine may read: the browser is given the file.
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
    with contextlib.suppress(OSError):
        (folder / NAME).unlink()


def left(folder: Path) -> str:
    """The link of the agent that runs there; empty when it has no page."""
    try:
        found = LINK.search((folder / NAME).read_text())
    except OSError:
        return ""
    return found[0] if found else ""


def announce(terminal: Terminal, link: str, asking: str) -> None:
    """Where others may read what is said, as in a journal, only the command that asks for it."""
    if terminal.stream.isatty():
        terminal.say(f"This node's page, for you alone: {link}", kept=False)
    else:
        terminal.say(f"This node's page: {asking}")


def open_browser(folder: Path) -> bool:
    """False where there is no desktop."""
    has_desktop = sys.platform in ("win32", "darwin") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
    return has_desktop and webbrowser.open((folder / NAME).as_uri())
