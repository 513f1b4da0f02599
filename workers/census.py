"""The nodes that take work now, counted by what rules ask: 10,000 of them are a few classes, which pages match in no time."""

from collections import defaultdict
from collections.abc import Set
from typing import NamedTuple

from django.db import connection

from common.lately import Lately, kept_if_many
from workers.counting import counted_gpus_sql
from workers.facts import NODES, TAKES_WORK, names_of
from workers.matching import NOTHING, Alike, Learned, Requirements, WorkerFacts, mismatch
from workers.places import keys_of
from workers.serving import uses_of

FEW = 200  # so many nodes are counted anew for every page; more are remembered for a moment
KEPT_SECONDS = 5
FIXED = 15  # columns that make a class; the lists follow
CLASS = ", ".join(str(number + 1) for number in range(FIXED))

# Memory in steps of 16 MiB and reliability in whole percent, so that nodes of one make are alike.
CLASSES = f"""
    SELECT w.engines::text, w.blender_versions::text, w.ram_bytes / 16777216 * 16777216,
           COALESCE(gpus.models, '{{}}'), COALESCE(gpus.memory, '{{}}'), w.country, w.trusted, w.reliability_bp / 100 * 100,
           w.isolation = 'bubblewrap', w.unsandboxed_allowed, w.protocol,
           COALESCE(c.accepts_render, TRUE), COALESCE(c.accepts_check, TRUE), COALESCE(c.accepts_rent, FALSE),
           CASE c.serves WHEN 'own_only' THEN ARRAY[w.owner_id] WHEN 'team_only' THEN w.owner_id || c.team_ids END,
           array_agg(w.id), array_agg(w.owner_id), array_agg(w.slots > COALESCE(busy.places, 0)),
           array_agg(w.score_milli * w.slots)
    FROM {NODES}
    LEFT JOIN (SELECT worker_id, array_agg(model ORDER BY index) AS models, array_agg(vram_bytes ORDER BY index) AS memory
               FROM workers_gpu gpu JOIN workers_worker node ON node.id = gpu.worker_id
               WHERE {counted_gpus_sql("node", "gpu")} GROUP BY worker_id) gpus ON gpus.worker_id = w.id
    LEFT JOIN (SELECT worker_id, count(*) AS places FROM workers_lease WHERE place = 0 GROUP BY worker_id) busy
           ON busy.worker_id = w.id
    WHERE {TAKES_WORK} GROUP BY {CLASS}
"""


class HardwareClass(NamedTuple):
    """Nodes that differ in name and owner alone; the four lists are in one order."""

    facts: WorkerFacts  # without node and owner
    ids: list[int]
    owner_ids: list[int]
    free: list[bool]  # a place where work would begin at once
    speeds_milli: list[int]  # reference seconds per 1,000 seconds, of all slots

    def met_by(self, user_id: int) -> "HardwareClass":
        """As the work of this user meets them."""
        return self._replace(facts=self.facts.met_by(user_id))

    def told_apart(self, owner_ids: Set[int], ids: Set[int]) -> list[Alike]:
        """The nodes that are named, or whose owners are, one by one; then the others together."""
        nodes = zip(self.ids, self.owner_ids, self.free, strict=True) if owner_ids or ids else ()
        named = [node for node in nodes if node[0] in ids or node[1] in owner_ids]
        rest = Alike(self.facts, sum(self.free) - sum(free for *_, free in named), len(self.ids) - len(named))
        return [_alone(self.facts, *node) for node in named] + [rest] * bool(rest.count)


known_here: Lately[list[HardwareClass]] = Lately(seconds=2)  # 10,000 nodes take a millisecond to unpack


def _alone(facts: WorkerFacts, worker_id: int, owner_id: int, free: bool) -> Alike:
    return Alike(facts.of(worker_id, owner_id), int(free))


def online(requirements: Requirements, learned: Learned = NOTHING, *, whose: int) -> list[Alike]:
    """For a page that matches them with this work of a user; of a large network a few seconds old."""
    owner_ids = {requirements.owner_only, *requirements.owner_ids} - {0}
    ids = learned.ran_out | learned.failed
    return [alike for each in classes_of_late() for alike in each.met_by(whose).told_apart(owner_ids, ids)]


def speeds_milli(requirements: Requirements, *, whose: int) -> dict[str, list[int]]:
    """The speeds of the nodes that fit work of this user, by their class of devices; of a large network a few seconds old."""
    found: dict[str, list[int]] = defaultdict(list)
    asks_who = bool(requirements.owner_only or requirements.owner_ids)
    for each in (known.met_by(whose) for known in classes_of_late()):
        if asks_who or mismatch(requirements, each.facts) is None:
            found[each.facts.device_class] += [
                speed
                for worker_id, owner_id, speed in zip(each.ids, each.owner_ids, each.speeds_milli, strict=True)
                if not asks_who or mismatch(requirements, each.facts.of(worker_id, owner_id)) is None
            ]
    return found


def classes_of_late() -> list[HardwareClass]:
    found = known_here.known()
    if found is None:
        found = _classes_of_all()
        if sum(len(each.ids) for each in found) > FEW:
            known_here.keep(found)
    return found


def _classes_of_all() -> list[HardwareClass]:
    """As one of the processes read them; the others need only unpack them."""
    return kept_if_many("nodes-online:3", _classes, many=FEW, seconds=KEPT_SECONDS)


def _classes() -> tuple[list[HardwareClass], int]:
    """With the number of nodes."""
    with connection.cursor() as cursor:
        cursor.execute(CLASSES)
        found = [HardwareClass(_facts(row), *row[FIXED:]) for row in cursor.fetchall()]
    return found, sum(len(each.ids) for each in found)


def _facts(row) -> WorkerFacts:
    engines, versions, ram_bytes, models, memory, country, trusted, reliability_bp, *sandbox, protocol = row[:11]
    render, check, rent, served = row[11:FIXED]
    return WorkerFacts(
        worker_id=0,
        engines=names_of(engines),
        blender_versions=names_of(versions),
        ram_bytes=ram_bytes,
        gpu_models=tuple(models),
        vram_bytes=tuple(memory),
        locations=keys_of(country),
        trusted=trusted,
        reliability_bp=reliability_bp,
        sandboxed=sandbox[0],
        unsandboxed_allowed=sandbox[1],
        protocol=protocol,
        uses=uses_of(render=render, check=check, rent=rent),
        first=(frozenset(served),) if served else (),
        others=not served,
    )
