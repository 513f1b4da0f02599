"""`make bench WHAT=pages`: server time and queries of every list, detail and live fragment, in a small and in a full database.

The time is that of the whole request in the process that answers it: middleware, queries, template. As in production:
templates are kept, queries are not logged, addresses of static files come from the manifest.
"""

import logging
import statistics
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.db.models import Max, Min
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common.garbage import search_less
from common.paging import Place
from credit.models import Transfer
from pictor import overview
from pictor.bench.crowd import LARGE, SMALL, Crowd, fill
from pictor.bench.report import Figure, Report
from rendering.views import jobs, watch
from workers import views as nodes

REQUESTS = 30
COLUMNS = ("p50", "p95", "queries", "of the small database")
FRAME = 5  # of the crowd's job

Page = tuple[str, Callable[[Crowd], str]]  # who asks, and for what address


def _page(who: str, name: str, query: str = "", **arguments) -> Page:
    """An address without a row of the crowd."""
    return who, lambda crowd: reverse(name, kwargs=arguments) + query


def _of_job(name: str, query: str = "", **arguments) -> Page:
    return "creator", lambda crowd: reverse(f"rendering:{name}", kwargs={"pk": crowd.job.pk} | arguments) + query


def _of_ready_job(name: str, query: str = "") -> Page:
    return "creator", lambda crowd: reverse(f"rendering:{name}", args=[crowd.ready_job.pk]) + query


def _of_link(name: str, query: str = "", **arguments) -> Page:
    return (
        "creator",
        lambda crowd: reverse(f"rendering:{name}", kwargs={"token": crowd.job.watch_link.token} | arguments) + query,
    )


def _of_node(name: str, **arguments) -> Page:
    return "owner", lambda crowd: reverse(f"workers:{name}", kwargs={"pk": crowd.node.pk} | arguments)


PAGES: dict[str, Page] = {
    "home": _page("creator", "home"),
    "home, of an owner": _page("owner", "home"),
    **{f"home: {part}": _page("creator", "home-part", part=part) for part in overview.PARTS},
    "header: credit": _page("creator", "credit-pill"),
    "job list": _page("creator", "rendering:job-list"),
    "job list, page 3": _page("creator", "rendering:job-list", "?page=3"),
    "job list, filtered": _page("creator", "rendering:job-list", "?status=rendering&q=ben&sort=name"),
    "job list: rows": _page("creator", "rendering:job-list", "?rows=1"),
    "new job": _page("creator", "rendering:job-new"),
    "job settings": _of_ready_job("job-settings"),
    "job settings: price": _of_ready_job("job-quote", "?frames=1-100&width=1920&height=1080&samples=64"),
    "job settings: nodes that fit": _of_ready_job("job-fit"),
    "job": _of_job("job-detail"),
    **{f"job: {part}": _of_job("job-part", part=part) for part in jobs.PARTS},
    "job, seconds in numbers": _of_job("job-times"),
    "job, once more": _of_job("job-again"),
    "job, its zip": _of_job("job-zip", f"?frames=1-{FRAME * 20}"),
    "frame": _of_job("frame-detail", frame=FRAME),
    "frame: facts": _of_job("frame-detail", "?part=facts", frame=FRAME),
    "frame: viewer": _of_job("frame-detail", "?part=stage", frame=FRAME),
    "frame: log": _of_job("attempt-log", frame=FRAME, number=1),
    "watch": _of_link("watch"),
    **{f"watch: {part}": _of_link("watch-part", part=part) for part in sorted(watch.PARTS)},
    "watch, a frame": _of_link("watch-frame", frame=FRAME),
    "scene list": _page("creator", "rendering:scene-list"),
    "scene list, page 2": _page("creator", "rendering:scene-list", "?page=2"),
    "scene": ("creator", lambda crowd: reverse("rendering:scene-detail", args=[crowd.job.scene_id])),
    "credit": _page("creator", "credit:overview"),
    "credit history": _page("creator", "credit:history"),
    "credit history, deep": ("creator", lambda crowd: f"{reverse('credit:history')}?older={_middle(crowd)}"),
    "credit history, payments": _page("creator", "credit:history", "?kind=payment"),
    "credit history, refunds": _page("creator", "credit:history", "?kind=refund"),
    "credit history, what went out": _page("creator", "credit:history", "?direction=out"),
    "credit history, a year ago": _page("creator", "credit:history", "?since=2024-01-01&until=2024-12-31"),
    "credit history, searched": _page("creator", "credit:history", "?q=nothing+has+this"),
    "credit history, of a job": ("creator", lambda crowd: f"{reverse('credit:history')}?job={crowd.job.pk}"),
    "credit: balance": _page("creator", "credit:overview-balance"),
    "credit: newest": _page("creator", "credit:overview-newest"),
    "node list": _page("owner", "workers:worker-list"),
    "node list, page 2": _page("owner", "workers:worker-list", "?page=2"),
    "node list: rows": _page("owner", "workers:worker-list", "?rows=1"),
    "node list, searched, last change first": _page("owner", "workers:worker-list", "?q=node&sort=-changed"),
    "new node": _page("owner", "workers:worker-new"),
    "calculator": _page("owner", "workers:calculator"),
    "nodes, summary": _page("owner", "workers:worker-summary", "?days=364"),
    "node": _of_node("worker-detail"),
    **{f"node: {part}": _of_node("worker-part", part=part) for part in nodes.PARTS},
    "node: tasks": _of_node("worker-tasks"),
    "node: all events": _of_node("worker-events"),
    "node: reliability": _of_node("worker-reliability"),
    "node: charts of a day": _of_node("worker-charts"),
    "node: charts of a year": ("owner", lambda crowd: reverse("workers:worker-charts", args=[crowd.node.pk]) + "?period=1y"),
    "node location": _of_node("worker-location"),
    "node settings": _of_node("worker-settings"),
    **{f"{name}, of a{who}": _page(who[1:].strip(), f"{name}:overview")
       for name in ("renting", "checkers", "rewards", "leaderboard") for who in (" creator", "n owner")},
    "profile": _page("creator", "users:profile"),
}  # fmt: skip


