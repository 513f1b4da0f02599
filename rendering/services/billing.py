"""What checked frames cost, and the charges on their job's hold; in batches.

The caller has locked the tasks and their job.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import F

from credit import services as credit
from rendering import pricing
from rendering.models import Attempt, Job
from rendering.services import holds

NEARBY_ATTEMPTS = 8  # a node holds two leases; of the last leases before a commitment no others overlap it
PEERS_LOOKED_AT = 200  # the newest accepted frames of a job


def charge_attempts(
    job: Job, attempts: Sequence[Attempt], walls: Mapping[int, float], now: datetime, *, free: Container[int] = ()
) -> dict[int, int]:
    """Charge frames of one job once each, within hold and cap; sets their billable time and charge.

    Args:
        walls: of `wall_seconds`.
        free: attempts that are not charged.

    Returns the micros that each attempt's node owner earned, by attempt.
    """
    prices = [
        0 if attempt.pk in free else price for attempt, price in zip(attempts, _prices(job, attempts, walls), strict=True)
    ]
    for attempt, micros in zip(attempts, holds.chargeable_all(job, prices), strict=True):
        attempt.charged_micros = micros
    _note_charges(job, [attempt.charged_micros for attempt in attempts])
    charged = [attempt for attempt in attempts if attempt.charged_micros]
    results = credit.charge_holds(charges=[_charge(job, attempt) for attempt in charged], now=now)
    return {attempt.pk: result.worker_micros for attempt, result in zip(charged, results, strict=True)}


def _note_charges(job: Job, charges: list[int]) -> None:
    dearest = max(*charges, job.dearest_micros or 0)
    Job.objects.filter(pk=job.pk).update(charged_micros=F("charged_micros") + sum(charges), dearest_micros=dearest)
    job.charged_micros += sum(charges)
    job.dearest_micros = dearest


def _charge(job: Job, attempt: Attempt) -> credit.Charge:
    assert job.hold_id is not None, "what is charged is held"
    return credit.Charge(
        key=f"task:{attempt.task_id}:attempt:{attempt.number}:charge",
        hold_id=job.hold_id,
        charge_micros=attempt.charged_micros,
        worker_owner_id=attempt.worker.owner_id,
        shares_bp=shares_bp(attempt),
        reference=f"{job.name}, {attempt.task.words}",
    )


def shares_bp(attempt: Attempt) -> dict[str, int]:
    """The split frozen when the attempt was leased."""
    return {"worker": attempt.worker_bp, "checkers": attempt.checkers_bp, "network": attempt.network_bp}


def _prices(job: Job, attempts: Iterable[Attempt], walls: Mapping[int, float]) -> list[int]:
    """Price of each by itself; each is a peer of those after it."""
    peers, prices = Peers(job), []
    for attempt in attempts:
        attempt.billable_ms = pricing.billable_ms(
            node_seconds=attempt.render_seconds or 0.0,
            wall_seconds=walls[attempt.pk],
            score_milli=attempt.score_milli,
            peers_reference_ms=peers.of_others(attempt),
            margin_percent=peers.margin_percent,
        )
        peers.add(attempt)
        score, rate = attempt.score_milli, attempt.rate_micros
        prices.append(pricing.charge_micros(attempt.billable_ms, score_milli=score, rate_micros=rate))
    return prices


# Time -----------------------------------------------------------------------------------------------------------------

NEARBY = """
    SELECT given.id, other.rendered_at, COALESCE(other.render_seconds, 0)
    FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS given(id, worker_id, ended_at)
    CROSS JOIN LATERAL (
        SELECT id, rendered_at, render_seconds FROM rendering_attempt
        WHERE worker_id = given.worker_id AND leased_at <= given.ended_at ORDER BY leased_at DESC LIMIT %s) AS other
    WHERE other.id <> given.id AND other.rendered_at <= given.ended_at
