"""The whole square of moves, and that the document shows the same table as the code."""

import re
from itertools import product
from pathlib import Path

import pytest

from rendering.reasons import OUTCOMES
from rendering.states import JOB_MOVES, PROBE_MOVES, TASK_MOVES, JobStatus, ProbeStatus, TaskStatus, job_status
from workers.states import INVITATION_MOVES, WORKER_MOVES, InvitationStatus, WorkerStatus

DOCUMENT = Path(__file__).parents[2] / "docs" / "states.md"
TABLES = {
    "Jobs": (JobStatus, JOB_MOVES),
    "Tasks": (TaskStatus, TASK_MOVES),
    "Probe frames": (ProbeStatus, PROBE_MOVES),
    "Nodes": (WorkerStatus, WORKER_MOVES),
    "Invitations": (InvitationStatus, INVITATION_MOVES),
}


def documented_moves(heading: str) -> dict[str, set[str]]:
    """status -> the statuses it moves to, from the table below a heading."""
    section = DOCUMENT.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\|([^|]*)\|$", section, re.MULTILINE)
    return {status: set(re.findall(r"`(\w+)`", moves)) for status, moves in rows}


@pytest.mark.parametrize("heading", TABLES)
class TableTests:
    def test_every_status_has_its_moves(self, heading):
        statuses, moves = TABLES[heading]
        assert set(moves) == set(statuses)

    def test_every_status_is_reachable(self, heading):
        statuses, moves = TABLES[heading]
        reached, last = {next(iter(statuses))}, set()
        while reached != last:
            last = set(reached)
            reached |= {target for status in last for target in moves[status]}
        assert reached == set(statuses)

    def test_the_document_shows_the_table_of_the_code(self, heading):
        _, moves = TABLES[heading]
        assert documented_moves(heading) == {status.value: {to.value for to in targets} for status, targets in moves.items()}


class JobStatusTests:
    @pytest.mark.parametrize(
        ("counts", "status"),
        [
            ({"waiting": 3}, JobStatus.QUEUED),
            ({"waiting": 2, "rendering": 1}, JobStatus.RENDERING),
            ({"waiting": 2, "accepted": 1}, JobStatus.RENDERING),
            ({"checking": 1, "failed": 2}, JobStatus.RENDERING),
            ({"accepted": 2, "failed": 1}, JobStatus.FAILED),
            ({"accepted": 3}, JobStatus.COMPLETED),
            ({"accepted": 2, "cancelled": 1}, JobStatus.COMPLETED),
            ({"cancelled": 3}, JobStatus.CANCELLED),
        ],
    )
    def test_it_follows_from_the_tasks(self, counts, status):
        assert job_status(counts) == status

    def test_any_mixture_has_a_status_and_ends_only_when_nothing_is_open(self):
        for numbers in product([0, 1], repeat=len(TaskStatus)):
            counts = dict(zip(TaskStatus.values, numbers, strict=True))
            ended = job_status(counts) in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}
            open_tasks = counts["waiting"] + counts["rendering"] + counts["checking"]
            assert ended == (open_tasks == 0)


class ReasonTableTests:
    def test_the_document_tells_the_outcomes_of_the_code(self):
        rows = re.findall(r"^\| `(\w+)` \| (yes|no) \| (yes|no) \| (\w+) \|$", DOCUMENT.read_text(), re.MULTILINE)
        assert rows
        for reason, again, counts, fault in rows:
            outcome = OUTCOMES[reason]
            assert (again == "yes", counts == "yes", fault) == (outcome.retry, outcome.counts, outcome.fault.value), reason
