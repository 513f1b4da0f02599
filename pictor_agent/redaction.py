"""Text that may leave this machine: without secrets, names of people and machines, and addresses."""

import getpass
import ipaddress
import re
import socket
from pathlib import Path

SECRET = re.compile(r"\b[A-Za-z0-9_\-]{24,}={0,2}")  # tokens, keys, hashes, and the ids of GPUs
URL = re.compile(r"\b(?:wss?|https?)://[^\s\"'<>]+")
MAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
MAC = re.compile(r"\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b")
ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)(?![\w:])")
HOME = re.compile(r"(/home/|/Users/|\\Users\\)[^\s/\\:\"']+")
SHORTEST = 2  # a name of one letter would take every word apart


def known_words() -> dict[str, str]:
    """What this machine and its user are called -> what is written instead."""
    names = {str(Path.home()): "<home>", socket.gethostname(): "<host>", socket.getfqdn(): "<host>"}
    try:
        names[getpass.getuser()] = "<user>"
    except (OSError, KeyError):  # an id without a name
        pass
    return names


def redact(text: str, words: dict[str, str]) -> str:
    """`words` go first, the longest before what is part of them; then whatever looks like a secret or an address."""
    for name in sorted((name for name in words if len(name) >= SHORTEST), key=len, reverse=True):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", words[name], text)
    for pattern, instead in ((URL, "<address>"), (MAIL, "<mail>"), (MAC, "<address>"), (HOME, r"\1<user>")):
        text = pattern.sub(instead, text)
    return SECRET.sub("<secret>", ADDRESS.sub(_address, text))


def _address(found: re.Match) -> str:
    """Times of day look like IPv6 too; only what is an address goes."""
    try:
        ipaddress.ip_address(found[0].rstrip("."))
    except ValueError:
        return found[0]
    return "<address>"
