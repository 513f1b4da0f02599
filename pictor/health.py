"""Probes for whoever runs the site: is the process alive, can it serve, and a few gauges for Prometheus."""

import ipaddress
import secrets
import shutil
from collections.abc import Callable

import redis
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, ProcessCollector, generate_latest

from common import realtime
from workers.models import Lease, Work, Worker

DISK_FREE_BYTES_MIN = 512 * 1024**2


class NotReady(Exception):
    """A part is missing; the text says which and what to do."""


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers. Touches nothing else."""
    return JsonResponse({"status": "alive"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when every part works, else 503 with the reasons."""
    reasons = {name: reason for name, probe in PROBES.items() if (reason := why_not(probe))}
    if reasons:
        return JsonResponse({"status": "not ready", "reasons": reasons}, status=503)
    return JsonResponse({"status": "ready"})


def why_not(probe: Callable[[], None]) -> str:
    """ "" when the probe passes, else its reason in one line."""
    try:
        probe()
    except (NotReady, DatabaseError, redis.RedisError, OSError) as error:
        return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return ""


def probe_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def probe_migrations() -> None:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise NotReady(f"{len(missing)} migrations are not applied: run manage.py migrate")


def probe_redis() -> None:
    realtime.connection().ping()


def probe_storage() -> None:
    """A small file can be written, and the local disk has room."""
    key = default_storage.save(f"probes/{secrets.token_hex(8)}", ContentFile(b"probe"))
    default_storage.delete(key)
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(settings.VAR_DIR).free < DISK_FREE_BYTES_MIN:
        raise NotReady(f"less than {DISK_FREE_BYTES_MIN // 1024**2} MiB are free under {settings.VAR_DIR}")


PROBES: dict[str, Callable[[], None]] = {
    "database": probe_database,
    "migrations": probe_migrations,
    "redis": probe_redis,
    "storage": probe_storage,
}


# Prometheus -----------------------------------------------------------------------------------------------------------


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Gauges in Prometheus' text format, for the loopback address or the bearer of METRICS_TOKEN; 404 for others."""
    if not may_read_metrics(request):
        raise Http404
    return HttpResponse(generate_latest(gauges()), content_type=CONTENT_TYPE_LATEST)


def may_read_metrics(request: HttpRequest) -> bool:
    """With a token only its bearer; without one only this machine, asked directly (a proxy adds X-Forwarded-For)."""
    if settings.METRICS_TOKEN:
        return constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}")
    return is_loopback(request.META.get("REMOTE_ADDR", "")) and "X-Forwarded-For" not in request.headers


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def gauges() -> CollectorRegistry:
    """This process, the queue and the nodes, read when asked."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for name, (words, count) in COUNTS.items():
        Gauge(name, words, registry=registry).set(count())
    return registry


COUNTS: dict[str, tuple[str, Callable[[], int]]] = {
    "pictor_work_waiting": ("Work that no node holds", lambda: Work.objects.filter(leased=False, held=False).count()),
    "pictor_work_held": ("Work whose job is paused", lambda: Work.objects.filter(held=True).count()),
    "pictor_leases": ("Live leases", lambda: Lease.objects.count()),
    "pictor_nodes_connected": ("Nodes with a live socket", lambda: Worker.objects.connected().count()),
    "pictor_background_queue": ("Background functions waiting", lambda: realtime.connection().llen("background")),
}
