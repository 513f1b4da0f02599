"""Kinds of notice: which there are, and which a person may do without. The sections above bring their own.

settings.NOTICE_KINDS names their groups, as settings.WORK_KINDS names who does what work: nothing here knows them.
"""

from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

KEY_LENGTH_MAX = 20  # of a kind


@dataclass(frozen=True)
class Kind:
    """`is_always`: told on the page and by mail, whether wanted or not, as what could be an intruder's first step is."""

    key: str
    words: str
    help: str
    is_always: bool = False


@dataclass(frozen=True)
class Group:
    """Kinds of one subject, as the settings list them."""

    title: str
    icon: str
    kinds: tuple[Kind, ...]


SAFETY = Group(
    "Safety",
    "shield-check",
    (
        Kind("methods", "Ways to sign in", "Something was linked or unlinked.", is_always=True),
        Kind("mfa", "Second step", "An app, a passkey or recovery codes were added, removed or made anew.", is_always=True),
        Kind("email", "E-mail address", "It was added, changed or removed.", is_always=True),
        Kind(
            "payout", "Money that leaves", "A payout address was added or removed, or a withdrawal asked for.", is_always=True
        ),
        Kind("account", "The account itself", "It was closed, or its data was taken away.", is_always=True),
        Kind("sign_in", "New browser", "You signed in with a browser that was not seen before."),
        Kind("keys", "Keys and tokens", "An SSH key or an API token was added, removed or revoked."),
    ),
)


@cache
def groups() -> list[Group]:
    """All of them, in the order of the settings page."""
    return [SAFETY, *(import_string(path) for path in settings.NOTICE_KINDS)]


@cache
def group_of() -> dict[str, Group]:
    """By the key of a kind."""
    return {kind.key: group for group in groups() for kind in group.kinds}


@cache
def kinds() -> dict[str, Kind]:
    """By their keys."""
    return {kind.key: kind for group in groups() for kind in group.kinds}


def safety_kinds() -> list[str]:
    return [kind.key for kind in SAFETY.kinds]
