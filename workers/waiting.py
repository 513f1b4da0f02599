"""The work that waits: one row per job from the queue's index, then the first rows of those that get places.

Both statements leap from job to job, so that a million rows of few jobs cost no more than a thousand.
"""

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from django.db import connection

from workers import misfits
from workers.facts import takes_work
from workers.matching import NOTHING, Learned, Requirements
from workers.sharing import WEIGHTS, Group, GroupKey

GROUPS_MAX = 3_000  # of one tier; of more, these and as many from a random owner on
COUNTED = 16  # rows of a group that are counted; beyond, it counts as endless
ENDLESS = 1_000_000
NEVER = float("inf")

GROUPS = """
    WITH RECURSIVE leap AS (
        SELECT first.*, 1 AS depth FROM unnest(%(tiers)s::smallint[]) AS given(tier) CROSS JOIN LATERAL (
            SELECT work.tier, work.owner_id, work.kind, work."group" FROM workers_work AS work
            WHERE NOT work.leased AND NOT work.held AND work.tier = given.tier AND work.owner_id >= %(from_owner)s
            ORDER BY work.tier, work.owner_id, work.kind, work."group" LIMIT 1) AS first
        UNION ALL
        SELECT next.*, leap.depth + 1 FROM leap CROSS JOIN LATERAL (
            SELECT work.tier, work.owner_id, work.kind, work."group" FROM workers_work AS work
            WHERE NOT work.leased AND NOT work.held AND work.tier = leap.tier
              AND (work.owner_id, work.kind, work."group") > (leap.owner_id, leap.kind, leap."group")
            ORDER BY work.tier, work.owner_id, work.kind, work."group" LIMIT 1) AS next
        WHERE leap.depth < %(limit)s)
    SELECT leap.tier, leap.owner_id, leap.kind, leap."group",
           head.id, head.requirements::text, head.affinity, head.priority, head.needed_by_at, head.sort, counted.rows
    FROM leap CROSS JOIN LATERAL (
        SELECT * FROM workers_work AS work
        WHERE NOT work.leased AND NOT work.held AND work.tier = leap.tier AND work.owner_id = leap.owner_id
          AND work.kind = leap.kind AND work."group" = leap."group"
        ORDER BY work.priority DESC, work.sort, work.id LIMIT 1) AS head
    CROSS JOIN LATERAL (SELECT count(*) AS rows FROM (
        SELECT 1 FROM workers_work AS work
        WHERE NOT work.leased AND NOT work.held AND work.tier = leap.tier AND work.owner_id = leap.owner_id
          AND work.kind = leap.kind AND work."group" = leap."group" LIMIT %(counted)s) AS few) AS counted
"""

ROWS = f"""
    SELECT wanted.number, work.* FROM unnest(%s::smallint[], %s::bigint[], %s::text[], %s::bigint[], %s::int[])
        WITH ORDINALITY AS wanted(tier, owner_id, kind, "group", amount, number)
    CROSS JOIN LATERAL (
        SELECT item.id, item.reference, item.requirements::text, item.attempts,
               CASE WHEN item.avoided_until > %s THEN COALESCE((
                   SELECT array_agg(node.id) FILTER (WHERE node.owner_id = ANY(failed.owner_ids)) FROM workers_worker AS node,
                       (SELECT array_agg(owner_id) AS owner_ids FROM workers_worker
                        WHERE id = item.avoided_id OR id = ANY(item.failed_on)) AS failed
                   WHERE {takes_work("node")}
                     AND NOT item.requirements ? 'owner_only'
                   HAVING bool_or(node.owner_id <> ALL(failed.owner_ids))), (
                   SELECT item.failed_on || item.avoided_id FROM workers_worker AS other
                   WHERE other.id <> item.avoided_id AND other.id <> ALL(item.failed_on)
                     AND {takes_work("other")} LIMIT 1)) END
        FROM workers_work AS item
        WHERE NOT item.leased AND NOT item.held AND item.tier = wanted.tier AND item.owner_id = wanted.owner_id
          AND item.kind = wanted.kind AND item."group" = wanted."group" AND item.id <> ALL(%s::bigint[])
        ORDER BY item.priority DESC, item.sort, item.id LIMIT wanted.amount FOR UPDATE SKIP LOCKED) AS work
    ORDER BY wanted.number
"""


class WaitingRow(NamedTuple):
    """A locked row of the queue. `avoided`: nodes that may not have it now, because they failed it and others are online.

    Those are all nodes of the owners of whom one failed it, while a node of another owner is online.
    """

    work_id: int
    reference: int
    requirements: str
    attempts: int
    avoided: frozenset[int]
    key: GroupKey
    affinity: str

    @property
    def kind(self) -> str:
        return self.key[2]

    @property
    def group(self) -> int:
        return self.key[3]


@lru_cache(maxsize=4_096)
def requirements_from(text: str) -> Requirements:
    return Requirements.from_json(json.loads(text))


def groups(
    *, now: datetime, from_owner: int = 0, tiers: Iterable[int] = tuple(WEIGHTS), limit: int = GROUPS_MAX
) -> list[Group]:
    """The groups with waiting work, up to `limit` of a tier, from this owner on."""
    values = {"tiers": list(tiers), "from_owner": from_owner, "limit": limit, "counted": COUNTED}
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, values)
        rows = cursor.fetchall()
    learned = misfits.learned({row[6] for row in rows}, now=now)
    return [_group(row, learned.get(row[6], NOTHING)) for row in rows]


def _group(row, learned: Learned) -> Group:
    work_id, requirements, affinity, priority, needed_by_at, sort, count = row[4:]
    return Group(
        key=row[:4],
        requirements=requirements_from(requirements),
        order=(-priority, needed_by_at.timestamp() if needed_by_at else NEVER, sort, work_id),
        waiting=count if count < COUNTED else ENDLESS,
        affinity=affinity,
        learned=learned,
    )


def full_tiers(found: Collection[Group]) -> list[int]:
    """The tiers of which more groups wait than were read."""
    return [tier for tier in WEIGHTS if sum(group.tier == tier for group in found) >= GROUPS_MAX]


def rows_of(wanted: dict[Group, int], *, seen: Collection[int], now: datetime) -> dict[Group, list[WaitingRow]]:
    """The first rows of each group, as many as wanted, locked; those that another transaction holds are passed over."""
    found: dict[Group, list[WaitingRow]] = {group: [] for group in wanted}
    numbered = list(wanted)
    columns = [list(column) for column in zip(*((*group.key, count) for group, count in wanted.items()), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [*columns, now, list(seen)])
        for number, work_id, reference, requirements, attempts, avoided in cursor.fetchall():
            group = numbered[number - 1]
            row = WaitingRow(work_id, reference, requirements, attempts, frozenset(avoided or ()), group.key, group.affinity)
            found[group].append(row)
    return found
