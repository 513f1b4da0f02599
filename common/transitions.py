"""What changes the status of one row, or of many at once; of any number of racing callers exactly one wins."""

from collections.abc import Mapping
from typing import TypeVar

from django.db.models import QuerySet

Status = TypeVar("Status", bound=str)


class IllegalMove(Exception):
    """The table of moves does not know this change: a mistake in the program."""


class StaleMove(Exception):
    """Somebody else moved the row first: read it again, then decide."""


def move(row, to: Status, *, moves: Mapping[Status, frozenset[Status]], **changes) -> None:
    """Set `row.status` to `to`, together with `changes`, if the row still has the status that was read.

    Raises:
        IllegalMove: `moves` has no way from the row's status to `to`.
        StaleMove: the row left that status in the meantime.
    """
    if to not in moves[row.status]:
        raise IllegalMove(f"{row!r}: {row.status} -> {to}")
    won = type(row)._base_manager.filter(pk=row.pk, status=row.status).update(status=to, **changes)
    if won != 1:
        raise StaleMove(f"{row!r} is no longer {row.status}")
    row.status = to
    for name, value in changes.items():
        setattr(row, name, value)


def move_all(rows: QuerySet, to: Status, *, moves: Mapping[Status, frozenset[Status]], **changes) -> int:
    """Set the status of those rows to `to`, together with `changes`, that have a status from which `moves` leads there.

    One statement; returns how many. The others are left alone, as a `StaleMove` would leave them.
    """
    return rows.filter(status__in=[was for was, ways in moves.items() if to in ways]).update(status=to, **changes)
