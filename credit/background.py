"""Celery entry points of the ledger: sweeps that repeat what time makes due, and the daily proof."""

import logging

import structlog
from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache

from common import clock
from credit import services, sums
from credit.chains import deposit_chains
from credit.deposits import watching
from credit.deposits.wire import NodeDown
from credit.models import TopUp
from credit.payouts import sending
from credit.payouts.lanes import Unreachable, WrongChain
from credit.payouts.signer import NoSigner
from credit.proof import prove
from credit.providers.base import ProviderUnavailable
from credit.services import alerts, disputes, payments, provider_events, withdrawals
from credit.services.reconciliations import reconcile
from credit.withdrawing import payout_chains

BATCH = 1000
BATCHES_MAX = 20
NAMED_MAX = 20  # differences that one run logs
RECONCILING_SECONDS = 900  # longer than one look takes when nothing answers
WATCHING_SECONDS = 120  # longer than the time limit of sweep_deposits (pictor.celery)
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
def sweep_deposits() -> None:
    """Look at every chain that takes top-ups; one look at a chain at a time, so that a slow node holds one process."""
    for chain in deposit_chains():
        if not cache.add(turn := f"credit:watching:{chain.key}", 1, timeout=WATCHING_SECONDS):
            continue
        try:
            for asset in chain.assets:
                watching.watch(chain, asset, clock.now())
        except SoftTimeLimitExceeded:
            raise
        except Exception:  # whatever a node said, or a fault of ours: the other chains are looked at all the same
            log.exception("chain_broke", chain=chain.key)
        finally:
            cache.delete(turn)


@shared_task
def look_up_top_up(top_up_id: int) -> None:
    """A wallet named a transaction: look now, the sweep looks again."""
    try:
        watching.look_up(TopUp.objects.get(pk=top_up_id), clock.now())
    except NodeDown as error:
        log.info("top_up_not_looked_up", top_up=top_up_id, problem=str(error))


@shared_task
def sweep_top_ups() -> None:
    """End top-ups that nothing came for."""
    services.sweep_top_ups(now=clock.now())


@shared_task
def handle_provider_event(event_id: int) -> None:
    """A payment provider announced something: ask now, the sweep asks again."""
    try:
        provider_events.handle_event(event_id=event_id, now=clock.now())
    except (ProviderUnavailable, LookupError) as error:
        log.info("event_not_handled", provider_event=event_id, error=str(error))


@shared_task
def sweep_payments() -> None:
    """Ask a payment provider about checkouts that nothing was heard of, and about events that could not be handled."""
    payments.sweep_payments(now=clock.now())
    provider_events.sweep_provider_events(now=clock.now())


@shared_task
def sweep_disputes() -> None:
    """Find disputes whose event never came, and the end of those that are open."""
    provider_events.sweep_disputes(now=clock.now())


@shared_task
def sweep_debts() -> None:
    """Set what came in meanwhile against what is owed."""
    disputes.sweep_debts(now=clock.now())


@shared_task
def sweep_credit_alerts() -> None:
    """Find what users are to be told about budgets and balances, and tell it."""
    found, told = alerts.find_alerts(clock.now()), alerts.tell_alerts(clock.now())
    if found or told:
        log.info("credit_alerts", found=found, told=told)


@shared_task
def sweep_day_sums() -> None:
    """Keep the sums of the days that are over: usage, statements and runway read them."""
    if written := sums.keep_sums(clock.now()):
        log.info("day_sums_kept", rows=written)


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


@shared_task
def sweep_payouts() -> None:
    """Let withdrawals go whose delay is over, and look at every chain that pays out. A chain that does not answer waits."""
    withdrawals.release_due_withdrawals(now=clock.now())
    for chain in payout_chains():
        with sending.turn(chain) as is_mine:
            try:
                if is_mine:
                    sending.pay_out(chain, clock.now())
            except (Unreachable, WrongChain, NoSigner) as error:
                log.error("payouts_wait", chain=chain.key, kind=type(error).__name__, error=str(error))
            except SoftTimeLimitExceeded:
                raise
            except Exception:  # as in sweep_deposits
                log.exception("payouts_broke", chain=chain.key)


@shared_task
def sweep_reconciliation() -> None:
    """Compare books, chains and provider, as `manage.py reconcile` does; one look at a time."""
    if not cache.add("credit:reconciling", 1, timeout=RECONCILING_SECONDS):
        return
    try:
        reconcile(now=clock.now())
    finally:
        cache.delete("credit:reconciling")
