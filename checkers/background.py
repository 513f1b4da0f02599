"""Background functions of the checkers."""

from celery import shared_task
from django.core.cache import cache

from checkers import figures


@shared_task
def sweep_figures() -> None:
    """Sum over all frames ahead of the readers."""
    cache.set(figures.KEY, figures.of_the_network(), figures.KEPT_SECONDS)
