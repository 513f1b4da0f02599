"""Random sequences of every verb that moves money, against books of plain numbers (tests/credit/machine).

After each step every balance is what the books say; after each sequence every law of `check_ledger` holds.
`LEDGER_STEPS=100000` runs so many steps instead of the few of `make test`; `LEDGER_SEED` begins elsewhere.
"""

import os

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.credit.machine.base import Clock, Counted
from tests.credit.machine.border import Everything, money_rules

STEPS = int(os.environ.get("LEDGER_STEPS", 0))
SEED = int(os.environ.get("LEDGER_SEED", 0))
STEPS_EACH, SHORT_EXAMPLES, LONG_EXAMPLES = 50, 8, 10


def run(seed: int, examples: int, steps_each: int) -> None:
    run_state_machine_as_test(
        hypothesis.seed(seed)(Everything),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps_each,
            deadline=None,
            database=None,
            derandomize=False,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db
@pytest.mark.timeout(7200 if STEPS else 300)
def test_no_sequence_of_verbs_breaks_the_ledger(settings, monkeypatch):
    money_rules(settings)
    monkeypatch.setattr("django.utils.timezone.now", Clock.now)
    if not STEPS:
        return run(SEED, SHORT_EXAMPLES, STEPS_EACH)
    Counted.steps, seed = 0, SEED
    while Counted.steps < STEPS:
        run(seed, LONG_EXAMPLES, 2 * STEPS_EACH)
        seed += 1
        print(f"{Counted.steps} steps, {seed - SEED} seeds", flush=True)
