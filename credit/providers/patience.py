"""Questions to a provider by the dozen: one without an answer keeps no other from being asked, and a dead provider is spared.

Whoever asks puts each subject back before it is asked, so that what fails, however it fails, comes after the others next time.
The rest of a provider is kept in the cache; losing it costs a few questions.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
from django.core.cache import cache

from credit.providers.base import ProviderRefused, ProviderUnavailable

FAILURES_MAX = 3  # in a row: then it is the provider, and not what was asked about
REST_SECONDS, REST_SECONDS_MAX = 30, 900  # doubled each time that it does not answer after one
FORGOTTEN_SECONDS = 3_600  # a provider that was silent so long ago begins anew
Subject = TypeVar("Subject")
log = structlog.get_logger(__name__)


def ask_each(name: str, subjects: Iterable[Subject], ask: Callable[[Subject], object]) -> int:
    """Ask a provider about each, while it answers; returns about how many. What is refused was answered."""
    asked = failures = 0
    if is_resting(name):
        return 0
    for subject in subjects:
        asked += 1
        if _is_answered(name, subject, ask):
            failures = 0
            cache.delete(_silences(name))
        elif (failures := failures + 1) == FAILURES_MAX:
            _rest(name)
            break
    return asked


def is_resting(name: str) -> bool:
    return cache.get(_resting(name)) is not None


def _is_answered(name: str, subject: Subject, ask: Callable[[Subject], object]) -> bool:
    try:
        ask(subject)
    except ProviderRefused as refused:
        log.warning("provider_refused", provider=name, about=str(subject), issue=refused.issue)
    except (ProviderUnavailable, LookupError) as error:
        log.warning("provider_not_answering", provider=name, about=str(subject), error=str(error))
        return False
    return True


def _rest(name: str) -> None:
    silences = cache.get(_silences(name), 0)
    seconds = min(REST_SECONDS << silences, REST_SECONDS_MAX)
    cache.set(_resting(name), 1, timeout=seconds)
    cache.set(_silences(name), silences + 1, timeout=FORGOTTEN_SECONDS)
    log.error("provider_rests", provider=name, seconds=seconds)


def _resting(name: str) -> str:
    return f"credit:provider:{name}:rests"


def _silences(name: str) -> str:
    return f"credit:provider:{name}:silences"
