"""Who gets the next place: tiers by weight, owners in turns, the nearest node; the worked example of docs/scheduling.md."""

import re
from collections import Counter
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from workers.matching import GIB, Learned, Requirements, WorkerFacts, mismatch
from workers.serving import NOBODY_ELSE, Serves
from workers.sharing import ECONOMY, PRIORITY, STANDARD, STRIDES, WEIGHTS, Free, Group, Place, Rounds, able_tiers, share

ENDLESS = 1_000_000
SCHEDULING = (Path(__file__).parents[2] / "docs" / "scheduling.md").read_text()


def place(worker_id: int, number: int = 0, *, warm: str = "", at_hand=(), **changes) -> Place:
    facts = WorkerFacts(worker_id=worker_id, ram_bytes=16 * GIB, sandboxed=True, **changes)
    return Place(facts=facts, slot=0, place=number, warm=warm, at_hand=frozenset(at_hand))


def group(number: int, *, tier: int = STANDARD, owner: int = 1, waiting: int = ENDLESS, **changes) -> Group:
    row = {"requirements": Requirements(), "order": (0, 0.0, number, number)} | changes
    return Group(key=(tier, owner, "toy", number), waiting=waiting, **row)


def given_to(places, groups, rounds=None, *, limit: int = 1_000) -> list[tuple[int, int, int]]:
    """(group, node, place) of each pair."""
    pairs = share(Free(places), groups, rounds or Rounds(), limit=limit)
    return [(group.key[3], place.facts.worker_id, place.place) for place, group in pairs]


class PlaceTests:
    def test_running_places_are_filled_before_next_places(self):
        places = [place(1, 0), place(1, 1), place(2, 0), place(2, 1)]
        assert given_to(places, [group(1, waiting=3)]) == [(1, 1, 0), (1, 2, 0), (1, 1, 1)]

    def test_faster_nodes_come_first(self):
        assert given_to([place(1), place(2, score_milli=2000)], [group(1, waiting=1)]) == [(1, 2, 0)]

    def test_a_node_that_has_the_scene_open_is_preferred_then_one_that_has_it_on_disk(self):
        places = [place(1, score_milli=9000), place(2, at_hand=["s"]), place(3, warm="s")]
        assert [pair[1] for pair in given_to(places, [group(1, affinity="s")])] == [3, 2, 1]

    def test_a_near_next_place_does_not_beat_a_free_node(self):
        assert given_to([place(1, 1, warm="s"), place(2, 0)], [group(1, affinity="s", waiting=1)]) == [(1, 2, 0)]

    def test_nobody_waits_for_a_nearer_node(self):
        assert given_to([place(1)], [group(1, affinity="s", waiting=1)]) == [(1, 1, 0)]

    def test_what_fits_nowhere_keeps_nobody_back(self):
        unfit = group(1, requirements=Requirements(blender_version="4.2.23"))
        assert given_to([place(1)], [unfit, group(2)]) == [(2, 1, 0)]

    def test_a_scene_stays_away_from_nodes_that_it_did_not_fit(self):
        learned = Learned(ran_out=frozenset({1}), memory=((16 * GIB, 16 * GIB),))
        assert given_to([place(1), place(2)], [group(1, learned=learned)]) == []
        assert given_to([place(1), place(2)], [group(1, learned=Learned(failed=frozenset({1})))]) == [(1, 2, 0)]


class OwnerTests:
    def test_the_owner_who_holds_fewest_places_is_next(self):
        rounds = Rounds(held={(STANDARD, 1): 5})
        pairs = given_to([place(n) for n in range(4)], [group(1, owner=1), group(2, owner=2)], rounds)
        assert [pair[0] for pair in pairs] == [2, 2, 2, 2]

    def test_of_two_who_hold_as_many_the_one_served_longer_ago(self):
        rounds = Rounds(served={(STANDARD, 1): 40, (STANDARD, 2): 38})
        assert given_to([place(1)], [group(1, owner=1), group(2, owner=2)], rounds) == [(2, 1, 0)]

    def test_a_job_of_many_frames_leaves_a_small_one_its_share(self):
        pairs = given_to([place(n) for n in range(4)], [group(1, owner=1), group(2, owner=2, waiting=1)])
        assert Counter(pair[0] for pair in pairs) == {1: 3, 2: 1}

    def test_an_owner_s_jobs_go_by_priority_then_deadline_then_submission(self):
        never = float("inf")
        orders = {1: (0, never, 1, 1), 2: (0, 99.0, 2, 2), 3: (0, 50.0, 3, 3), 4: (-1, never, 4, 4)}
        groups = [group(number, waiting=1, order=order) for number, order in orders.items()]
        assert [pair[0] for pair in given_to([place(n) for n in range(4)], groups)] == [4, 3, 2, 1]

    def test_a_deadline_gains_nothing_against_other_owners(self):
        late = group(1, owner=1, order=(0, float("inf"), 1, 1))
        urgent = group(2, owner=2, order=(-5, 0.0, 2, 2))
        assert given_to([place(1)], [late, urgent]) == [(1, 1, 0)]