def _middle(crowd: Crowd) -> Place:
    """Half way through the long history."""
    rows = Transfer.objects.filter(owner=crowd.creator)
    ends = rows.aggregate(Min("pk"), Max("pk"), Max("created_at"))
    return Place(ends["created_at__max"], (ends["pk__min"] + ends["pk__max"]) // 2)


def _console() -> dict[str, Page]:
    """Every list of the operators' console, and its newest row where there is one."""
    pages = {}
    for model in admin.site._registry:
        name, words = f"admin:{model._meta.app_label}_{model._meta.model_name}", str(model._meta.verbose_name_plural)
        pages[f"console, {words}"] = _page("operator", f"{name}_changelist")
        if newest := model._default_manager.order_by("-pk").values_list("pk", flat=True).first():
            pages[f"console, one of {words}"] = _page("operator", f"{name}_change", object_id=newest)
    return pages


def measure(seed: int) -> Report:
    logging.disable(logging.INFO)  # a line per request
    call_command("collectstatic", verbosity=0, interactive=False)
    small = fill("small", SMALL)
    search_less()
    small_ms = {name: _times_ms(page, small)[0] for name, page in (PAGES | _console()).items()}
    large = fill("large", LARGE)
    search_less()
    report = Report("pages", seed, columns=COLUMNS)
    for name, page in (PAGES | _console()).items():
        if name in small_ms:
            report.figures += _figures(name, *_times_ms(page, large), statistics.median(small_ms[name]))
    logging.disable(logging.NOTSET)
    return report


def _figures(name: str, times_ms: list[float], queries: int, empty_ms: float) -> list[Figure]:
    p50, p95 = statistics.median(times_ms), statistics.quantiles(times_ms, n=20)[-1]
    return [
        Figure(f"{name}: p50", "ms", [p50], reference=empty_ms),
        Figure(f"{name}: p95", "ms", [p95]),
        Figure(f"{name}: queries", "", [queries]),
        Figure(f"{name}: of the small database", "x", [p50 / empty_ms]),
    ]


def _times_ms(page: Page, crowd: Crowd) -> tuple[list[float], int]:
    """Milliseconds of each request, and the queries of one."""
    who, address = page
    client, path = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0]), address(crowd)
    client.force_login(getattr(crowd, who))
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
        queries = len(captured)  # the next request forgets them
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    times_ms = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        client.get(path)
        times_ms.append((time.perf_counter() - started) * 1000)
    return times_ms, queries
