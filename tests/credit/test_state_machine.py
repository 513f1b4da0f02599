"""Random sequences of every verb that moves money, against books of plain numbers (tests/credit/machine).

After each step every balance is what the books say; after each sequence every law of `check_ledger` holds.
`LEDGER_STEPS=100000` runs so many steps instead of the few of `make test`, divided among the processes of the run, each with
a database and seeds of its own; `LEDGER_SEED` begins elsewhere.
"""

import logging
import os
import sys
import time

import pytest

from tests.credit.machine.base import Clock, Counted
from tests.credit.machine.border import money_rules
from tests.credit.machine.running import run

STEPS = int(os.environ.get("LEDGER_STEPS", 0))
SEED = int(os.environ.get("LEDGER_SEED", 0))
HANDS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)) if STEPS else 1
STEPS_EACH, SHORT_EXAMPLES, LONG_EXAMPLES = 50, 8, 10
SEEDS_APART = 1_000_000  # of one process from the next


@pytest.mark.django_db
@pytest.mark.timeout(7200 if STEPS else 300)
@pytest.mark.parametrize("hand", range(HANDS))
def test_no_sequence_of_verbs_breaks_the_ledger(hand, settings, monkeypatch):
    money_rules(settings)
    monkeypatch.setattr("django.utils.timezone.now", Clock.now)
    seed = SEED + hand * SEEDS_APART
    if STEPS:
        run_long(seed, -(-STEPS // HANDS))
    else:
        run(seed=seed, examples=SHORT_EXAMPLES, steps_each=STEPS_EACH)


def run_long(seed: int, steps: int) -> None:
    """Says how far it is on the terminal, where pytest hides what its processes print; the verbs themselves say nothing."""
    logging.disable()
    Counted.steps, first, begun = 0, seed, time.monotonic()
    while Counted.steps < steps:
        run(seed=seed, examples=LONG_EXAMPLES, steps_each=2 * STEPS_EACH)
        seed += 1
        took = f"{time.monotonic() - begun:.0f} s, {time.process_time():.0f} s of processor"
        print(f"from seed {first}: {Counted.steps} steps, {seed - first} seeds, {took}", file=sys.__stderr__, flush=True)
