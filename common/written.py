"""Queries of the ORM whose SQL is written once per process.

To build and compile a query with subqueries takes Django milliseconds, more than PostgreSQL needs to answer it. Here the
function that builds it is called with marks in the place of values, once; later calls only put their values there:

    @written_once
    def counts(user_id):
        return Job.objects.filter(owner=user_id).values("status").annotate(jobs=Count("pk"))

    rows = counts(user.pk)

Values are integers, words that must be equal, times (plus or minus a timedelta, if the builder likes), days, and tuples of
them. The builder may not decide anything by them, nor by what else changes while the process lives.
"""

from collections.abc import Callable, Iterable
from copy import copy
from datetime import UTC, date, datetime, timedelta
from functools import wraps

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

FIRST_INTEGER = 2_147_470_000  # marks fit a column of four bytes, and nobody means them
FIRST_YEAR, YEARS_APART = 4000, 400
NEAR = timedelta(days=100 * 365)  # a time so near to a mark is that mark, moved by what the builder added


class Written:
    """One query in its final words: what is still missing are the values."""

    def __init__(self, queryset: QuerySet, marks: list) -> None:
        self.queryset = queryset
        self.compiler = queryset.query.get_compiler(queryset.db)
        self.sql, params = self.compiler.as_sql()
        self.places = [_place(param, marks) for param in params]
        if unused := set(range(len(marks))) - {index for index, _ in self.places}:
            raise TypeError(f"The query says nothing of the values {sorted(unused)}.")

    def rows(self, values: list) -> list:
        params = tuple(value(values[index]) if index is not None else value for index, value in self.places)
        compiler = copy(self.compiler)
        compiler.connection = connections[self.compiler.using]
        compiler.as_sql = lambda *_, **__: (self.sql, params)
        asked = self.queryset.all()
        asked.query.get_compiler = lambda *_, **__: compiler
        return list(asked)


def written_once(build: Callable[..., QuerySet]) -> Callable[..., list]:
    """Decorator of a function that builds a query: makes it return the rows."""
    known: dict[tuple, Written | None] = {}  # by the lengths of tuples; None: no row can fit

    @wraps(build)
    def rows(*values) -> list:
        shape = tuple(len(value) if isinstance(value, tuple) else None for value in values)
        if shape not in known:
            known[shape] = _write(build, values)
        written = known[shape]
        return written.rows(list(_flat(values))) if written else []

    return rows


def _write(build: Callable[..., QuerySet], values: tuple) -> Written | None:
    marks: list = []
    arguments = [
        tuple(_mark(each, marks) for each in value) if isinstance(value, tuple) else _mark(value, marks) for value in values
    ]
    try:
        return Written(build(*arguments), marks)
    except EmptyResultSet:
        return None


def _mark(value, marks: list):
    """A value that stands for `value`, and for no other."""
    marks.append(_marks(type(value), len(marks)))
    return marks[-1]


def _marks(kind: type, index: int):
    if issubclass(kind, int):
        return FIRST_INTEGER + index
    if issubclass(kind, str):
        return f"the value number {index} of a query that is written once"
    if issubclass(kind, datetime):
        return datetime(FIRST_YEAR + YEARS_APART * index, 1, 1, tzinfo=UTC)
    if issubclass(kind, date):
        return date(FIRST_YEAR + YEARS_APART * index, 1, 1)
    raise TypeError(f"A {kind.__name__} cannot be left open in a query that is written once.")


def _place(param, marks: list) -> tuple[int | None, object]:
    """Which value a parameter is made of, and how; None and the parameter itself where it is always the same."""
    for index, mark in enumerate(marks):
        if isinstance(mark, datetime) and isinstance(param, datetime) and abs(param - mark) < NEAR:
            return index, _moved(param - mark)
        if isinstance(mark, int) and isinstance(param, int) and param == mark:
            return index, type(param)
        if isinstance(mark, str) and isinstance(param, str) and mark in param:
            return index, _equal(param, mark)
        if type(mark) is date and type(param) is date and param == mark:
            return index, _as_it_is
    if isinstance(param, date) and param.year >= FIRST_YEAR - 100:
        raise TypeError("The builder may move a time, and make nothing else of it.")
    return None, param


def _as_it_is(value):
    return value


def _equal(param: str, mark: str) -> Callable[[str], str]:
    if param != mark:
        raise TypeError("The builder may compare words, and make nothing else of them.")
    return _as_it_is


def _moved(by: timedelta) -> Callable[[datetime], datetime]:
    return lambda value: value + by


def _flat(values: Iterable) -> Iterable:
    for value in values:
        yield from value if isinstance(value, tuple) else (value,)
