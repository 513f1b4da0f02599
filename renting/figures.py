"""Which connected nodes have GPUs: what can be rented once renting opens."""

from datetime import datetime

from django.core.cache import cache
from django.db.models import Count, Max, Q, Sum

from workers.models import Gpu, Worker

KEY = "renting:network"
KEPT_SECONDS = 60
OWN_SHOWN = 25


def overview(user, *, now: datetime) -> dict:
    own = Worker.objects.owned_by(user).kept()
    counts = own.aggregate(all=Count("pk", distinct=True), with_gpu=Count("pk", distinct=True, filter=Q(gpus__isnull=False)))
    shown = own.order_by("name").prefetch_related("gpus")[:OWN_SHOWN]
    return cache.get_or_set(KEY, of_the_network, KEPT_SECONDS) | {
        "own_nodes": [(worker, list(worker.gpus.all())) for worker in shown],
        "own_count": counts["all"],
        "own_more": max(0, counts["all"] - OWN_SHOWN),
        "own_gpu_nodes": counts["with_gpu"],
    }


def of_the_network() -> dict:
    """Sums over every node that is connected."""
    gpus = Gpu.objects.filter(worker__connected_at__isnull=False).order_by()
    by_model = gpus.values("model").annotate(
        count=Count("pk"), nodes=Count("worker", distinct=True), vram=Max("vram_bytes"), vram_sum=Sum("vram_bytes")
    )
    models = list(by_model.order_by("-vram", "model"))
    return {
        "models": models,
        "gpu_count": sum(row["count"] for row in models),
        "gpu_nodes": Worker.objects.connected().filter(gpus__isnull=False).distinct().count(),
        "vram_bytes": sum(row["vram_sum"] for row in models),
        "nodes_online": Worker.objects.connected().count(),
    }