def serving(worker_id: int, *ranks: set[int], others: bool = True, **changes) -> Place:
    """A place of a node whose owner, the one user of the first rank, serves these users first."""
    return place(worker_id, owner_id=min(ranks[0]), first=tuple(map(frozenset, ranks)), others=others, **changes)


class OrderOfServiceTests:
    def test_the_owner_s_work_goes_first_on_their_node_whoever_is_next(self):
        groups = [group(1, tier=PRIORITY, owner=1), group(2, tier=ECONOMY, owner=2)]
        assert given_to([serving(7, {2})], groups) == [(2, 7, 0)]

    def test_the_team_comes_after_the_owner_and_before_everybody(self):
        groups = [group(1, owner=1), group(2, owner=2, waiting=1), group(3, owner=3, waiting=1)]
        places = [serving(number, {2}, {3}) for number in (7, 8, 9)]
        assert [number for number, _, _ in given_to(places, groups)] == [2, 3, 1]

    def test_people_of_one_rank_share_by_what_they_hold(self):
        groups = [group(1, owner=1), group(2, owner=2)]
        places = [serving(number, {9}, {1, 2}) for number in range(5)]
        rounds = Rounds(held={(STANDARD, 1): 1})
        assert Counter(number for number, _, _ in given_to(places, groups, rounds)) == {1: 2, 2: 3}

    def test_their_heavier_tier_comes_first_and_then_the_usual_order(self):
        groups = [group(1, tier=ECONOMY), group(3, waiting=1), group(2, waiting=1), group(4, tier=PRIORITY, waiting=1)]
        places = [serving(number, {1}) for number in range(4)]
        assert [number for number, _, _ in given_to(places, groups)] == [4, 2, 3, 1]

    def test_a_node_for_its_owner_alone_takes_nobody_else_s(self):
        groups = [group(1, owner=1), group(2, owner=2, waiting=1)]
        assert given_to([serving(7, {2}, others=False), serving(8, {3}, others=False)], groups) == [(2, 7, 0)]

    def test_work_that_does_not_fit_leaves_the_place_to_others(self):
        groups = [group(1, owner=1), group(2, owner=2, requirements=Requirements(device="gpu"))]
        assert given_to([serving(7, {2})], groups) == [(1, 7, 0)]

    def test_the_open_scene_is_preferred_here_too(self):
        groups = [group(2, owner=2, affinity="scene", waiting=1)]
        places = [serving(7, {2}), serving(8, {2}, warm="scene")]
        assert given_to(places, groups) == [(2, 8, 0)]

    def test_it_stands_outside_the_rounds_but_counts_as_held(self):
        """Owner 2 has two places on their own node; of the common ones the others are then served first."""
        groups = [group(1, owner=1), group(2, owner=2), group(3, owner=3)]
        places = [serving(7, {2}), serving(8, {2}), *(place(number) for number in (9, 10, 11, 12, 13, 14))]
        pairs = given_to(places, groups)
        assert pairs[:2] == [(2, 7, 0), (2, 8, 0)]
        assert Counter(number for number, _, _ in pairs[2:6]) == {1: 2, 3: 2}
        assert Counter(number for number, _, _ in pairs) == {1: 3, 2: 3, 3: 2}

    def test_a_stranger_cannot_draw_anothers_work_to_slow_nodes(self):
        """99 serves user 1 first on two slow nodes; what 1 has there costs them nothing of the fast ones."""
        fast = [place(1, score_milli=2_000), place(2, score_milli=2_000)]
        slow = [serving(number, {99}, {1}, score_milli=1) for number in (10, 11)]
        jobs = [group(1, owner=1), group(2, owner=2)]
        assert {job for job, node, _ in given_to(fast + slow, jobs) if node in (1, 2)} == {1, 2}
        drawn = Rounds(drawn={(STANDARD, 1): 2})  # and the same in the next run of the feeder
        assert {job for job, _, _ in given_to(fast, jobs, drawn)} == {1, 2}

    def test_what_a_team_s_nodes_do_for_its_members_counts_among_them(self):
        groups = [group(1, owner=1), group(2, owner=2)]
        rounds = Rounds(drawn={(STANDARD, 1): 1})
        assert given_to([serving(7, {9}, {1, 2})], groups, rounds) == [(2, 7, 0)]

    def test_a_tier_that_could_use_such_places_alone_saves_nothing_up(self):
        own = group(2, tier=ECONOMY, owner=2)
        assert able_tiers(Free([serving(7, {2}, others=False)]), [own]) == set()


