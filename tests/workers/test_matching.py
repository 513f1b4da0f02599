"""Who may do what, who gets what, and the line that says why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.matching import (
    GIB,
    Place,
    Reason,
    Requirements,
    Waiting,
    WorkerFacts,
    assign,
    explain_idle,
    explain_waiting,
    mismatch,
)


def facts(worker_id: int = 1, **changes) -> WorkerFacts:
    row = {"blender_versions": frozenset({"5.0.1"}), "ram_bytes": 16 * GIB, "sandboxed": True} | changes
    return WorkerFacts(worker_id=worker_id, **row)


class MismatchTests:
    @pytest.mark.parametrize(
        ("needed", "has", "reason"),
        [
            ({}, {}, None),
            ({"blender_version": "5.0.1"}, {}, None),
            ({"blender_version": "4.2.23"}, {}, Reason.BLENDER_VERSION),
            ({"engine": "redshift"}, {}, Reason.ENGINE),
            ({"device": "gpu"}, {}, Reason.DEVICE),
            ({"device": "gpu"}, {"vram_bytes": (8 * GIB,)}, None),
            ({"vram_bytes_min": 12 * GIB}, {"vram_bytes": (8 * GIB, 10 * GIB)}, Reason.VRAM),
            ({"vram_bytes_min": 10 * GIB}, {"vram_bytes": (8 * GIB, 10 * GIB)}, None),
            ({"ram_bytes_min": 17 * GIB}, {}, Reason.RAM),
            ({"owner_only": 5}, {"owner_id": 4}, Reason.OWNER),
            ({"owner_only": 5}, {"owner_id": 5}, None),
            ({}, {"sandboxed": False}, Reason.NODE_UNSANDBOXED),
            ({}, {"sandboxed": False, "unsandboxed_allowed": True}, None),
            ({"sandbox_required": True}, {"sandboxed": False, "unsandboxed_allowed": True}, Reason.SANDBOX),
        ],
    )
    def test_each_requirement_is_held_against_the_facts(self, needed, has, reason):
        assert mismatch(Requirements(**needed), facts(**has)) == reason

    def test_requirements_of_a_newer_server_are_read(self):
        row = {"blender_version": "5.0.1", "quantum": True, "ram_bytes_min": None}
        assert Requirements.from_json(row) == Requirements(blender_version="5.0.1")


def place(worker_id: int, number: int = 0, *, group=None, **changes) -> Place:
    return Place(facts=facts(worker_id, **changes), slot=0, place=number, group=group)


def waiting(work_id: int, group: int = 1, *, avoided_id: int | None = None, **needed) -> Waiting:
    return Waiting(work_id=work_id, group=("toy", group), requirements=Requirements(**needed), avoided_id=avoided_id)


def chosen(pairs) -> list[tuple[int, int, int]]:
    return [(work.work_id, place.facts.worker_id, place.place) for place, work in pairs]


class AssignTests:
    def test_running_places_are_filled_before_next_places(self):
        places = [place(1, 0), place(1, 1), place(2, 0), place(2, 1)]
        assert chosen(assign(places, [waiting(1), waiting(2), waiting(3)])) == [(1, 1, 0), (2, 2, 0), (3, 1, 1)]

    def test_faster_nodes_come_first(self):
        assert chosen(assign([place(1), place(2, score_milli=2000)], [waiting(1)])) == [(1, 2, 0)]

    def test_a_node_that_has_the_scene_open_is_preferred(self):
        places = [place(1, 1, score_milli=9000), place(2, 1, group=("toy", 7))]
        assert chosen(assign(places, [waiting(1, group=7)])) == [(1, 2, 1)]

    def test_a_warm_next_place_does_not_beat_a_free_node(self):
        places = [place(1, 1, group=("toy", 7)), place(2, 0)]
        assert chosen(assign(places, [waiting(1, group=7)])) == [(1, 2, 0)]

    def test_work_goes_past_the_node_that_failed_it_and_leaves_it_to_others(self):
        places = [place(1, score_milli=9000), place(2)]
        assert chosen(assign(places, [waiting(1, avoided_id=1), waiting(2)])) == [(1, 2, 0), (2, 1, 0)]
        assert chosen(assign(places[:1], [waiting(1, avoided_id=1), waiting(2)])) == [(2, 1, 0)]

    def test_what_fits_nowhere_is_passed_over(self):
        assert chosen(assign([place(1)], [waiting(1, blender_version="4.2.23"), waiting(2)])) == [(2, 1, 0)]

    @given(
        st.lists(st.tuples(st.integers(1, 5), st.integers(0, 1), st.booleans()), unique_by=lambda p: p[:2], max_size=10),
        st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=12),
    )
    def test_nothing_is_given_twice_and_nothing_unfit_is_paired(self, places, works):
        free = [place(w, n, vram_bytes=(8 * GIB,) if gpu else ()) for w, n, gpu in places]
        queue = [waiting(i, group, device="gpu" if gpu else "any") for i, (group, gpu) in enumerate(works)]
        pairs = assign(free, queue)
        assert len({id(place) for place, _ in pairs}) == len(pairs) == len({work.work_id for _, work in pairs})
        assert all(mismatch(work.requirements, place.facts) is None for place, work in pairs)

    @given(st.integers(0, 8), st.integers(0, 8))
    def test_no_place_stays_free_while_fitting_work_waits(self, nodes, works):
        pairs = assign([place(n) for n in range(nodes)], [waiting(n) for n in range(works)])
        assert len(pairs) == min(nodes, works)


class ExplainTests:
    @pytest.mark.parametrize(
        ("nodes", "needed", "ahead", "line"),
        [
            ([], {}, 0, "No node is online."),
            ([True], {"blender_version": "4.2.23"}, 0, "It needs Blender 4.2.23; 1 node online, none fits."),
            ([True], {"vram_bytes_min": 11 * GIB}, 0, "It needs a GPU with 11 GiB of memory; 1 node online, none fits."),
            ([False, False], {}, 3, "2 fitting nodes online, all busy, 3 tasks ahead."),
            ([True], {}, 0, "A node is free; the work starts in a moment."),
        ],
    )
    def test_waiting_work_has_one_line(self, nodes, needed, ahead, line):
        rows = [(facts(n), free) for n, free in enumerate(nodes)]
        assert explain_waiting(Requirements(**needed), rows, ahead=ahead) == line

    def test_an_idle_node_has_one_line(self):
        assert explain_idle(facts(), []) == "No work is waiting in the queue."
        assert explain_idle(facts(), [Requirements()]) == "Work is waiting and fits; it starts in a moment."
        lacking = explain_idle(facts(), [Requirements(device="gpu")] * 2)
        assert lacking == "2 tasks waiting, none fits this node. Missing: a GPU."
        assert "install bubblewrap" in explain_idle(facts(sandboxed=False), [])
