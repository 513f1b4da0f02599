"""`make bench WHAT=ledger`: settlements per second into one platform account, ours and the naive way alternating.

The naive transaction is what a first draft would do: lock the platform's row, write two rows, save two balances. Ours
settles a batch of charges per transaction and lets the platform's account be summed.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from common import clock
from credit.services import Charge, charge_holds, open_hold, top_up_by_operator
from pictor.bench.report import Figure, Report

CLIENTS = 16
ROUNDS = 5
ROUND_SECONDS = 2.0
BATCH = 50
CHARGE_MICROS = 300
SHARES_BP = {"worker": 6_000, "checkers": 1_000, "network": 3_000}


class Naive:
    """A balance column on both sides, changed under row locks, one transaction per settlement."""

    def __enter__(self):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bench_account (id int PRIMARY KEY, balance bigint NOT NULL)")
            cursor.execute(
                "CREATE TABLE bench_entry (id bigserial PRIMARY KEY, key text UNIQUE, source int, target int, amount bigint)"
            )
            cursor.execute("INSERT INTO bench_account SELECT n, 1000000000 FROM generate_series(0, %s) n", [CLIENTS])
        return self

    def __exit__(self, *_):
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bench_entry, bench_account")

    def settle(self, client: int) -> int:
        """One settlement from the client's account into account 0; returns how many were made."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT id, balance FROM bench_account WHERE id IN (0, %s) ORDER BY id FOR UPDATE", [client + 1])
            (platform, platform_has), (payer, payer_has) = cursor.fetchall()
            cursor.execute(
                "INSERT INTO bench_entry (key, source, target, amount) VALUES (%s, %s, %s, %s)",
                [uuid4().hex, payer, platform, CHARGE_MICROS],
            )
            cursor.execute("UPDATE bench_account SET balance = %s WHERE id = %s", [payer_has - CHARGE_MICROS, payer])
            cursor.execute("UPDATE bench_account SET balance = %s WHERE id = %s", [platform_has + CHARGE_MICROS, platform])
        return 1


class Ours:
    """A creator with a hold and a node owner per client; charges in batches, as completions are flushed."""

    def __init__(self):
        run, users = uuid4().hex[:8], get_user_model().objects
        self.holds, self.owners = [], []
        for client in range(CLIENTS):
            creator = users.create(username=f"bench-{run}-creator-{client}")
            top_up_by_operator(user=creator, amount_micros=10**12, key=f"bench:{run}:{client}", reason="benchmark")
            hold = open_hold(key=f"bench:{run}:{client}:hold", owner=creator, amount_micros=10**12, purpose="benchmark")
            self.holds.append(hold.pk)
            self.owners.append(users.create(username=f"bench-{run}-owner-{client}").pk)

    def settle(self, client: int) -> int:
        charges = [
            Charge(
                key=f"bench:{uuid4().hex}",
                hold_id=self.holds[client],
                charge_micros=CHARGE_MICROS,
                worker_owner_id=self.owners[client],
                shares_bp=SHARES_BP,
                reference="benchmark",
            )
            for _ in range(BATCH)
        ]
        charge_holds(charges=charges, now=clock.now())
        return BATCH


def rate_of(settle: Callable[[int], int]) -> float:
    """Settlements per second with all clients at once for one round."""
    gate = threading.Barrier(CLIENTS + 1)

    def client(number: int) -> int:
        connection.ensure_connection()
        gate.wait()
        made, until = 0, time.perf_counter() + ROUND_SECONDS
        while time.perf_counter() < until:
            made += settle(number)
        connection.close()
        return made

    with ThreadPoolExecutor(CLIENTS) as pool:
        counts = [pool.submit(client, number) for number in range(CLIENTS)]
        gate.wait()
        started = time.perf_counter()
        made = sum(count.result() for count in counts)
        return made / (time.perf_counter() - started)


def measure(seed: int) -> Report:
    ours, naive_rates, our_rates = Ours(), [], []
    with Naive() as naive:
        for _ in range(ROUNDS):
            naive_rates.append(rate_of(naive.settle))
            our_rates.append(rate_of(ours.settle))
    ratios = [mine / other for mine, other in zip(our_rates, naive_rates, strict=True)]
    naive_median = sorted(naive_rates)[ROUNDS // 2]
    transfers_per_settlement = 1 + len(SHARES_BP)
    return Report(
        "ledger",
        seed,
        [
            Figure("settlements_vs_naive", "x", ratios, reference=1.0),
            Figure("settlements", "1/s", our_rates, reference=naive_median),
            Figure("batch_transfers", "1/s", [rate * transfers_per_settlement for rate in our_rates]),
        ],
    )
