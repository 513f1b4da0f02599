"""Two verbs that overlap in an order that is certain: the second begins while the first has not committed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from django.db import connection, connections, transaction

from tests.stories.creator import await_that

DEADLINE_SECONDS = 120
WAITS = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'"


def overlapped(first: Callable[[], object], second: Callable[[], object]):
    """What `second` returned or raised. `first` commits when `second` waits for a lock, or is through without one."""
    done, commit = Event(), Event()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(_hold, first, done, commit)
        try:
            assert done.wait(DEADLINE_SECONDS)
            two = pool.submit(_answer, second)
            await_that(lambda: two.done() or _somebody_waits(), "the second waits, or has ended", seconds=DEADLINE_SECONDS)
        finally:
            commit.set()
        one.result()
        return two.result()


def _hold(verb: Callable[[], object], done: Event, commit: Event) -> None:
    try:
        with transaction.atomic():
            verb()
            done.set()
            commit.wait(DEADLINE_SECONDS)
    finally:
        done.set()
        connections.close_all()


def _answer(verb: Callable[[], object]):
    try:
        return verb()
    except Exception as error:
        return error
    finally:
        connections.close_all()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITS)
        return cursor.fetchone() is not None
