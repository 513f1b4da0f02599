"""What the database alone does for a task: put in, leased, completed, in three durable transactions, by clients side by side.

The statements are the queue's own, taken from its modules; what the feeder and the gateway decide in Python is left out.
A transaction holds half of what one holds in life: with 10,000 tasks waiting and 200 nodes of two places each, the feeder
leases about 200 in one and the gateway records about 170. Small ones show what a quiet farm's cost.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import NamedTuple

import django
from django.db import connection, transaction

from common import clock
from workers.feeding import LEASE, LEASE_SECONDS
from workers.kinds import NewWork
from workers.queue import COLUMNS, ENQUEUE
from workers.reports import END_LEASES, END_WORK, LOCK
from workers.waiting import ROWS

CLIENTS = 8  # processes
BATCH, SMALL = 100, 20  # tasks of one transaction
KIND, TIER = "noop", 1
PLACES = [0, 1]


class Client(NamedTuple):
    """One process, with a group of its own, and nodes of its own of two places each: as many as one transaction fills."""

    group: int
    owner_id: int
    worker_ids: list[int]
    seconds: float

    @property
    def batch(self) -> int:
        return len(self.nodes)

    @property
    def nodes(self) -> list[int]:
        return [worker_id for worker_id in self.worker_ids for _ in PLACES]


def rates(owner_id: int, worker_ids: list[int], *, batch: int, rounds: int, seconds: float) -> list[float]:
    """Tasks a second of all clients together, in each round; one more goes before them."""
    share = batch // len(PLACES)
    clients = [Client(n + 1, owner_id, worker_ids[n * share : (n + 1) * share], seconds) for n in range(CLIENTS)]
    with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn"), initializer=django.setup) as processes:
        return [sum(processes.map(tasks_per_second, clients)) for _ in range(rounds + 1)][1:]


def tasks_per_second(client: Client) -> float:
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < client.seconds:
        _put_in(client, time.time_ns())
        done += _complete(client, _lease(client))
    return done / (time.perf_counter() - began)


def _put_in(client: Client, first: int) -> None:
    items = [NewWork(first + n, client.group, client.owner_id, "{}", sort=first + n, tier=TIER) for n in range(client.batch)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ENQUEUE, [KIND, clock.now(), *([getattr(item, name) for item in items] for name in COLUMNS)])


def _lease(client: Client) -> list[int]:
    """The work that the client's nodes hold now, in their order."""
    now = clock.now()
    ones, zeros = [1] * client.batch, [0] * client.batch
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ROWS, [[TIER], [client.owner_id], [KIND], [client.group], [client.batch], now, []])
        works = [row[1] for row in cursor.fetchall()]
        places = PLACES * len(client.worker_ids)
        cursor.execute(LEASE, [works, client.nodes, zeros, places, ones, ones, now, now + timedelta(seconds=LEASE_SECONDS)])
    return works


def _complete(client: Client, works: list[int]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, [works, client.nodes, [1] * client.batch])
        held = sorted(row[0] for row in cursor.fetchall())
        cursor.execute(END_LEASES, [held])
        cursor.execute(END_WORK, [held])
    return len(held)