class WorkedExampleTests:
    def test_ten_places_are_shared_as_the_document_says(self):
        """docs/scheduling.md, "Worked example"."""
        groups = [
            group(1, tier=PRIORITY, owner=1),
            group(2, tier=STANDARD, owner=2),
            group(3, tier=STANDARD, owner=3),
            group(4, tier=ECONOMY, owner=4),
        ]
        names = {1: "P", 2: "A", 3: "B", 4: "E"}
        pairs = given_to([place(n) for n in range(10)], groups)
        places = "".join(names[pair[0]] for pair in pairs)
        assert re.search(r"^    ((?:[PABE] ?){10})$", SCHEDULING, re.MULTILINE)[1].replace(" ", "") == places

    def test_the_orders_of_service_are_the_code_s(self):
        rows = re.findall(r"^\| `(\w+)`.*\| (what is left|in turns, as above|never) \|$", SCHEDULING, re.MULTILINE)
        assert {word: others == "never" for word, others in rows} == {each.value: each in NOBODY_ELSE for each in Serves}

    def test_its_table_is_the_code_s(self):
        rows = re.findall(r"\| (priority|standard|economy) \| (\d+) \| (\d+) \| (\d+) \|", SCHEDULING)
        tiers = {"priority": PRIORITY, "standard": STANDARD, "economy": ECONOMY}
        assert {name: (int(weight), int(stride)) for name, weight, stride, _ in rows} == {
            name: (WEIGHTS[tier], STRIDES[tier]) for name, tier in tiers.items()
        }
        assert [int(places) for *_, places in rows] == [WEIGHTS[tier] for tier in tiers.values()]

    def test_every_field_that_can_be_asked_for_is_named(self):
        assert {field.name for field in fields(Requirements)} <= set(re.findall(r"`(\w+)`", SCHEDULING))


tiers = st.sampled_from(sorted(WEIGHTS))
owners = st.integers(1, 4)


class Simulation:
    """Nodes whose work ends one by one; the feeder's rules give each freed place again."""

    def __init__(self, queues, nodes: int):
        self.queues, self.nodes = queues, nodes
        self.rounds, self.running = Rounds(), []
        self.log: list[tuple[int, int]] = []

    def step(self) -> None:
        if len(self.running) == self.nodes:
            owner = self.running.pop(0)
            self.rounds.held[owner] -= 1
        free = Free([place(n) for n in range(self.nodes - len(self.running))])
        groups = [group(n, tier=tier, owner=owner) for n, (tier, owner) in enumerate(self.queues, start=1)]
        able = able_tiers(free, groups)
        for _, chosen in share(free, groups, self.rounds, limit=1_000):
            self.rounds.give(chosen.owner)
            self.running.append(chosen.owner)
            self.log.append(chosen.owner)
        self.rounds.catch_up(able)


queues = st.lists(st.tuples(tiers, owners), min_size=1, max_size=8, unique=True)


