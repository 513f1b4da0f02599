"""Typed reads of the environment; a wrong or missing value stops the start with the variable's name."""

import os

from common.money import parse_credits

MISSING = object()


class BadSetting(SystemExit):
    """A setting that cannot be used; its text names the variable and the remedy."""


def text(name: str, default=MISSING) -> str:
    """The variable as written; required when no default is given."""
    value = os.environ.get(name, "")
    if value:
        return value
    if default is MISSING:
        raise BadSetting(f"{name} is not set. Set it in the environment (see .env.example).")
    return default


def flag(name: str, default: bool = False) -> bool:
    """1, true, yes, on and their opposites."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise BadSetting(f"{name}={value!r} is not a flag. Write 1 or 0.")


def number(name: str, default: int, *, at_least: int = 0) -> int:
    """A whole number of `at_least` or more."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.lstrip("-").isdigit() or int(value) < at_least:
        raise BadSetting(f"{name}={value!r} is not a whole number of {at_least} or more.")
    return int(value)


def seconds(name: str, default: int) -> int:
    """A duration in whole seconds, at least one."""
    return number(name, default, at_least=1)


def credits(name: str, default: str) -> int:
    """An amount written in credits, "12.50", as micros."""
    try:
        return parse_credits(text(name, default))
    except ValueError as error:
        raise BadSetting(f"{name}: {error}.") from error


def words(name: str, default: str = "") -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def secret(name: str, *, minimum_length: int = 32) -> str:
    """A required secret of a length that cannot be guessed."""
    value = text(name)
    if len(value) < minimum_length:
        raise BadSetting(f"{name} is shorter than {minimum_length} characters.")
    return value


def seed(name: str, *, required: bool) -> bytes:
    """32 bytes of an Ed25519 key, in hexadecimal; empty where it may be left out."""
    value = text(name) if required else text(name, "")
    try:
        found = bytes.fromhex(value)
    except ValueError:
        found = b"?"
    if len(found) not in ({32} if value else {0}):
        raise BadSetting(f"{name} is not 64 hexadecimal digits. Make one with: openssl rand -hex 32")
    return found


def choice(name: str, default: str, among: tuple[str, ...]) -> str:
    """One of a few words."""
    value = text(name, default)
    if value not in among:
        raise BadSetting(f"{name}={value!r}: choose {' or '.join(among)}.")
    return value


def together(*names: str) -> list[str]:
    """The variables as written, required as soon as one of them is set; else empty words."""
    if not any(os.environ.get(name) for name in names):
        return [""] * len(names)
    return [text(name) for name in names]


def address(name: str, default: str) -> str:
    """A URL of http or https, without a slash at its end."""
    value = text(name, default).rstrip("/")
    if value and not value.startswith(("http://", "https://")):
        raise BadSetting(f"{name}={value!r} does not start with https:// or http://.")
    return value
