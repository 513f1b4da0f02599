"""`make chaos` in its short form: three nodes at one job, one of which misbehaves, while everything around them fails.

What it asserts never rests on how long anything took.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import faults
from tests.stories.whole import OWN_TO_THE_TESTS

pytestmark = [pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.timeout(3_600)]
ROOT = Path(__file__).parent.parent.parent
SHORT = {"FRAMES": "240", "FAULTS": str(len(faults.KINDS)), "FRAME_SECONDS": "0.2", "SEED": "20261122"}


def test_a_job_with_a_misbehaving_node_ends_complete_and_balanced(tmp_path):
    inherited = {name: value for name, value in os.environ.items() if name not in OWN_TO_THE_TESTS}
    environment = {**inherited, **SHORT, "REPORTS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    figures = {figure["name"]: figure["value"] for figure in json.loads((tmp_path / "chaos.json").read_text())["figures"]}
    assert figures["wrong"] == 0
    assert "complete and balanced" in " ".join(done.stdout.split())
