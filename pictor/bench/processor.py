"""Processor time of running processes, as the kernel counts it."""

from pathlib import Path

import psutil
from django.db import connection


def seconds_of(pid: int) -> float:
    """Of a process, of its children, and of those that have ended."""
    first = psutil.Process(pid)
    total = sum(first.cpu_times()[:4])  # user, system, and the same of children that are gone
    for child in first.children(recursive=True):
        try:
            total += sum(child.cpu_times()[:4])
        except psutil.NoSuchProcess:
            pass
    return total


def postgres_pid() -> int:
    """The first process of the benchmark's own PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        return int((Path(cursor.fetchone()[0]) / "postmaster.pid").read_text().split()[0])
