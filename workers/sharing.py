"""Who gets the next place: whom its owner serves first, shares between tiers, rounds between owners. Pure.

Source: docs/scheduling.md. Invariant: `share` never uses a place twice and never pairs what `mismatch` refuses.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import chain, islice

from workers.matching import NOTHING, Learned, Requirements, WorkerFacts, mismatch

ECONOMY, STANDARD, PRIORITY = 0, 1, 2
WEIGHTS = {PRIORITY: 6, STANDARD: 3, ECONOMY: 1}  # of ten places, while all three wait
STRIDES = {tier: 6 // weight for tier, weight in WEIGHTS.items()}  # a tier's clock goes on by this with every place

GroupKey = tuple[int, int, str, int]  # tier, owner, kind, group


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """A free place of a slot. `warm`: the affinity that the slot works on; `at_hand`: those that the node has on disk."""

    facts: WorkerFacts
    slot: int
    place: int
    warm: str = ""
    at_hand: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """The waiting work of one job. `order`: its place among its owner's; `waiting`: how many rows, at least."""

    key: GroupKey
    requirements: Requirements
    order: tuple = ()
    waiting: int = 1
    affinity: str = ""
    learned: Learned = NOTHING

    @property
    def tier(self) -> int:
        return self.key[0]

    @property
    def whose(self) -> int:
        return self.key[1]

    @property
    def owner(self) -> tuple[int, int]:
        """Rounds are kept per tier and owner."""
        return self.key[:2]


