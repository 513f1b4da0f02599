"""What the page on a node's own machine shows of the site: how the node stands, why it is idle, what it earned."""

from datetime import datetime, timedelta

from django.conf import settings

from pictor_agent import protocol
from workers.look import Look, for_look
from workers.models import Worker
from workers.presentation import status_words
from workers.states import WorkerStatus

WEEK_DAYS = 7


def overview_of(worker_id: int, *, now: datetime) -> protocol.Overview:
    """As its owner's page says it at `now`."""
    worker = for_look(Worker.objects).get(pk=worker_id)
    look = Look(worker, now)
    since = now.date() - timedelta(days=WEEK_DAYS)
    return protocol.Overview(
        stands=status_words(worker, look.running)[1],
        why=look.idle_reason[:500],
        is_open=worker.status == WorkerStatus.ONLINE and not worker.closed_by,
        earned_today_micros=look.today.earned_micros,
        earned_week_micros=sum(tally.earned_micros for tally in look.tallies if tally.day_on > since),
        url=settings.SITE_URL + worker.get_absolute_url(),
    )
