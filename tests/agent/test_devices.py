"""The device is chosen by what Cycles lists: the fastest kind of GPU, else the processor, as the job allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pictor_agent.engines.blender_host.devices import KINDS, choose
from pictor_agent.engines.blender_host.pipe import Refusal

counts = st.dictionaries(st.sampled_from(KINDS), st.integers(0, 8))


class ChooseTests:
    @pytest.mark.parametrize(
        ("listed", "kind"),
        [
            ({}, "CPU"),
            ({"CUDA": 0, "HIP": 0}, "CPU"),
            ({"CUDA": 2, "OPTIX": 2}, "OPTIX"),  # one card, two ways to it
            ({"CUDA": 1, "OPTIX": 0}, "CUDA"),  # too old for ray tracing cores
            ({"HIP": 1}, "HIP"),
            ({"ONEAPI": 1}, "ONEAPI"),
            ({"METAL": 1}, "METAL"),
            ({"ONEAPI": 1, "CUDA": 1}, "CUDA"),  # a processor's own graphics beside a card
        ],
    )
    def test_the_fastest_kind_that_is_there(self, listed, kind):
        assert choose("any", listed) == kind

    @given(counts)
    def test_a_processor_that_is_ordered_is_taken_whatever_is_there(self, listed):
        assert choose("cpu", listed) == "CPU"

    @given(counts)
    def test_a_gpu_that_is_ordered_is_never_replaced_by_the_processor(self, listed):
        if any(listed.values()):
            assert listed[choose("gpu", listed)] > 0
        else:
            with pytest.raises(Refusal):
                choose("gpu", listed)
