"""Free places and waiting work, brought together: the rules of workers.sharing over the rows of the queue."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from random import Random

from workers import nearness, rounds, waiting
from workers.facts import online_nodes
from workers.matching import mismatch, softened
from workers.models import Work
from workers.sharing import Free, Group, GroupKey, Place, Rounds, able_tiers, share
from workers.waiting import WaitingRow, requirements_from

PAGES = 10  # of waiting work read in one run before the rest waits for the next

Pair = tuple[Place, WaitingRow]


def pair(places: list[Place], *, batch: int, without: set[GroupKey], seen: set[int], now: datetime) -> list[Pair]:
    """Share the places out, then read as much work as got one; what a group cannot fill is shared out again."""
    groups = _softened([group for group in _waiting_groups(now) if group.key not in without])
    turns = rounds.read(group.owner for group in groups)
    free = Free(nearness.with_what_is_at_hand(places, groups))
    able = able_tiers(free, groups)
    pairs: list[Pair] = []
    for _ in range(PAGES):
        plan = _plan(free, groups, turns, limit=batch - len(pairs))
        if not plan:
            break
        found = waiting.rows_of({group: len(own) for group, own in plan.items()}, seen=seen, now=now)
        matched = _match(plan, found, free.places)
        for place, row in matched:
            _count(turns, place, row)
        seen |= {row.work_id for rows in found.values() for row in rows}
        pairs += matched
        groups = _unfinished(groups, plan, found)
        used = {id(place) for place, _ in matched}
        free = Free(place for place in free.places if id(place) not in used)
    if pairs:
        turns.catch_up(able)
        rounds.keep(turns, (row.key[:2] for place, row in pairs if not _is_preferred(place, row)))
    return pairs


def _is_preferred(place: Place, row: WaitingRow) -> bool:
    """The node's owner serves this work first: it stands outside the rounds."""
    return place.facts.puts_first(row.key[1])


def _count(turns: Rounds, place: Place, row: WaitingRow) -> None:
    if _is_preferred(place, row):
        turns.hold(row.key[:2], on_node_of=place.facts.owner_id)
    else:
        turns.give(row.key[:2])


def _waiting_groups(now: datetime) -> list[Group]:
    """All groups; of a tier with too many the first ones and those from a random owner on, so that each comes up."""
    found = waiting.groups(now=now)
    for tier in waiting.full_tiers(found):
        from_owner = Random(now.timestamp()).randrange(_owner_max(tier) + 1)
        known = {group.key for group in found}
        found += [g for g in waiting.groups(now=now, from_owner=from_owner, tiers=[tier]) if g.key not in known]
    return found


def _owner_max(tier: int) -> int:
    waits = Work.objects.filter(tier=tier, leased=False, held=False)
    return waits.order_by("-owner_id").values_list("owner_id", flat=True).first() or 0


def _softened(groups: list[Group]) -> list[Group]:
    if not any(group.learned.failed for group in groups):
        return groups
    online = [node.facts for node in online_nodes()]
    return [
        replace(group, learned=softened(group.requirements, group.learned, [facts.met_by(group.whose) for facts in online]))
        for group in groups
    ]


def _plan(free: Free, groups: list[Group], turns: Rounds, *, limit: int) -> dict[Group, list[Place]]:
    plan: dict[Group, list[Place]] = defaultdict(list)
    for place, group in share(free, groups, turns, limit=limit):
        plan[group].append(place)
    return plan


def _match(plan: dict[Group, list[Place]], found: dict[Group, list[WaitingRow]], places: list[Place]) -> list[Pair]:
    """Each group's rows to its places. A row that may not go to any of them looks among those that nobody got."""
    pairs: list[Pair] = []
    stray: list[tuple[Group, WaitingRow]] = []
    for group, own in plan.items():
        left = list(own)
        for row in found[group]:
            place = next((place for place in left if _may(row, group, place)), None)
            if place is None:
                stray.append((group, row))
            else:
                left.remove(place)
                pairs.append((place, row))
    return pairs + _match_strays(stray, pairs, places)


def _match_strays(stray: list[tuple[Group, WaitingRow]], pairs: list[Pair], places: list[Place]) -> list[Pair]:
    if not stray:
        return []
    used = {id(place) for place, _ in pairs}
    free = [place for place in places if id(place) not in used]
    found: list[Pair] = []
    for group, row in stray:
        place = next((p for p in free if _may(row, group, p) and _fits(group, p)), None)
        if place is not None:
            free.remove(place)
            found.append((place, row))
    return found


def _fits(group: Group, place: Place) -> bool:
    return mismatch(group.requirements, place.facts.met_by(group.whose), group.learned) is None


def _may(row: WaitingRow, group: Group, place: Place) -> bool:
    """Not to a node that has just failed it; and by its own needs, should they differ from those of its group's first row."""
    if place.facts.worker_id in row.avoided:
        return False
    needed = requirements_from(row.requirements)
    return needed is group.requirements or mismatch(needed, place.facts.met_by(group.whose), group.learned) is None


def _unfinished(groups: list[Group], plan: dict[Group, list[Place]], found: dict[Group, list[WaitingRow]]) -> list[Group]:
    """The groups that may have more waiting rows than were read so far."""
    left = []
    for group in groups:
        count = len(found.get(group, ()))
        if group in plan and count < len(plan[group]):
            continue
        if group.waiting > count:
            left.append(replace(group, waiting=group.waiting - count))
    return left
