"""Background functions of the leaderboard."""

from celery import shared_task
from django.core.cache import cache

from common import clock
from leaderboard import figures


@shared_task
def sweep_figures() -> None:
    """Sum over the network ahead of the readers."""
    cache.set(figures.KEY, figures.of_the_network(clock.now()), figures.KEPT_SECONDS)
