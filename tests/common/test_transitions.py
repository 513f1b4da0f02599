import threading
from itertools import product

import pytest
from django.db import connection

from common.transitions import IllegalMove, StaleMove, move, move_all
from rendering.states import JOB_MOVES, TASK_MOVES, JobStatus, TaskStatus
from workers.models import Worker
from workers.states import WORKER_MOVES, WorkerStatus

TABLES = [
    (JobStatus, JOB_MOVES, JobStatus.DRAFT),
    (TaskStatus, TASK_MOVES, TaskStatus.WAITING),
    (WorkerStatus, WORKER_MOVES, WorkerStatus.NEW),
]
IDS = [statuses.__name__ for statuses, _, _ in TABLES]


class Row:
    """A row without a table: the database's part of `move` is watched."""

    _base_manager = None

    def __init__(self, status) -> None:
        self.pk, self.status, type(self)._base_manager = 1, status, self

    def filter(self, **wanted):
        assert wanted == {"pk": 1, "status": self.status}
        return self

    def update(self, **changes) -> int:
        return 1


class TableTests:
    @pytest.mark.parametrize(("statuses", "moves", "first"), TABLES, ids=IDS)
    def test_every_pair_moves_or_raises(self, statuses, moves, first):
        for was, becomes in product(statuses, statuses):
            row = Row(was)
            if becomes in moves[was]:
                move(row, becomes, moves=moves)
                assert row.status == becomes
            else:
                with pytest.raises(IllegalMove):
                    move(row, becomes, moves=moves)
                assert row.status == was

    @pytest.mark.parametrize(("statuses", "moves", "first"), TABLES, ids=IDS)
    def test_every_status_can_be_reached_and_none_is_unknown(self, statuses, moves, first):
        reached, coming = set(), {first}
        while coming:
            reached |= coming
            coming = set().union(*(moves[status] for status in coming)) - reached
        assert reached == set(statuses) == set(moves)


@pytest.fixture
def worker(wanda):
    return Worker.objects.create(owner=wanda, name="one", status=WorkerStatus.OFFLINE)


@pytest.mark.django_db
class MoveTests:
    def test_the_row_moves_with_its_other_changes(self, worker):
        move(worker, WorkerStatus.ONLINE, moves=WORKER_MOVES, hostname="studio")
        assert (worker.status, worker.hostname) == (WorkerStatus.ONLINE, "studio")
        worker.refresh_from_db()
        assert (worker.status, worker.hostname) == (WorkerStatus.ONLINE, "studio")

    def test_whoever_read_an_older_status_has_lost(self, worker):
        Worker.objects.update(status=WorkerStatus.PAUSED)
        with pytest.raises(StaleMove):
            move(worker, WorkerStatus.ONLINE, moves=WORKER_MOVES, hostname="studio")
        assert (worker.status, worker.hostname) == (WorkerStatus.OFFLINE, "")
        worker.refresh_from_db()
        assert (worker.status, worker.hostname) == (WorkerStatus.PAUSED, "")


@pytest.mark.django_db
class MoveAllTests:
    def test_rows_move_that_may_and_the_others_are_left_alone(self, wanda):
        S = WorkerStatus
        for status in (S.ONLINE, S.DRAINING, S.PAUSED, S.RETIRED):
            Worker.objects.create(owner=wanda, name=status, status=status)
        assert move_all(Worker.objects.all(), S.PAUSED, moves=WORKER_MOVES, hostname="studio") == 2
        rows = Worker.objects.order_by("pk").values_list("status", "hostname")
        assert list(rows) == [(S.PAUSED, "studio"), (S.PAUSED, "studio"), (S.PAUSED, ""), (S.RETIRED, "")]


@pytest.mark.django_db(transaction=True)
def test_of_many_racing_callers_exactly_one_wins(worker):
    start, outcomes = threading.Barrier(8), []

    def race():
        row = Worker.objects.get(pk=worker.pk)
        start.wait(10)
        try:
            move(row, WorkerStatus.ONLINE, moves=WORKER_MOVES)
            outcomes.append("won")
        except StaleMove:
            outcomes.append("lost")
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]
