"""Celery entry points of the ledger: sweeps that repeat what time makes due."""

import structlog
from celery import shared_task

from common import clock
from credit import services

BATCH = 1000
BATCHES_MAX = 20
log = structlog.get_logger(__name__)


@shared_task
def sweep_matured_earnings() -> None:
    """Make due earnings available; what is left after a few batches waits for the next run."""
    for _ in range(BATCHES_MAX):
        matured = services.sweep_matured_earnings(now=clock.now(), limit=BATCH)
        if matured:
            log.info("earnings_matured", earnings=matured)
        if matured < BATCH:
            return


@shared_task
def sweep_expired_holds() -> None:
    """Give back what holds past their time still have."""
    if given_back := services.sweep_expired_holds(now=clock.now()):
        log.info("holds_given_back", holds=given_back)
