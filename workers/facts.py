"""What the network believes of its nodes, as facts for the rules: of one row, of those online. Pages count them by workers.census."""

import json
from functools import lru_cache
from typing import NamedTuple

from django.db import connection

from workers.matching import WorkerFacts
from workers.models import Worker
from workers.places import keys_of

NODES_MAX = 20_000

# In the order of `facts_of_row`, of `workers_worker AS w`.
COLUMNS = """
    w.id, w.owner_id, w.engines::text, w.blender_versions::text, w.ram_bytes,
    ARRAY(SELECT g.model FROM workers_gpu g WHERE g.worker_id = w.id AND w.device <> 'CPU' ORDER BY g.index),
    ARRAY(SELECT g.vram_bytes FROM workers_gpu g WHERE g.worker_id = w.id AND w.device <> 'CPU' ORDER BY g.index),
    w.country, w.trusted, w.reliability_bp, w.isolation = 'bubblewrap', w.unsandboxed_allowed, w.score_milli, w.protocol
"""
WIDTH = 14
TAKES_WORK = "w.status = 'online' AND w.connected_at IS NOT NULL AND w.closed_by = ''"
ONLINE = f"""
    SELECT {COLUMNS},
           w.slots > (SELECT count(*) FROM workers_lease l WHERE l.worker_id = w.id AND l.place = 0)
    FROM workers_worker w WHERE {TAKES_WORK} ORDER BY w.id LIMIT %s
"""


class Node(NamedTuple):
    """One that takes work now."""

    facts: WorkerFacts
    free: bool  # it has a place where work would begin at once


def facts_of_row(row) -> WorkerFacts:
    """`row`: COLUMNS."""
    return WorkerFacts(
        worker_id=row[0],
        owner_id=row[1],
        engines=names_of(row[2]),
        blender_versions=names_of(row[3]),
        ram_bytes=row[4],
        gpu_models=tuple(row[5]),
        vram_bytes=tuple(row[6]),
        locations=keys_of(row[7]),
        trusted=row[8],
        reliability_bp=row[9],
        sandboxed=row[10],
        unsandboxed_allowed=row[11],
        score_milli=row[12],
        protocol=row[13],
    )


@lru_cache(maxsize=1_024)
def names_of(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def facts_of(worker: Worker) -> WorkerFacts:
    """`worker` with its GPUs prefetched."""
    gpus = [] if worker.device == "CPU" else list(worker.gpus.all())
    return WorkerFacts(
        worker_id=worker.pk,
        owner_id=worker.owner_id,
        engines=frozenset(worker.engines),
        blender_versions=frozenset(worker.blender_versions),
        ram_bytes=worker.ram_bytes,
        gpu_models=tuple(gpu.model for gpu in gpus),
        vram_bytes=tuple(gpu.vram_bytes for gpu in gpus),
        locations=keys_of(worker.country),
        trusted=worker.trusted,
        reliability_bp=worker.reliability_bp,
        sandboxed=worker.sandboxed,
        unsandboxed_allowed=worker.unsandboxed_allowed,
        score_milli=worker.score_milli,
        protocol=worker.protocol,
    )


def online_nodes() -> list[Node]:
    """All nodes that take work, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(ONLINE, [NODES_MAX])
        return [Node(facts_of_row(row), row[WIDTH]) for row in cursor.fetchall()]
