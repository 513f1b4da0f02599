"""From an entry of the ledger to what it was for. The apps above answer by the first word of the key; credit knows none of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Link:
    """Something that the reader may open."""

    words: str
    url: str
    icon: str = "link"
    is_outside: bool = False  # another site: a chain's explorer


Finder = Callable[..., Sequence[Link]]  # (user, the words of the key: ["task", "812", "attempt", "2", "charge"]) -> links


def links_of(user, key: str) -> list[Link]:
    """What `user` may open behind `task:812:attempt:2:charge/purchased`; nothing for keys that nobody answers for."""
    words = key.partition("/")[0].split(":")
    finders: dict[str, str] = import_string(settings.LEDGER_LINKS)
    if words[0] not in finders:
        return []
    finder: Finder = import_string(finders[words[0]])
    return list(finder(user, words))
