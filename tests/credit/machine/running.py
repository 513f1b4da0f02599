"""The machine is run: so many sequences of so many steps, drawn from a seed."""

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.credit.machine.border import Everything


def run(*, seed: int, examples: int, steps_each: int, shrinks: bool = True) -> None:
    """Raises what the first failing sequence raised; `shrinks`: of the shortest one like it."""
    run_state_machine_as_test(
        hypothesis.seed(seed)(Everything),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps_each,
            phases=[Phase.generate, Phase.shrink] if shrinks else [Phase.generate],
            deadline=None,
            database=None,
            derandomize=False,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