"""


def wall_seconds(attempts: Iterable[Attempt]) -> dict[int, float]:
    """Seconds that the node of each can have spent on it, by the server's clock; by attempt.

    From its start to its commitment. A start that was reported late, because the socket was away while the frame was
    rendered, says too little: then what the node can have had left beside its other frames since the lease.
    """
    ends = {attempt.pk: attempt.rendered_at or attempt.finished_at for attempt in attempts}
    ended = [attempt for attempt in attempts if ends[attempt.pk]]
    walls = dict.fromkeys(ends, 0.0)
    for attempt in ended:
        walls[attempt.pk] = (ends[attempt.pk] - (attempt.started_at or ends[attempt.pk])).total_seconds()
    late = [attempt for attempt in ended if walls[attempt.pk] < (attempt.render_seconds or 0.0)]
    for attempt, others in _rendered_nearby(late, ends):
        own_seconds = pricing.own_seconds(attempt.leased_at, ends[attempt.pk], others)
        walls[attempt.pk] = max(walls[attempt.pk], own_seconds)
    return walls


def _rendered_nearby(attempts: list[Attempt], ends: dict[int, datetime]) -> Iterator[tuple[Attempt, list]]:
    """Each attempt with (commitment, seconds) of the node's other frames that may overlap it."""
    if not attempts:
        return
    columns = [[a.pk for a in attempts], [a.worker_id for a in attempts], [ends[a.pk] for a in attempts]]
    found = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(NEARBY, [*columns, NEARBY_ATTEMPTS])
        for pk, rendered_at, seconds in cursor.fetchall():
            found[pk].append((rendered_at, seconds))
    for attempt in attempts:
        yield attempt, found[attempt.pk]


# Peers ----------------------------------------------------------------------------------------------------------------

NEWEST = """
    SELECT attempt.worker_id, node.owner_id, attempt.billable_ms, attempt.score_milli, task.tile
    FROM rendering_task AS task
    JOIN rendering_attempt AS attempt ON attempt.task_id = task.id AND attempt.number = task.attempt
    JOIN workers_worker AS node ON node.id = attempt.worker_id
    WHERE task.job_id = %s AND task.status = 'accepted' AND attempt.billable_ms > 0
      AND node.owner_id <> %s AND attempt.worker_id <> %s
    ORDER BY task.accepted_at DESC LIMIT %s
"""
NOBODY = 0


class Peer(NamedTuple):
    """An accepted frame or tile of the job. `pixels`: that were ordered; of whole frames 1, as they are all alike."""

    worker_id: int
    owner_id: int
    reference_ms: int
    pixels: int


class Peers:
    """The newest accepted frames of a job, with their nodes and owners; of a still its tiles, which are compared by the pixel."""

    def __init__(self, job: Job):
        self.job = job
        self.newest = self._accepted()
        self.is_all = len(self.newest) < PEERS_LOOKED_AT

    @property
    def margin_percent(self) -> int:
        return pricing.TILE_MARGIN_PERCENT if self.job.tiles else pricing.PEER_MARGIN_PERCENT

    def _accepted(self, *, but_owner: int = NOBODY, but_node: int = NOBODY) -> list[Peer]:
        with connection.cursor() as cursor:
            cursor.execute(NEWEST, [self.job.pk, but_owner, but_node, PEERS_LOOKED_AT])
            rows = cursor.fetchall()
        return [Peer(node, owner, pricing.reference_ms(ms, score), self._pixels(tile)) for node, owner, ms, score, tile in rows]

    def _pixels(self, tile: int) -> int:
        if not tile:
            return 1
        ordered = self.job.grid.ordered(tile, self.job.width, self.job.height)
        return ordered.width * ordered.height

    def of_others(self, attempt: Attempt) -> list[int]:
        """Reference milliseconds that peers took for as many pixels: on nodes of other owners, and of too few on other nodes."""
        found = self._of_other_owners(attempt.worker.owner_id)
        if len(found) < pricing.PEERS_MIN:
            found = self._of_other_nodes(attempt.worker_id)
        pixels = self._pixels(attempt.task.tile)
        return pricing.votes((peer.owner_id, peer.reference_ms * pixels // peer.pixels) for peer in found)

    def _of_other_owners(self, owner_id: int) -> list[Peer]:
        """Looks further back when the newest are nearly all of this one."""
        found = [peer for peer in self.newest if peer.owner_id != owner_id]
        return found if len(found) >= pricing.PEERS_MIN or self.is_all else self._accepted(but_owner=owner_id)

    def _of_other_nodes(self, worker_id: int) -> list[Peer]:
        found = [peer for peer in self.newest if peer.worker_id != worker_id]
        return found if len(found) >= pricing.PEERS_MIN or self.is_all else self._accepted(but_node=worker_id)

    def add(self, attempt: Attempt) -> None:
        if attempt.billable_ms:
            took = pricing.reference_ms(attempt.billable_ms, attempt.score_milli)
            self.newest.insert(0, Peer(attempt.worker_id, attempt.worker.owner_id, took, self._pixels(attempt.task.tile)))
