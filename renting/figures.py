"""Which connected nodes have GPUs: what can be rented once renting opens."""

from datetime import datetime

from django.db.models import Count, Max, Sum

from workers.models import Gpu, Worker
from workers.states import WorkerStatus


def overview(user, *, now: datetime) -> dict:
    gpus = Gpu.objects.filter(worker__connected_at__isnull=False)
    own = Worker.objects.owned_by(user).exclude(status=WorkerStatus.RETIRED).prefetch_related("gpus")
    own_nodes = [(worker, list(worker.gpus.all())) for worker in own]
    return {
        "models": _models(gpus),
        "gpu_count": gpus.count(),
        "gpu_nodes": gpus.values("worker").distinct().count(),
        "vram_bytes": gpus.aggregate(total=Sum("vram_bytes"))["total"] or 0,
        "nodes_online": Worker.objects.connected().count(),
        "own_nodes": own_nodes,
        "own_gpu_nodes": sum(bool(gpus) for _, gpus in own_nodes),
    }


def _models(gpus) -> list[dict]:
    counted = (
        gpus.order_by()
        .values("model")
        .annotate(count=Count("pk"), nodes=Count("worker", distinct=True), vram=Max("vram_bytes"))
    )
    return list(counted.order_by("-vram", "model"))
