"""Which nodes have which scenes at hand, as far as the server knows: those that rendered them of late. A preference only."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection

from workers.models import Cached
from workers.sharing import Group, Place

KEPT_FOR = timedelta(days=14)  # a node's cache has dropped it by then, most likely

AT_HAND = "SELECT worker_id, affinity FROM workers_cached WHERE affinity = ANY(%s) AND worker_id = ANY(%s)"
REMEMBER = """
    INSERT INTO workers_cached AS cached (worker_id, affinity, used_at)
    SELECT worker_id, affinity, %s FROM unnest(%s::bigint[], %s::text[]) AS given(worker_id, affinity)
    ON CONFLICT (affinity, worker_id) DO UPDATE SET used_at = EXCLUDED.used_at
    WHERE cached.used_at < EXCLUDED.used_at - interval '1 hour'
"""


def with_what_is_at_hand(places: list[Place], groups: Iterable[Group]) -> list[Place]:
    """The places with those affinities of the waiting groups that their nodes have."""
    affinities = sorted({group.affinity for group in groups if group.affinity})
    if not affinities:
        return places
    with connection.cursor() as cursor:
        cursor.execute(AT_HAND, [affinities, sorted({place.facts.worker_id for place in places})])
        at_hand = defaultdict(set)
        for worker_id, affinity in cursor.fetchall():
            at_hand[worker_id].add(affinity)
    return [replace(place, at_hand=frozenset(at_hand.get(place.facts.worker_id, ()))) for place in places]


def remember(pairs: Iterable[tuple[int, str]], now: datetime) -> None:
    """These (node, affinity) are together from now on; written once an hour at most."""
    rows = sorted({(worker_id, affinity) for worker_id, affinity in pairs if affinity})
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(REMEMBER, [now, *(list(column) for column in zip(*rows, strict=True))])


def forget_node(worker_id: int) -> None:
    """Another machine takes the node's place: it has nothing yet."""
    Cached.objects.filter(worker=worker_id).delete()


def drop_unused(*, now: datetime, limit: int = 20_000) -> int:
    """What nobody worked on for KEPT_FOR is dropped."""
    due = Cached.objects.filter(used_at__lt=now - KEPT_FOR).order_by("used_at").values("pk")[:limit]
    return Cached.objects.filter(pk__in=due)._raw_delete(using="default")