# Rounds ---------------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Rounds:
    """How far every tier's clock has gone, when each owner was served last by that clock, and what owners hold now.

    `drawn`: places that they hold because another person's node serves them first. Nobody's share of the common places
    shrinks by what somebody else prefers; among those whom such a node serves alike they count.
    """

    clocks: dict[int, int] = field(default_factory=dict)
    served: dict[tuple[int, int], int] = field(default_factory=dict)
    held: Mapping[tuple[int, int], int] = field(default_factory=dict)
    drawn: Mapping[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        begin = min(self.clocks.values(), default=0)
        self.clocks = {tier: self.clocks.get(tier, begin) for tier in WEIGHTS}
        self.held, self.drawn = Counter(self.held), Counter(self.drawn)

    def copy(self) -> "Rounds":
        return Rounds(clocks=dict(self.clocks), served=dict(self.served), held=self.held, drawn=self.drawn)

    def give(self, owner: tuple[int, int]) -> None:
        """One more place for this owner."""
        tier = owner[0]
        self.clocks[tier] += STRIDES[tier]
        self.served[owner] = self.clocks[tier]
        self.held[owner] += 1

    def hold(self, owner: tuple[int, int], *, on_node_of: int) -> None:
        """One more place of a node that serves this owner first, outside the rounds: no clock goes on."""
        places = self.held if on_node_of == owner[1] else self.drawn
        places[owner] += 1

    def catch_up(self, able: Iterable[int]) -> None:
        """A tier that could use no place saves nothing up: it comes back one place ahead at most."""
        able = set(able)
        if not able:
            return
        now = min(self.clocks[tier] for tier in able)
        for tier in self.clocks.keys() - able:
            self.clocks[tier] = max(self.clocks[tier], now - STRIDES[tier])


# Places ---------------------------------------------------------------------------------------------------------------


class _Fits:
    """Does the group's work fit a node? Asked once for each. `whose`: 0, that of anybody."""

    def __init__(self, group: Group, whose: int):
        self.group, self.whose, self.known = group, whose, {}

    def __call__(self, facts: WorkerFacts) -> bool:
        if facts.worker_id not in self.known:
            met = facts.met_by(self.whose)
            self.known[facts.worker_id] = mismatch(self.group.requirements, met, self.group.learned) is None
        return self.known[facts.worker_id]


class _Candidates:
    """The free places that fit one group's needs, best first; those taken meanwhile are skipped."""

    def __init__(self, places: Sequence[Place], among: Iterable[int], group: Group, taken: set[int], *, whose: int = 0):
        self.places, self.taken, self.next = places, taken, 0
        fits = _Fits(group, whose)
        self.fitting = [i for i in among if fits(places[i].facts)]

    @cached_property
    def near(self) -> dict[str, list[int]]:
        """By affinity, worst first: where it is warm, or else at hand."""
        found: dict[str, list[tuple]] = defaultdict(list)
        for i in self.fitting:
            place = self.places[i]
            for affinity in {place.warm} | place.at_hand:
                found[affinity].append((place.place, place.warm != affinity, i))
        return {affinity: [i for *_, i in sorted(ranked, reverse=True)] for affinity, ranked in found.items() if affinity}

    def take(self, affinity: str) -> int | None:
        """The best free place, taken; one that has the affinity if it is no worse a place. None when there is none."""
        while self.next < len(self.fitting) and self.fitting[self.next] in self.taken:
            self.next += 1
        if self.next == len(self.fitting):
            return None
        best = self.fitting[self.next]
        near = self.near.get(affinity, [])
        while near and near[-1] in self.taken:
            near.pop()
        chosen = near[-1] if near and self.places[near[-1]].place <= self.places[best].place else best
        self.taken.add(chosen)
        return chosen


class Free:
    """All free places, and the candidates for each kind of need. Faster nodes come first."""

    def __init__(self, places: Iterable[Place]):
        self.places = sorted(places, key=lambda p: (p.place, -p.facts.score_milli, p.facts.worker_id, p.slot))
        self.taken: set[int] = set()
        self.candidates: dict[tuple, _Candidates] = {}

    def of(self, group: Group) -> _Candidates:
        needs = (group.requirements, group.learned)
        if needs not in self.candidates:
            self.candidates[needs] = _Candidates(self.places, range(len(self.places)), group, self.taken)
        return self.candidates[needs]

    def take(self, group: Group) -> Place | None:
        chosen = self.of(group).take(group.affinity)
        return None if chosen is None else self.places[chosen]


# The next place -------------------------------------------------------------------------------------------------------


def share(free: Free, groups: Iterable[Group], rounds: Rounds, *, limit: int) -> Iterator[tuple[Place, Group]]:
    """Give free places to groups, one after the other, `limit` at most.

    First those whose nodes serve somebody first, to those people's work. Of the others: the tier whose clock stands lowest is next (the heavier one of two); in it the owner who holds the fewest places (of
    two, who was served longer ago); of that owner the first group, in its `order`, for which a place is left.
    """
    rounds, left = rounds.copy(), {group: group.waiting for group in groups}
    yield from islice(chain(_by_preference(free, left, rounds), _in_turns(free, left, rounds)), limit)


def _in_turns(free: Free, left: Mapping[Group, int], rounds: Rounds) -> Iterator[tuple[Place, Group]]:
    queues = _queues(left, rounds)
    while (pair := _next_pair(free, queues, rounds)) is not None:
        yield pair


def _queues(left: Mapping[Group, int], rounds: Rounds) -> dict[int, list]:
    """Per tier a heap of owners, each with its groups in reverse order and what they still want."""
    by_owner: dict[tuple[int, int], list[Group]] = defaultdict(list)
    for group, count in left.items():
        if count:
            by_owner[group.owner].append(group)
    tiers: dict[int, list] = defaultdict(list)
    for owner, own in by_owner.items():
        own.sort(key=lambda group: group.order, reverse=True)
        tiers[owner[0]].append(_entry(owner, rounds, [[group, left[group]] for group in own]))
    for heap in tiers.values():
        heapify(heap)
    return tiers


def _entry(owner: tuple[int, int], rounds: Rounds, wants: list) -> tuple:
    return rounds.held[owner], rounds.served.get(owner, -1), wants[-1][0].order[-1:], owner, wants


def _next_pair(free: Free, queues: dict[int, list], rounds: Rounds) -> tuple[Place, Group] | None:
    while queues:
        tier = min(queues, key=lambda t: (rounds.clocks[t], STRIDES[t]))
        *_, owner, wants = heappop(queues[tier])
        pair = _first_place(free, wants)
        if pair:
            rounds.give(owner)
        if wants:
            heappush(queues[tier], _entry(owner, rounds, wants))
        if not queues[tier]:
            del queues[tier]
        if pair:
            return pair
    return None


def _first_place(free: Free, wants: list) -> tuple[Place, Group] | None:
    """A place for the first of an owner's groups that can use one; groups that cannot leave the list."""
    while wants:
        group, left = wants[-1]
        place = free.take(group)
        if place is None or left == 1:
            wants.pop()
        else:
            wants[-1][1] -= 1
        if place is not None:
            return place, group
    return None


# The order of service -------------------------------------------------------------------------------------------------


class _Claim:
    """One person's waiting work, and the free places of nodes that serve them first."""

    def __init__(self, free: Free, left: dict[Group, int], whose: int, own: list[Group], among: list[int]):
        self.free, self.left, self.whose, self.among = free, left, whose, among
        self.groups = sorted(own, key=lambda group: (-WEIGHTS[group.tier], group.order), reverse=True)
        self.candidates: dict[tuple, _Candidates] = {}

    def next_pair(self) -> tuple[Place, Group] | None:
        """A place for the first group that can use one: the heavier tier, then the usual order. Those that cannot leave."""
        while self.groups:
            group = self.groups[-1]
            chosen = self._of(group).take(group.affinity) if self.left[group] else None
            if chosen is not None:
                self.left[group] -= 1
                return self.free.places[chosen], group
            self.groups.pop()
        return None

    def _of(self, group: Group) -> _Candidates:
        needs = (group.requirements, group.learned)
        if needs not in self.candidates:
            self.candidates[needs] = _Candidates(self.free.places, self.among, group, self.free.taken, whose=self.whose)
        return self.candidates[needs]


def _by_preference(free: Free, left: dict[Group, int], rounds: Rounds) -> Iterator[tuple[Place, Group]]:
    """Places of nodes that serve somebody first, rank by rank; within a rank to whoever holds the fewest places.

    Outside the rounds: no clock goes on. On one's own nodes the places count as held, on those of others as drawn.
    """
    ranks = max((len(place.facts.first) for place in free.places), default=0)
    by_person: dict[int, list[Group]] = defaultdict(list)
    for group in left if ranks else ():
        by_person[group.whose].append(group)
    for rank in range(ranks):
        claimed = _claimed(free, rank, by_person.keys())
        claims = [_Claim(free, left, whose, by_person[whose], among) for whose, among in claimed.items()]
        waiting = [(_held(rounds, claim.whose), claim.whose, claim) for claim in claims]
        heapify(waiting)
        while waiting:
            _, whose, claim = heappop(waiting)
            pair = claim.next_pair()
            if pair:
                rounds.hold(pair[1].owner, on_node_of=pair[0].facts.owner_id)
                yield pair
                heappush(waiting, (_held(rounds, whose), whose, claim))


def _claimed(free: Free, rank: int, people: Set[int]) -> dict[int, list[int]]:
    """The places whose nodes serve these people at this rank, best first."""
    found: dict[int, list[int]] = defaultdict(list)
    for index, place in enumerate(free.places):
        if len(place.facts.first) > rank and index not in free.taken:
            for whose in place.facts.first[rank] & people:
                found[whose].append(index)
    return found


def _held(rounds: Rounds, whose: int) -> int:
    return sum(rounds.held[tier, whose] + rounds.drawn[tier, whose] for tier in WEIGHTS)


def able_tiers(free: Free, groups: Iterable[Group]) -> set[int]:
    """The tiers that could use one of these places."""
    able: set[int] = set()
    for group in groups:
        if group.tier not in able and free.of(group).fitting:
            able.add(group.tier)
    return able
