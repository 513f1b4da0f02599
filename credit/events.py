"""Hints about a user's credit, for the pages that follow `user:<id>` and for apps that wait for credit."""

from collections.abc import Iterable
from functools import partial

from django.db import transaction

from common.realtime import announce_on_commit
from credit.signals import credit_added


def credit_changed(owner_ids: Iterable[int]) -> None:
    """Balances moved: refresh their owners' pages once this transaction has committed."""
    for owner_id in owner_ids:
        announce_on_commit(f"user:{owner_id}", "credit")


def credit_grew(owner_ids: Iterable[int]) -> None:
    """Spendable credit grew: whatever waits for it may go on once this transaction has committed."""
    for owner_id in owner_ids:
        transaction.on_commit(partial(credit_added.send_robust, sender=None, user_id=owner_id))
