"""Three nodes at one job, one of which misbehaves, while servers are killed: it ends complete and balanced.

`make chaos` plays the same at full size.
"""

import os
import tempfile
from pathlib import Path

import pytest

from pictor.stack import ports
from pictor.stack.stack import Stack
from tests.chaos.liar import MISDEEDS
from tests.chaos.run import play
from tests.stories.whole import OWN_TO_THE_TESTS

pytestmark = [pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.timeout(1_800)]
FRAMES, KILLS, SEED = 60, 2, 20_261_122


@pytest.fixture
def bare_stack():
    """A stack without a node of its own: the three nodes of the story share the job."""
    inherited = {name: value for name, value in os.environ.items() if name not in OWN_TO_THE_TESTS}
    with tempfile.TemporaryDirectory(prefix="pictor-chaos-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        with Stack(Path(name) / "var", port=ports.free_pair(), with_node=False, inherited=inherited) as running:
            yield running


def test_a_job_with_a_misbehaving_node_ends_complete_and_balanced(bare_stack, tiny_scene, tmp_path):
    outcome = play(bare_stack, tmp_path / "nodes", tiny_scene, seed=SEED, frames=FRAMES, kill_count=KILLS)
    assert outcome.problems == []
    assert outcome.frames == FRAMES
    assert set(outcome.misdeeds) >= set(MISDEEDS)
    assert len(outcome.recoveries) == KILLS
    assert "open holds: 0" in outcome.ledger
