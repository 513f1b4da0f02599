"""The rounds of `workers.sharing`, kept between one run of the feeder and the next. Only the feeder writes them."""

from collections.abc import Iterable

from django.db import connection

from workers.serving import WITH_TEAM
from workers.sharing import Rounds

TURNS = """
    SELECT tier, owner_id, turns FROM workers_turn
    WHERE owner_id = 0 OR (tier, owner_id) IN (SELECT * FROM unnest(%s::smallint[], %s::bigint[]))
"""
HELD = """
    SELECT work.tier, work.owner_id, count(*) FILTER (WHERE NOT drawn), count(*) FILTER (WHERE drawn)
    FROM workers_lease AS lease JOIN workers_work AS work ON work.id = lease.work_id
    JOIN workers_worker AS worker ON worker.id = lease.worker_id
    LEFT JOIN workers_controls AS controls ON controls.worker_id = lease.worker_id
    CROSS JOIN LATERAL (SELECT coalesce(
        work.owner_id <> worker.owner_id AND controls.serves = ANY(%s) AND work.owner_id = ANY(controls.team_ids), FALSE
    ) AS drawn) AS preferred
    WHERE lease.place IS NOT NULL GROUP BY 1, 2
"""
KEEP = """
    INSERT INTO workers_turn (tier, owner_id, turns) SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[])
    ON CONFLICT (tier, owner_id) DO UPDATE SET turns = EXCLUDED.turns
"""


def read(owners: Iterable[tuple[int, int]]) -> Rounds:
    """As they stand, for these (tier, owner)."""
    wanted = sorted(set(owners))
    with connection.cursor() as cursor:
        cursor.execute(TURNS, [[tier for tier, _ in wanted], [owner_id for _, owner_id in wanted]])
        turns = {(tier, owner_id): turns for tier, owner_id, turns in cursor.fetchall()}
        cursor.execute(HELD, [sorted(WITH_TEAM)])
        places = {(tier, owner_id): counts for tier, owner_id, *counts in cursor.fetchall()}
    return Rounds(
        clocks={tier: count for (tier, owner_id), count in turns.items() if not owner_id},
        served={owner: count for owner, count in turns.items() if owner[1]},
        held={owner: held for owner, (held, _) in places.items()},
        drawn={owner: drawn for owner, (_, drawn) in places.items()},
    )


def keep(rounds: Rounds, owners: Iterable[tuple[int, int]]) -> None:
    """Write the clocks, and when these owners were served."""
    rows = [(tier, 0, count) for tier, count in rounds.clocks.items()]
    rows += [(*owner, rounds.served[owner]) for owner in sorted(set(owners))]
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [list(column) for column in zip(*rows, strict=True)])
