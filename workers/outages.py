"""When the network itself was away: a gateway that died, a sweep that did not run, a line that took most nodes with it.

No uptime of such a time counts for or against a node. Three things tell of it: a dead gateway's last sign of life, a gap between
two runs of the sweep that measures, and the loss of more than half of the nodes online, of several owners, within one run. Only
nodes and owners that the network knows count for that: others cost nothing to make, and could switch off an outage at will.
"""

from collections.abc import Collection, Iterable, Set
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from workers.levels import Level
from workers.models import Gateway, Outage, Shift, Worker

RETURN = timedelta(minutes=2)  # a node's longest pause between two tries to connect, and the sign-on
STALE = timedelta(seconds=10)  # a gateway renews itself far more often; it is given up after GATEWAY_SECONDS
LEASE = timedelta(seconds=60)  # work is lost so long after what it was lost to
TOGETHER = timedelta(minutes=1)  # one line's loss is noticed node by node, by each one's silence
OWNERS_MIN = 3  # whose nodes vanish together: fewer may share one line of their own
KNOWN = [Level.VERIFIED.value, Level.TRUSTED.value]  # days of work stand behind such a node
GOES_ON = timedelta(hours=24)  # nodes that are away for longer do not come back for our sake

Stretch = tuple[datetime, datetime]
Loss = tuple[int, datetime]  # of a node, and when its lease ended

# Of the known nodes online at the beginning of a time: how many there were, how many of them are lost at its end (one that has
# come back is not), and of how many owners.
LOST = """
    WITH met AS (
        SELECT node.id, node.owner_id, NOT EXISTS (
            SELECT FROM workers_shift later WHERE later.worker_id = node.id
            AND later.started_at <= %(until)s AND (later.ended_at IS NULL OR later.ended_at > %(until)s)) AS lost
        FROM workers_shift shift JOIN workers_worker node ON node.id = shift.worker_id
        WHERE shift.started_at <= %(since)s AND (shift.ended_at IS NULL OR shift.ended_at > %(since)s)
          AND node.level = ANY(%(known)s))
    SELECT count(*), count(*) FILTER (WHERE lost), count(DISTINCT owner_id) FILTER (WHERE lost) FROM met
"""


def note(began_at: datetime, ended_at: datetime, why: str) -> None:
    Outage.objects.create(began_at=began_at, ended_at=ended_at, why=why)


def watch_line(since: datetime, until: datetime) -> None:
    """Notice that most nodes vanished in this time, or that those which had vanished are back."""
    going_on = Outage.objects.filter(ended_at=None).first()
    if going_on:
        online = Worker.objects.connected().filter(level__in=KNOWN).count()
        if 2 * online >= going_on.nodes or until - going_on.began_at > GOES_ON:
            Outage.objects.filter(pk=going_on.pk).update(ended_at=until)
        return
    with connection.cursor() as cursor:
        cursor.execute(LOST, {"since": since, "until": until, "known": KNOWN})
        online, lost, owners = cursor.fetchone()
    if 2 * lost > online and owners >= OWNERS_MIN:
        Outage.objects.create(began_at=since, why="most nodes vanished at once", nodes=online)


def counted(since: datetime, until: datetime) -> list[Stretch]:
    """What is left of this time without the outages in it."""
    within = Outage.objects.filter(Q(ended_at=None) | Q(ended_at__gt=since), began_at__lt=until).order_by("began_at")
    return without((since, until), within.values_list("began_at", "ended_at"))


def without(whole: Stretch, gaps: Iterable[tuple[datetime, datetime | None]]) -> list[Stretch]:
    """The stretches of `whole` outside of the gaps, which come in the order of their beginnings; None: one without an end."""
    begins, until = whole
    left = []
    for gap_begins, gap_ends in gaps:
        if gap_begins > begins:
            left.append((begins, min(gap_begins, until)))
        begins = max(begins, gap_ends or until)
    return [*left, (begins, until)] if begins < until else left


def may_be_away(now: datetime) -> bool:
    """A gateway is silent: it may have died, and if it comes back nobody notes an outage."""
    return Gateway.objects.filter(seen_at__lt=now - STALE).exists()


def taken(worker_ids: Set[int], now: datetime) -> Set[int]:
    """Those of these nodes that are away through the network at this moment, as far as it is known by now."""
    return worker_ids if may_be_away(now) else {node for node, _ in forgiven([(pk, now) for pk in worker_ids])}


def forgiven(losses: Collection[Loss]) -> set[Loss]:
    """Those of these that were lost through the network: of a line's outage what the nodes lost that it took."""
    if not losses:
        return set()
    first, last = min(at for _, at in losses), max(at for _, at in losses)
    met = Outage.objects.filter(Q(ended_at=None) | Q(ended_at__gt=first - LEASE), began_at__lte=last)
    return set().union(*(_forgiven_in(outage, losses) for outage in met))


def _forgiven_in(outage: Outage, losses: Iterable[Loss]) -> set[Loss]:
    within = {
        (node, at) for node, at in losses if at >= outage.began_at and (outage.ended_at is None or at < outage.ended_at + LEASE)
    }
    if not outage.nodes:
        return within
    taken = _taken_by(outage, {node for node, _ in within})
    return {(node, at) for node, at in within if node in taken}


def _taken_by(outage: Outage, worker_ids: Set[int]) -> set[int]:
    """Online when it began, and lost in it."""
    lost = Q(ended_at__gt=outage.began_at) & (Q(ended_at__lte=outage.ended_at) if outage.ended_at else Q())
    shifts = Shift.objects.filter(lost, worker__in=worker_ids, started_at__lte=outage.began_at)
    return set(shifts.values_list("worker_id", flat=True))


def drop_before(moment: datetime) -> int:
    return Outage.objects.filter(ended_at__lt=moment)._raw_delete(using="default")
