"""`make bench WHAT=ledger`: settlements per second into one platform account, ours and the naive way alternating.

The naive transaction is what a first draft would do with the ORM: lock the platform's row and the payer's, write an entry,
save two balances. Ours settles a batch of charges per transaction and lets the platform's account be summed.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db import connection, models, transaction

from common import clock
from credit.services import Charge, charge_holds, open_hold, top_up_by_operator
from pictor.bench.report import Figure, Report

CLIENTS = 16
ROUNDS = 5
ROUND_SECONDS = 2.0
BATCH = 50
CHARGE_MICROS = 300
SHARES_BP = {"worker": 6_000, "checkers": 1_000, "network": 3_000}


class NaiveAccount(models.Model):
    """A first draft's account: one balance that every settlement changes."""

    balance_micros = models.BigIntegerField()

    class Meta:
        app_label = "bench"


class NaiveEntry(models.Model):
    """A first draft's line of the ledger."""

    key = models.CharField(max_length=80, unique=True)
    source = models.ForeignKey(NaiveAccount, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey(NaiveAccount, on_delete=models.PROTECT, related_name="+")
    amount_micros = models.BigIntegerField()

    class Meta:
        app_label = "bench"


class Naive:
    """Two rows locked, one entry written, two balances saved: one transaction of the ORM per settlement."""

    def __enter__(self):
        with connection.schema_editor() as editor:
            editor.create_model(NaiveAccount)
            editor.create_model(NaiveEntry)
        NaiveAccount.objects.bulk_create(NaiveAccount(pk=pk, balance_micros=10**12) for pk in range(1, CLIENTS + 2))
        return self

    def __exit__(self, *_):
        with connection.schema_editor() as editor:
            editor.delete_model(NaiveEntry)
            editor.delete_model(NaiveAccount)

    def settle(self, client: int) -> int:
        """One settlement from the client's account into the platform's, number 1; returns how many were made."""
        with transaction.atomic():
            locked = NaiveAccount.objects.select_for_update().order_by("pk").filter(pk__in=[1, client + 2])
            platform, payer = locked
            NaiveEntry.objects.create(key=uuid4().hex, source=payer, target=platform, amount_micros=CHARGE_MICROS)
            payer.balance_micros -= CHARGE_MICROS
            payer.save()
            platform.balance_micros += CHARGE_MICROS
            platform.save()
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
