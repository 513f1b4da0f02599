"""Celery entry points of the ledger: sweeps that repeat what time makes due, and the daily proof."""

import logging

import structlog
from celery import shared_task

from common import clock
from credit import services
from credit.proof import prove

BATCH = 1000
BATCHES_MAX = 20
NAMED_MAX = 20  # differences that one run logs
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


@shared_task
def sweep_ledger() -> None:
    """Prove the ledger as `manage.py check_ledger` does; what breaks a law is an error in the log, for an operator."""
    found = prove(clock.now())
    for difference in found.differences[:NAMED_MAX]:
        log.error("ledger_differs", law=difference.law, difference=difference.sentence)
    log.log(
        logging.ERROR if found.differences else logging.INFO,
        "ledger_proved",
        transfers=found.transfers,
        differences=len(found.differences),
    )
