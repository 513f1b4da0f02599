"""The whole square of moves: every pair is allowed or refused, and every status can be reached."""

from itertools import product

import pytest

from common.transitions import IllegalMove, move
from tests.workers.builders import worker
from workers.states import TONES, WORKER_MOVES, WorkerStatus


@pytest.mark.django_db
@pytest.mark.parametrize(("was", "becomes"), list(product(WorkerStatus, WorkerStatus)))
def test_each_pair_of_statuses(was, becomes):
    row = worker(status=was)
    if becomes in WORKER_MOVES[was]:
        move(row, becomes, moves=WORKER_MOVES)
        assert row.status == becomes
    else:
        with pytest.raises(IllegalMove):
            move(row, becomes, moves=WORKER_MOVES)


def test_every_status_is_reachable_and_has_a_tone():
    reached, frontier = {WorkerStatus.NEW}, [WorkerStatus.NEW]
    while frontier:
        for following in WORKER_MOVES[frontier.pop()] - reached:
            reached.add(following)
            frontier.append(following)
    assert reached == set(WorkerStatus) == set(TONES)
