"""The direction of calls, as .importlinter holds it; `make check` says the same."""

import subprocess
import sysconfig
from pathlib import Path


def test_calls_go_down_rules_are_pure_and_the_agent_is_free():
    program = Path(sysconfig.get_path("scripts"), "lint-imports")
    done = subprocess.run([program, "--no-cache"], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stdout[-3_000:]
