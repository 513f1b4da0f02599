"""The steps of a node's set-up: which are done, and which action comes next, in words that fit what is known."""

from dataclasses import replace

import pytest

from pictor_agent import checklist
from pictor_agent.checklist import Seen

ALL = Seen(
    signed_on=True,
    ever=True,
    drivers=["RTX 4090, 550.54"],
    device="OPTIX",
    isolation="bubblewrap",
    blenders=["5.0.1"],
    self_test=True,
    self_test_words="0.4 s on OPTIX",
)


def following(seen: Seen):
    return checklist.next_step(checklist.steps(seen, run_command="pictor-agent run --config attic.toml"))


class ChecklistTests:
    def test_a_node_that_has_everything_has_nothing_to_do_next(self):
        assert following(ALL) is None

    def test_a_machine_without_a_gpu_is_as_complete(self):
        assert following(replace(ALL, drivers=[], device="CPU")) is None

    @pytest.mark.parametrize(
        ("changes", "title", "state", "words", "command"),
        [
            ({"signed_on": False, "ever": False}, "Signed on", "open", "Run the command", "pictor-agent run --config attic.toml"),
            ({"signed_on": False}, "Signed on", "open", "Start the agent again", "pictor-agent run --config attic.toml"),
            ({"device": "CPU"}, "GPU seen by Blender", "failed", "Update the driver", "pictor-agent doctor"),
            ({"device": "CPU", "blenders": []}, "GPU seen by Blender", "open", "Wait for Blender", ""),
            ({"blenders": []}, "Blender fetched", "open", "fetches it by itself", ""),
            ({"blenders": [], "blender_problem": "the disk is full"}, "Blender fetched", "failed", "the disk is full", "pictor-agent doctor"),
            ({"isolation": "none"}, "Sandbox works", "failed", "Install bubblewrap", "sudo apt install bubblewrap"),
            ({"self_test": None}, "Self-test", "open", "renders a small picture", ""),
            ({"self_test": False, "self_test_words": "no device"}, "Self-test", "failed", "no device", "pictor-agent doctor"),
        ],
    )  # fmt: skip
    def test_the_first_thing_that_is_missing_comes_next(self, changes, title, state, words, command):
        step = following(replace(ALL, **changes))
        assert (step.title, step.state, step.command) == (title, state, command)
        assert words in step.action

    def test_every_step_that_is_not_done_says_what_to_do(self):
        assert [step.title for step in checklist.steps(Seen()) if not step.done and not step.action] == []
