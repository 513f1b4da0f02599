"""Messages for nodes on their way to the gateway that holds the socket: one Redis channel per gateway process.

All of it is losable: an assignment that is not acknowledged returns to the queue, a cancelled attempt is told so again
when it reports.
"""

from collections import defaultdict
from collections.abc import Iterable

import msgspec
import redis
from django.db import transaction

from common import realtime
from pictor_agent import protocol


class Held(msgspec.Struct, array_like=True, frozen=True):
    """What the gateway must know of an attempt to route its progress."""

    work_id: int
    attempt: int
    kind: str
    reference: int
    group: int


class Delivery(msgspec.Struct, array_like=True):
    """One encoded protocol message for one connection; another epoch of the same node does not get it."""

    worker_id: int
    epoch: int  # 0: whichever connection the node has
    payload: bytes
    held: list[Held] = []  # attempts that begin with this message
    close: bool = False  # the socket closes after it


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(list[Delivery]).decode


def channel(gateway_id: str) -> str:
    return f"gateway:{gateway_id}"


def publish(deliveries: Iterable[tuple[str, Delivery]]) -> None:
    """Send each (gateway id, delivery), one Redis message per gateway."""
    by_gateway = defaultdict(list)
    for gateway_id, delivery in deliveries:
        if gateway_id:
            by_gateway[gateway_id].append(delivery)
    if not by_gateway:
        return
    try:
        with realtime.connection().pipeline(transaction=False) as pipe:
            for gateway_id, batch in by_gateway.items():
                pipe.publish(channel(gateway_id), encode(batch))
            pipe.execute()
    except redis.RedisError:
        pass  # sweeps return what was not acknowledged


def publish_on_commit(deliveries: list[tuple[str, Delivery]]) -> None:
    if deliveries:
        transaction.on_commit(lambda: publish(deliveries))


def cancel_on_commit(leases: Iterable, words: str) -> None:
    """Tell the nodes of these leases (with `worker` loaded) to stop the attempts at once."""
    by_worker = defaultdict(list)
    for lease in leases:
        by_worker[lease.worker].append((lease.work_id, lease.attempt))
    publish_on_commit(
        [
            (worker.gateway_id, Delivery(worker.pk, 0, protocol.encode(protocol.Cancel(items=items, reason=words))))
            for worker, items in by_worker.items()
        ]
    )


def refuse_on_commit(worker, *, gateway_id: str, epoch: int, code: str, words: str) -> None:
    """Close one connection of a node with the reason."""
    payload = protocol.encode(protocol.Refused(code=code, words=words))
    publish_on_commit([(gateway_id, Delivery(worker.pk, epoch, payload, close=True))])
