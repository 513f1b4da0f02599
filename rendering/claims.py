"""One process at a time, for as long as it lives: a claim ends with the database session of its claimant, so a process that
is killed leaves none behind. Correctness rests on guarded moves alone; claims spare others the same work.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import Error, connection

TAKE = """
    SELECT given.id FROM unnest(%s::bigint[]) AS given(id)
    WHERE pg_try_advisory_lock(hashtextextended('rendering:' || %s || ':' || given.id, 0))
"""
LET_GO = """
    SELECT pg_advisory_unlock(hashtextextended('rendering:' || %s || ':' || given.id, 0)) FROM unnest(%s::bigint[]) AS given(id)
"""


@contextmanager
def claimed(kind: str, ids: Iterable[int]) -> Iterator[list[int]]:
    """Those of `ids` that no other process has in work; they are ours within the block."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [sorted(set(ids)), kind])
        mine = [pk for (pk,) in cursor.fetchall()]
    try:
        yield mine
    finally:
        _let_go(kind, mine)


def _let_go(kind: str, ids: list[int]) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(LET_GO, [kind, ids])
    except Error:
        pass  # the session is over, and every claim with it
