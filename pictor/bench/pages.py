"""`make bench WHAT=pages`: server time and queries of every list and detail page, in a small and in a full database.

The time is that of the whole request in the process that answers it: middleware, queries, template.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import connection, reset_queries
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pictor.bench.crowd import LARGE, SMALL, Crowd, fill
from pictor.bench.report import Figure, Report

REQUESTS = 30

JOB_PARTS = ["strip", "head", "stats", "newest", "chart", "nodes", "events"]
CONSOLE = {  # name: model
    "jobs": "rendering_job",
    "tasks": "rendering_task",
    "attempts": "rendering_attempt",
    "events of jobs": "rendering_jobevent",
    "films": "rendering_film",
    "uploads": "rendering_upload",
    "nodes": "workers_worker",
    "queue": "workers_work",
    "leases": "workers_lease",
    "tallies": "workers_tally",
    "accounts": "credit_account",
    "transfers": "credit_transfer",
    "holds": "credit_hold",
    "earnings": "credit_earning",
    "users": "users_user",
}


def _job_part(crowd: Crowd, part: str) -> str:
    return reverse("rendering:job-part", args=[crowd.job.pk, part])


def _console(crowd: Crowd, model: str) -> str:
    return reverse(f"admin:{model}_changelist")


# name: (who asks, address)
PAGES: dict[str, tuple[str, Callable[[Crowd], str]]] = {
    "home": ("creator", lambda crowd: reverse("home")),
    "job list": ("creator", lambda crowd: reverse("rendering:job-list")),
    "job list, page 3": ("creator", lambda crowd: reverse("rendering:job-list") + "?page=3"),
    "job list, filtered": ("creator", lambda crowd: reverse("rendering:job-list") + "?status=rendering&q=ben&sort=name"),
    "new job": ("creator", lambda crowd: reverse("rendering:job-new")),
    "job settings": ("creator", lambda crowd: reverse("rendering:job-settings", args=[crowd.ready_job.pk])),
    "job": ("creator", lambda crowd: crowd.job.get_absolute_url()),
    **{f"job: {part}": ("creator", partial(_job_part, part=part)) for part in JOB_PARTS},
    "frame": ("creator", lambda crowd: reverse("rendering:frame-detail", args=[crowd.job.pk, 5])),
    "watch": ("creator", lambda crowd: reverse("rendering:watch", args=[crowd.job.watch_link.token])),
    "scene list": ("creator", lambda crowd: reverse("rendering:scene-list")),
    "scene": ("creator", lambda crowd: reverse("rendering:scene-detail", args=[crowd.job.scene_id])),
    "credit": ("creator", lambda crowd: reverse("credit:overview")),
    "credit, page 2": ("creator", lambda crowd: reverse("credit:overview") + "?page=2"),
    "node list": ("owner", lambda crowd: reverse("workers:worker-list")),
    "new node": ("owner", lambda crowd: reverse("workers:worker-new")),
    "node": ("owner", lambda crowd: crowd.node.get_absolute_url()),
    "node location": ("owner", lambda crowd: reverse("workers:worker-location", args=[crowd.node.pk])),
    "renting": ("creator", lambda crowd: reverse("renting:overview")),
    "checkers": ("creator", lambda crowd: reverse("checkers:overview")),
    "rewards": ("creator", lambda crowd: reverse("rewards:overview")),
    "leaderboard": ("creator", lambda crowd: reverse("leaderboard:overview")),
    "profile": ("creator", lambda crowd: reverse("users:profile")),
    **{f"console, {name}": ("operator", partial(_console, model=model)) for name, model in CONSOLE.items()},
}


def measure(seed: int) -> Report:
    small = fill("small", SMALL)
    empty_ms = {name: _times_ms(name, small)[0] for name in PAGES}
    large = fill("large", LARGE)
    report = Report("pages", seed)
    for name in PAGES:
        times_ms, queries = _times_ms(name, large)
        report.figures += _figures(name, times_ms, queries, statistics.median(empty_ms[name]))
    return report


def _figures(name: str, times_ms: list[float], queries: int, empty_ms: float) -> list[Figure]:
    p50, p95 = statistics.median(times_ms), statistics.quantiles(times_ms, n=20)[-1]
    return [
        Figure(f"{name}: p50", "ms", [p50], reference=empty_ms),
        Figure(f"{name}: p95", "ms", [p95]),
        Figure(f"{name}: queries", "", [queries]),
        Figure(f"{name}: of the small database", "x", [p50 / empty_ms]),
    ]


def _times_ms(name: str, crowd: Crowd) -> tuple[list[float], int]:
    who, address = PAGES[name]
    client, path = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0]), address(crowd)
    client.force_login(getattr(crowd, who))
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
        queries = len(captured)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    times_ms = []
    for _ in range(REQUESTS):
        reset_queries()
        started = time.perf_counter()
        client.get(path)
        times_ms.append((time.perf_counter() - started) * 1000)
    return times_ms, queries
