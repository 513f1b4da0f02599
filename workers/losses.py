"""Work that nodes lost, kept until it is known whether the network was away; only then does a node's day count it.

A dead gateway is seen at once; a line's outage only by the sweep that measures, minutes after what was lost in it.
"""

from collections import Counter, defaultdict
from datetime import datetime

from workers import outages
from workers.models import LostWork
from workers.tallies import Sums, tally_all

SETTLED_AT_ONCE = 20_000


def note(*, left: Counter[int], unbegun: Counter[int], now: datetime) -> None:
    """How many tasks each node left, or did not begin; nothing where the network is seen to be away."""
    nodes = left.keys() | unbegun.keys()
    if nodes and not outages.may_be_away(now):
        LostWork.objects.bulk_create(
            LostWork(worker_id=pk, lost_at=now, tasks_left=left[pk], tasks_unbegun=unbegun[pk]) for pk in sorted(nodes)
        )


def settle(until: datetime) -> None:
    """Count what was lost up to this moment against the nodes, or forgive it. All outages that began by then are noted.

    Locks: the caller's, so that nothing is counted twice; then the sums of the days.
    """
    due = list(LostWork.objects.filter(lost_at__lte=until).order_by("pk")[:SETTLED_AT_ONCE])
    forgiven = outages.forgiven([(row.worker_id, row.lost_at) for row in due])
    days: dict = defaultdict(lambda: (Counter(), Counter()))
    for row in due:
        if (row.worker_id, row.lost_at) not in forgiven:
            left, unbegun = days[row.lost_at.date()]
            left[row.worker_id] += row.tasks_left
            unbegun[row.worker_id] += row.tasks_unbegun
    for day_on, (left, unbegun) in sorted(days.items()):
        tally_all(day_on, [Sums(pk, tasks_left=left[pk], tasks_unbegun=unbegun[pk]) for pk in sorted(left)])
    LostWork.objects.filter(pk__in=[row.pk for row in due])._raw_delete(using="default")
