"""The line that says why work waits or a node idles."""

import pytest

from workers.matching import GIB, Alike, Learned, Reason, Requirements, WorkerFacts
from workers.places import COUNTRIES, REGIONS, keys_of, name_of
from workers.wording import NEEDS, explain_idle, explain_waiting, needs


def facts(worker_id: int = 1, **changes) -> WorkerFacts:
    row = {"blender_versions": frozenset({"5.0.1"}), "ram_bytes": 16 * GIB, "sandboxed": True} | changes
    return WorkerFacts(worker_id=worker_id, **row)


class NeedsTests:
    def test_every_reason_has_words(self):
        assert set(NEEDS) == set(Reason)

    @pytest.mark.parametrize(
        ("reason", "needed", "words"),
        [
            (Reason.LOCATION, {"locations": ("europe", "CA")}, "a node in Europe or Canada"),
            (Reason.GPU_MAKER, {"gpu_makers": ("nvidia", "amd")}, "a GPU by NVIDIA or AMD"),
            (Reason.GPU_MODEL, {"gpu_models": ("RTX 4090",)}, "a GPU of the model RTX 4090"),
            (Reason.GPU_COUNT, {"gpu_count_min": 2}, "2 GPUs in one node"),
            (Reason.GPU_COUNT, {"gpu_count_min": 2, "gpu_makers": ("amd",)}, "2 such GPUs in one node"),
            (Reason.RELIABILITY, {"reliability_bp_min": 9_950}, "a node with a reliability of 99.5 % or more"),
            (Reason.RAM, {"ram_bytes_min": 40 * GIB}, "40 GB of memory"),
        ],
    )
    def test_what_is_missing_is_a_phrase(self, reason, needed, words):
        assert needs(reason, Requirements(**needed)) == words


class WaitingTests:
    @pytest.mark.parametrize(
        ("nodes", "needed", "ahead", "others", "line"),
        [
            ([], {}, 0, 0, "No node is online."),
            ([True], {"blender_version": "4.2.23"}, 0, 0, "It needs Blender 4.2.23; 1 node online, none fits."),
            (
                [True, True],
                {"ram_bytes_min": 40 * GIB},
                0,
                0,
                "It needs 40 GB of memory; the largest node online has 16 GB.",
            ),
            (
                [True],
                {"device": "gpu", "vram_bytes_min": 11 * GIB},
                0,
                0,
                "It needs a GPU; 1 node online, none fits.",
            ),
            ([False, False], {}, 3, 0, "2 fitting nodes online, all busy, 3 tasks ahead."),
            ([False], {}, 0, 2, "1 fitting node online, all busy, taking turns with 2 other creators."),
            ([False], {}, 1_001, 0, "1 fitting node online, all busy, more than 1,000 tasks ahead."),
            ([True], {}, 0, 0, "A node is free; the work starts in a moment."),
        ],
    )
    def test_waiting_work_has_one_line(self, nodes, needed, ahead, others, line):
        rows = [Alike(facts(n), int(free)) for n, free in enumerate(nodes)]
        assert explain_waiting(Requirements(**needed), rows, ahead=ahead, others=others) == line

    def test_nodes_that_lack_memory_alone_are_nearest_to_fitting(self):
        rows = [Alike(facts(1, engines=frozenset()), 2, count=2), Alike(facts(3), 1)]
        line = explain_waiting(Requirements(ram_bytes_min=40 * GIB), rows, ahead=0)
        assert line == "It needs 40 GB of memory; the largest node online has 16 GB."


class IdleTests:
    def test_an_idle_node_has_one_line(self):
        gpu = (Requirements(device="gpu"), Learned(), 1)
        assert explain_idle(facts(), []) == "No work is waiting in the queue."
        assert (
            explain_idle(facts(), [gpu, (Requirements(), Learned(), 1)]) == "Work is waiting and fits; it starts in a moment."
        )
        assert explain_idle(facts(), [gpu, gpu]) == "2 jobs wait for nodes, none fits this one. Missing: a GPU."
        assert "install bubblewrap" in explain_idle(facts(sandboxed=False), [])

    def test_work_of_others_is_missing_to_a_node_that_serves_its_owner_alone(self):
        waiting = [(Requirements(), Learned(), 2)]
        own = facts(first=(frozenset({1}),), others=False)
        assert explain_idle(own, waiting).endswith("Missing: a node whose owner takes the work of others.")
        assert "it starts in a moment" in explain_idle(own, [(Requirements(), Learned(), 1)])

    def test_what_was_learned_is_said(self):
        learned = Learned(ran_out=frozenset({1}), memory=((16 * GIB, 16 * GIB),))
        line = explain_idle(facts(), [(Requirements(), learned, 1)])
        assert line.endswith("Missing: more than 16 GB of memory, which was too little.")


class PlacesTests:
    def test_every_country_lies_in_one_region(self):
        for code in COUNTRIES:
            assert len(keys_of(code) & REGIONS.keys()) == 1, code
        assert len(COUNTRIES) > 200

    def test_a_node_counts_for_its_country_and_its_region(self):
        assert keys_of("DE") == {"DE", "europe"}
        assert keys_of("") == frozenset()
        assert (name_of("DE"), name_of("asia")) == ("Germany", "Asia")
