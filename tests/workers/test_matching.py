"""Which node may do which work."""

import pytest

from workers.matching import GIB, Learned, Reason, Requirements, WorkerFacts, maker_of, mismatch, softened

RTX, RADEON = "NVIDIA GeForce RTX 4090", "AMD Radeon RX 7900 XTX"


def facts(worker_id: int = 1, **changes) -> WorkerFacts:
    row = {"blender_versions": frozenset({"5.0.1"}), "ram_bytes": 16 * GIB, "sandboxed": True} | changes
    return WorkerFacts(worker_id=worker_id, **row)


def gpus(*models: str) -> dict:
    return {"gpu_models": models, "vram_bytes": (24 * GIB,) * len(models)}


class MismatchTests:
    @pytest.mark.parametrize(
        ("needed", "has", "reason"),
        [
            ({}, {}, None),
            ({"blender_version": "5.0.1"}, {}, None),
            ({"blender_version": "4.2.23"}, {}, Reason.BLENDER_VERSION),
            ({"engine": "redshift"}, {}, Reason.ENGINE),
            ({"protocol_min": 2}, {"protocol": 1}, Reason.AGENT),
            ({"protocol_min": 2}, {"protocol": 2}, None),
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
            ({"engine": "eevee"}, {"engines": frozenset({"cycles", "eevee"})}, None),
            ({"owner_ids": (4, 5)}, {"owner_id": 5}, None),
            ({"owner_ids": (4, 5)}, {"owner_id": 6}, Reason.OWNERS),
            ({"trusted_only": True}, {}, Reason.TRUST),
            ({"trusted_only": True}, {"trusted": True}, None),
            ({"locations": ("europe", "CA")}, {"locations": frozenset({"DE", "europe"})}, None),
            ({"locations": ("europe", "CA")}, {"locations": frozenset({"US", "north_am"})}, Reason.LOCATION),
            ({"locations": ("europe",)}, {}, Reason.LOCATION),
            ({"gpu_makers": ("amd",)}, gpus(RTX), Reason.GPU_MAKER),
            ({"gpu_makers": ("amd", "nvidia")}, gpus(RTX), None),
            ({"gpu_makers": ("amd",)}, {}, Reason.GPU_MAKER),
            ({"gpu_models": ("rtx 4090",)}, gpus(RTX), None),
            ({"gpu_models": ("rtx 4090",)}, gpus(RADEON), Reason.GPU_MODEL),
            ({"gpu_count_min": 2}, gpus(RTX, RTX), None),
            ({"gpu_count_min": 2, "gpu_makers": ("nvidia",)}, gpus(RTX, RADEON), Reason.GPU_COUNT),
            ({"gpu_count_min": 2, "vram_bytes_min": 24 * GIB}, gpus(RTX, RTX), None),
            ({"device_class": "gpu:nvidia geforce rtx 4090"}, gpus(RTX), None),
            ({"device_class": "gpu:nvidia geforce rtx 4090"}, gpus(RADEON), Reason.DEVICE_CLASS),
            ({"device_class": "cpu"}, {}, None),
            ({"reliability_bp_min": 9_900}, {"reliability_bp": 9_899}, Reason.RELIABILITY),
            ({"reliability_bp_min": 9_900}, {"reliability_bp": 9_900}, None),
        ],
    )
    def test_each_requirement_is_held_against_the_facts(self, needed, has, reason):
        assert mismatch(Requirements(**needed), facts(**has)) == reason

    def test_requirements_of_a_newer_server_are_read(self):
        row = {"blender_version": "5.0.1", "quantum": True, "ram_bytes_min": None}
        assert Requirements.from_json(row) == Requirements(blender_version="5.0.1")

    def test_lists_of_the_queue_can_be_compared(self):
        assert Requirements.from_json({"locations": ["DE"]}) == Requirements(locations=("DE",))

    def test_makers_are_known_by_the_names_of_their_gpus(self):
        names = [RTX, RADEON, "Intel(R) Arc A770", "Apple M3 Max", "Voodoo 3"]
        assert [maker_of(name.lower()) for name in names] == ["nvidia", "amd", "intel", "apple", ""]


class LearnedTests:
    def test_a_node_that_ran_out_of_memory_never_gets_it_again(self):
        learned = Learned(ran_out=frozenset({1}), memory=((16 * GIB, 16 * GIB),))
        assert mismatch(Requirements(), facts(1), learned) == Reason.RAN_OUT

    @pytest.mark.parametrize(
        ("has", "reason"),
        [
            ({"ram_bytes": 16 * GIB}, Reason.MEMORY),
            ({"ram_bytes": 8 * GIB}, Reason.MEMORY),
            ({"ram_bytes": 32 * GIB}, None),
            ({"ram_bytes": 16 * GIB, "vram_bytes": (24 * GIB,)}, None),
        ],
    )
    def test_nor_does_one_with_as_little(self, has, reason):
        learned = Learned(ran_out=frozenset({1}), memory=((16 * GIB, 16 * GIB),))
        assert mismatch(Requirements(), facts(2, **has), learned) == reason

    def test_what_was_too_much_for_a_gpu_may_fit_a_larger_main_memory(self):
        learned = Learned(memory=((64 * GIB, 24 * GIB),))
        assert mismatch(Requirements(), facts(2, ram_bytes=32 * GIB), learned) is None
        assert mismatch(Requirements(), facts(2, ram_bytes=16 * GIB), learned) == Reason.MEMORY

    def test_a_node_that_failed_it_in_a_row_is_left_out_while_another_fits(self):
        learned = Learned(failed=frozenset({1}))
        assert mismatch(Requirements(), facts(1), learned) == Reason.FAILED
        assert softened(Requirements(), learned, [facts(1), facts(2)]) == learned
        assert softened(Requirements(), learned, [facts(1)]) == Learned()

    def test_memory_is_never_softened(self):
        learned = Learned(ran_out=frozenset({1}), memory=((16 * GIB, 16 * GIB),), failed=frozenset({1}))
        assert mismatch(Requirements(), facts(1), softened(Requirements(), learned, [facts(1)])) == Reason.RAN_OUT
