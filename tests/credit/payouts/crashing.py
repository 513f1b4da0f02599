"""A process that dies at a chosen point. Points: before and after every request to a node, before and after every commit.

What dies is thrown away: the connection to the database is cut (open transactions roll back, advisory locks end), and the
next run begins with new objects from the rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper


class Crash(BaseException):
    """No code may catch it."""


class Points:
    """Counts the points of one run, and dies at those for which `dies(number, name)` is true."""

    def __init__(self, dies: Callable[[int, str], bool]) -> None:
        self.dies, self.names = dies, []

    def reach(self, name: str) -> None:
        self.names.append(name)
        if self.dies(len(self.names), name):
            raise Crash(name)


def survives(monkeypatch, run: Callable[[], None], points: Points) -> bool:
    """Run once in a process that may die; whether it lived to the end."""
    with _watched(monkeypatch, points):
        try:
            run()
        except Crash:
            connection.close()
            return False
    return True


@contextmanager
def _watched(monkeypatch, points: Points) -> Iterator[None]:
    request, commit = httpx.HTTPTransport.handle_request, BaseDatabaseWrapper.commit

    def handle_request(self, asked):
        points.reach("before a request")
        answer = request(self, asked)
        answer.read()
        points.reach("after a request")
        return answer

    def committed(self):
        try:
            points.reach("before a commit")
        except Crash:
            self.rollback()  # as the server does when the connection is gone
            raise
        commit(self)
        points.reach("after a commit")

    with monkeypatch.context() as patched:
        patched.setattr(httpx.HTTPTransport, "handle_request", handle_request)
        patched.setattr(BaseDatabaseWrapper, "commit", committed)
        yield
