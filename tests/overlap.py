"""Two verbs that overlap in an order that is certain: the second begins while the first has not committed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from django.db import connection, connections, transaction

from tests.stories.creator import await_that

DEADLINE_SECONDS = 120
WAITS = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'"

WAITS_FOR_ME = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"


def overlapped(first: Callable[[], object], second: Callable[[], object]):
    """What `second` returned or raised. `first` commits when `second` waits for a lock, or is through without one."""
    done, commit = Event(), Event()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(_hold, first, done, commit)
        try:
            assert done.wait(DEADLINE_SECONDS)
            two = pool.submit(_answer, second)
            await_that(lambda: two.done() or _finds(WAITS), "the second waits, or has ended", seconds=DEADLINE_SECONDS)
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


def until_somebody_waits() -> None:
    """Return once another connection waits for this one, in whose transaction we are.

    Not by WAITS: a transaction sees pg_stat_activity as it was at its first look. Nor by any lock not granted: locks of
    other tests' databases are in pg_locks too.
    """
    await_that(lambda: _finds(WAITS_FOR_ME), "somebody waits", seconds=DEADLINE_SECONDS)


def _finds(statement: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone() is not None
