"""What the network believes of its nodes, as facts for the rules: of one row, of those online. Pages count them by workers.census."""

import json
from functools import lru_cache
from typing import NamedTuple

from django.db import connection

from workers.control_models import controls_of
from workers.counting import counted_gpus, counted_gpus_sql
from workers.matching import WorkerFacts
from workers.models import Worker
from workers.places import keys_of
from workers.serving import NOBODY_ELSE, ranks_of, uses_of

NODES_MAX = 20_000

NODES = "workers_worker w LEFT JOIN workers_controls c ON c.worker_id = w.id"
GPUS_COUNT = counted_gpus_sql("w", "g")
# In the order of `facts_of_row`, of NODES.
COLUMNS = f"""
    w.id, w.owner_id, w.engines::text, w.blender_versions::text, w.ram_bytes,
    ARRAY(SELECT g.model FROM workers_gpu g WHERE g.worker_id = w.id AND {GPUS_COUNT} ORDER BY g.index),
    ARRAY(SELECT g.vram_bytes FROM workers_gpu g WHERE g.worker_id = w.id AND {GPUS_COUNT} ORDER BY g.index),
    w.country, w.trusted, w.reliability_bp, w.isolation = 'bubblewrap', w.unsandboxed_allowed, w.score_milli, w.protocol,
    c.serves, c.team_ids, c.accepts_render, c.accepts_check, c.accepts_rent
"""
WIDTH = 19


def takes_work(node: str) -> str:
    """The condition on a row of workers_worker, by its name in the statement."""
    return f"{node}.status = 'online' AND {node}.connected_at IS NOT NULL AND {node}.closed_by = '' AND {node}.resting = ''"


TAKES_WORK = takes_work("w")
ONLINE = f"""
    SELECT {COLUMNS},
           w.slots > (SELECT count(*) FROM workers_lease l WHERE l.worker_id = w.id AND l.place = 0)
    FROM {NODES} WHERE {TAKES_WORK} ORDER BY w.id LIMIT %s
"""


class Node(NamedTuple):
    """One that takes work now."""

    facts: WorkerFacts
    free: bool  # it has a place where work would begin at once


def facts_of_row(row) -> WorkerFacts:
    """`row`: COLUMNS. Of a node without controls theirs are None: the defaults hold."""
    serves, team_ids, *uses = row[14:WIDTH]
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
        **({} if serves is None else _service(row[1], serves, team_ids, uses)),
    )


def _service(owner_id: int, serves: str, team_ids: list[int], uses: list[bool]) -> dict:
    render, check, rent = uses
    return {
        "uses": uses_of(render=render, check=check, rent=rent),
        "first": ranks_of(serves, owner_id, team_ids),
        "others": serves not in NOBODY_ELSE,
    }


@lru_cache(maxsize=1_024)
def names_of(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def facts_of(worker: Worker) -> WorkerFacts:
    """`worker` with its GPUs and controls joined."""
    controls = controls_of(worker)
    uses = [controls.accepts_render, controls.accepts_check, controls.accepts_rent]
    gpus = counted_gpus(worker)
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
        **_service(worker.owner_id, controls.serves, controls.team_ids, uses),
    )


def online_nodes() -> list[Node]:
    """All nodes that take work, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(ONLINE, [NODES_MAX])
        return [Node(facts_of_row(row), row[WIDTH]) for row in cursor.fetchall()]