class FairnessTests:
    @given(queues, st.integers(1, 6), st.integers(20, 80))
    def test_each_tier_gets_its_share_of_every_stretch(self, waiting, nodes, steps):
        world = Simulation(waiting, nodes)
        for _ in range(steps):
            world.step()
        present = {tier for tier, _ in waiting}
        total = sum(WEIGHTS[tier] for tier in present)
        counts = Counter(tier for tier, _ in world.log)
        for tier in present:
            assert abs(counts[tier] - len(world.log) * WEIGHTS[tier] / total) <= 3

    @given(queues, st.integers(1, 6))
    def test_nobody_waits_longer_than_the_bound_of_the_document(self, waiting, nodes):
        """A tier waits total weight / own weight turns and three more; an owner as many of its tier's as it has owners,
        and as many again as places are held."""
        world = Simulation(waiting, nodes)
        for _ in range(150):
            world.step()
        total = sum(WEIGHTS[tier] for tier in {tier for tier, _ in waiting})
        for tier, owner in waiting:
            rivals = sum(other == tier for other, _ in waiting)
            bound = (rivals + nodes + 1) * (total / WEIGHTS[tier] + 3)
            turns = [-1, *(n for n, each in enumerate(world.log) if each == (tier, owner)), len(world.log)]
            assert max(after - before for before, after in pairwise(turns)) <= bound

    @given(st.lists(st.tuples(tiers, owners), min_size=2, max_size=8, unique=True), st.integers(2, 12))
    def test_within_a_tier_nobody_holds_two_more_than_another(self, waiting, nodes):
        world = Simulation([(STANDARD, owner) for _, owner in waiting], nodes)
        world.queues = sorted(set(world.queues))
        for _ in range(40):
            world.step()
            held = [world.rounds.held[owner] for owner in world.queues]
            assert max(held) - min(held) <= 1

    def test_a_tier_that_was_away_saves_nothing_up(self):
        rounds = Rounds(clocks={PRIORITY: 600, STANDARD: 600, ECONOMY: 0})
        rounds.catch_up({PRIORITY, STANDARD})
        assert rounds.clocks[ECONOMY] == 600 - STRIDES[ECONOMY]

    def test_a_tier_that_only_a_few_nodes_fit_gets_them_all_the_same(self):
        economy = group(1, tier=ECONOMY, owner=1, requirements=Requirements(trusted_only=True))
        priority = group(2, tier=PRIORITY, owner=2)
        rounds, got = Rounds(), Counter()
        for number in range(100):
            free = Free([place(1, trusted=number % 10 == 0)])
            able = able_tiers(free, [economy, priority])
            for _, chosen in share(free, [economy, priority], rounds, limit=1):
                rounds.give(chosen.owner)
                rounds.held[chosen.owner] -= 1
                got[chosen.tier] += 1
            rounds.catch_up(able)
        assert got[ECONOMY] >= 9


works = st.lists(st.tuples(tiers, owners, st.booleans(), st.integers(1, 4)), max_size=8)
frees = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 1)), unique=True, max_size=10)


class SafetyTests:
    @given(frees, works, *[st.sets(st.integers(1, 5))] * 3)
    def test_nothing_is_given_twice_and_nothing_excluded_is_paired(self, free, work, gpus, ran_out, failed):
        places = [place(node, number, vram_bytes=(8 * GIB,) if node in gpus else ()) for node, number in free]
        learned = Learned(ran_out=frozenset(ran_out), failed=frozenset(failed))
        groups = [
            group(n, tier=t, owner=o, waiting=w, learned=learned, requirements=Requirements(device="gpu" if gpu else "any"))
            for n, (t, o, gpu, w) in enumerate(work)
        ]
        pairs = list(share(Free(places), groups, Rounds(), limit=100))
        assert len({id(place) for place, _ in pairs}) == len(pairs)
        assert all(mismatch(group.requirements, place.facts, group.learned) is None for place, group in pairs)
        assert all(count <= group.waiting for group, count in Counter(group for _, group in pairs).items())

    @given(st.integers(0, 8), works)
    def test_no_place_stays_free_while_fitting_work_waits(self, nodes, work):
        groups = [group(n, tier=t, owner=o, waiting=w) for n, (t, o, _, w) in enumerate(work)]
        pairs = given_to([place(n) for n in range(nodes)], groups)
        assert len(pairs) == min(nodes, sum(w for *_, w in work))
