"""The socket's side of a node: admitted, signed on, drained, signed off; and the gateways that hold the sockets.

Locks: the worker row (without its key, so that leases may refer to it), then what workers.leases locks.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Least

from common.transitions import move
from common.words import one_line
from pictor_agent import protocol
from workers import controls, deliveries, events, nearness, outages, scoring, standing
from workers.deliveries import Held
from workers.enrolments import spend_token
from workers.feeding import LEASE_SECONDS
from workers.leases import UNSTARTED, return_leases
from workers.models import Gateway, Gpu, Lease, Shift, Worker
from workers.nudges import nudge_on_commit
from workers.states import WORKER_MOVES, ReturnReason, WorkerStatus

S = WorkerStatus
GATEWAY_SECONDS = 20  # a gateway that has not renewed itself for this long is dead


class Refusal(Exception):
    """Why a node may not sign on; `code` is one of protocol.Refused."""

    def __init__(self, code: str, words: str, *, retry: bool = False):
        super().__init__(words)
        self.code, self.words, self.retry = code, words, retry


@dataclass(frozen=True, slots=True)
class Admission:
    """A proven node and the number of its new connection."""

    worker_id: int
    name: str
    epoch: int


@dataclass(frozen=True, slots=True)
class SignedOn:
    """What a node truly holds, and what it only believes to hold."""

    held: list[Held]
    void: list[tuple[int, int]]


@transaction.atomic
def admit(*, uid: str, public_key: bytes, token: str, gateway_id: str, now: datetime) -> Admission:
    """Count a connection whose key is proven; the node's older socket is told to close. Work comes after `sign_on`.

    Raises:
        Refusal: unknown, suspended or retired node, or a key that is not (and cannot be) enrolled.
    """
    worker = Worker.objects.select_for_update(no_key=True).filter(uid=uid).first()
    if worker is None:
        raise Refusal("unknown_node", "The network does not know this node; download a configuration file from its page.")
    if worker.status in {S.RETIRED, S.SUSPENDED}:
        raise Refusal(worker.status, f"This node is {worker.get_status_display().lower()}.")
    if worker.public_key is None or bytes(worker.public_key) != public_key:
        _enrol(worker, public_key, token, now=now)
    _supersede(worker, now=now)
    changes = {"connection_epoch": worker.connection_epoch + 1, "gateway_id": gateway_id, "connected_at": None}
    Worker.objects.filter(pk=worker.pk).update(**changes)
    return Admission(worker.pk, worker.name, changes["connection_epoch"])


def _enrol(worker: Worker, public_key: bytes, token: str, *, now: datetime) -> None:
    """Spend the token of a configuration file on a key."""
    if not spend_token(worker, token, now=now):
        words = "The configuration file was used, replaced, or is too old; download a fresh one from the node's page."
        raise Refusal("bad_token", words)
    if Worker.objects.filter(public_key=public_key).exclude(pk=worker.pk).exists():
        raise Refusal("bad_token", "This key belongs to another node; start the agent with a state folder of its own.")
    Worker.objects.filter(pk=worker.pk).update(public_key=public_key)
    nearness.forget_node(worker.pk)
    events.record(worker, "enrolled", now=now)


def _supersede(worker: Worker, *, now: datetime) -> None:
    """The older socket, if any, closes, wherever it is."""
    if worker.gateway_id:
        words = "Another agent signed on with this node's key."
        deliveries.refuse_on_commit(
            worker, gateway_id=worker.gateway_id, epoch=worker.connection_epoch, code="superseded", words=words
        )
    if worker.connected_at:
        events.record(worker, "superseded", now=now)
        end_shift(worker.pk, now)


@transaction.atomic
def sign_on(
    admission: Admission, *, inventory: protocol.Inventory, holding, version: str, now: datetime, protocol_version: int = 1
) -> SignedOn | None:
    """Take the inventory and begin a shift; leases that the node no longer holds return. None when superseded meanwhile.

    Raises:
        Refusal: its GPUs are played from a file, where only real ones may earn.
    """
    if inventory.simulated and not settings.SIMULATED_GPUS:
        raise Refusal("simulated", "This network takes real GPUs alone; start the agent without --gpu-trace.")
    worker = Worker.objects.select_for_update(no_key=True).get(pk=admission.worker_id)
    if worker.connection_epoch != admission.epoch or worker.status in {S.RETIRED, S.SUSPENDED}:
        return None
    had = _hardware_of(worker)
    status = worker.status if worker.status == S.PAUSED else S.ONLINE
    changes = _inventory_columns(inventory) | {"agent_version": version, "protocol": protocol_version}
    changes |= {"connected_at": now, "last_seen_at": now, "resting": "", "rest_told": ""}
    if worker.status == status:
        Worker.objects.filter(pk=worker.pk).update(**changes)
    else:
        move(worker, status, moves=WORKER_MOVES, **changes)
    _replace_gpus(worker, inventory.gpus)
    _note_hardware(worker, had, now=now)
    controls.keep_slots(worker)
    Shift.objects.create(worker=worker, epoch=admission.epoch, started_at=now)
    events.record(worker, "signed-on", now=now, detail=f"agent {version}")
    standing.keep(now=now, worker_ids=[worker.pk])
    signed_on = _reconcile(worker, admission.epoch, holding, now=now)
    nudge_on_commit()
    return signed_on


def _inventory_columns(inventory: protocol.Inventory) -> dict:
    return {
        "hostname": one_line(inventory.hostname),
        "os": one_line(inventory.os),
        "cpu_model": one_line(inventory.cpu_model),
        "cpu_cores": min(inventory.cpu_cores, 100_000),
        "ram_bytes": inventory.ram_bytes,
        "blender_versions": list(inventory.blender_versions),
        "isolation": one_line(inventory.isolation),
        "unsandboxed_allowed": inventory.unsandboxed_allowed,
        "engines": list(inventory.engines),
        "engine_notes": [one_line(note) for note in inventory.engine_notes],
        "device": inventory.device if inventory.device in protocol.DEVICES else "",
        "simulated": inventory.simulated,
    }


def _replace_gpus(worker: Worker, gpus: list[protocol.GpuInfo]) -> None:
    worker.gpus.all().delete()
    by_index = {gpu.index: gpu for gpu in gpus if 0 <= gpu.index < 64}
    Gpu.objects.bulk_create(
        Gpu(
            worker=worker,
            index=g.index,
            model=one_line(g.model),
            vram_bytes=g.vram_bytes,
            driver=one_line(g.driver)[:80],
            uuid=one_line(g.uuid)[:80],
            compute=one_line(g.compute)[:16],
            power_limit_watts=g.power_limit_watts,
        )
        for g in by_index.values()
    )


def _hardware_of(worker: Worker) -> list[str]:
    """What makes it this machine: the processor, what Blender renders on, and each GPU with its memory and driver."""
    gpus = [
        " ".join(filter(None, (str(gpu.index), gpu.model, f"{gpu.vram_bytes >> 20} MiB", gpu.uuid, gpu.driver)))
        for gpu in worker.gpus.order_by("index")
    ]
    return [*Worker.objects.values_list("cpu_model", "device").get(pk=worker.pk), *gpus]


def _note_hardware(worker: Worker, had: list[str], *, now: datetime) -> None:
    """Since when its hardware is what it is: what was seen of another says nothing of this one. But GPUs that were refuted stay so
    until a benchmark passes: all of it is the node's own word, and a new one costs nothing.
    """
    has = _hardware_of(worker)
    if worker.hardware_at and has == had:
        return
    score = Least("score_milli", scoring.UNMEASURED_MILLI)
    Worker.objects.filter(pk=worker.pk).update(hardware_at=now, score_milli=score)
    if worker.hardware_at:
        new = ", ".join(each for each in has if each not in had)
        events.record(worker, "hardware", now=now, detail=new or "less than before")


def _reconcile(worker: Worker, epoch: int, holding, *, now: datetime) -> SignedOn:
    """Keep the leases that the node confirms, return the others, and name what it holds without a lease."""
    claimed = {(work_id, attempt) for work_id, attempt in holding}
    leases = list(Lease.objects.filter(worker=worker).select_related("work"))
    kept = [lease for lease in leases if (lease.work_id, lease.attempt) in claimed]
    confirmed = [lease.pk for lease in kept]
    return_leases(Q(worker=worker) & ~Q(pk__in=confirmed), ReturnReason.NODE_GONE, now=now)
    expires_at = now + timedelta(seconds=LEASE_SECONDS)
    Lease.objects.filter(pk__in=confirmed).update(epoch=epoch, expires_at=expires_at)
    Lease.objects.filter(pk__in=confirmed, acknowledged_at=None).update(acknowledged_at=now)
    held = [Held(x.work_id, x.attempt, x.work.kind, x.work.reference, x.work.group) for x in kept]
    return SignedOn(held, sorted(claimed - {(x.work_id, x.attempt) for x in held}))


@transaction.atomic
def drain_worker(worker_id: int, *, epoch: int, now: datetime, why: str = "") -> None:
    """The agent stops after what it runs."""
    worker = Worker.objects.select_for_update(no_key=True).get(pk=worker_id)
    if worker.connection_epoch != epoch or worker.status != S.ONLINE:
        return
    move(worker, S.DRAINING, moves=WORKER_MOVES)
    events.record(worker, "draining", now=now, detail=why)
    return_leases(UNSTARTED & Q(worker=worker), ReturnReason.DRAINED, now=now)


@transaction.atomic
def sign_off(worker_id: int, *, epoch: int, now: datetime, clean: bool, why: str = "") -> bool:
    """The socket of this epoch is gone. After a clean goodbye the leases return at once, else they may still be renewed
    by the next sign-on. False when a newer connection exists."""
    worker = Worker.objects.select_for_update(no_key=True).get(pk=worker_id)
    if worker.connection_epoch != epoch or not worker.gateway_id:
        return False
    _disconnect(worker, now=now, lost=not clean and worker.status == S.ONLINE)
    if worker.status != S.NEW:
        events.record(worker, "signed-off" if clean else "lost", now=now, detail=why)
    if clean:
        return_leases(Q(worker=worker), ReturnReason.DRAINED, now=now)
    return True


def _disconnect(worker: Worker, *, now: datetime, lost: bool) -> None:
    changes = {"connected_at": None, "gateway_id": ""}
    if worker.status in {S.ONLINE, S.DRAINING}:
        move(worker, S.OFFLINE, moves=WORKER_MOVES, **changes)
    else:
        Worker.objects.filter(pk=worker.pk).update(**changes)
    end_shift(worker.pk, now, lost=lost)


def end_shift(worker_id: int, now: datetime, *, lost: bool = False) -> None:
    Shift.objects.filter(worker_id=worker_id, ended_at=None).update(ended_at=now, lost=lost)


def renew_gateway(gateway_id: str, *, now: datetime) -> None:
    """Write that this gateway lives, also for the first time."""
    Gateway.objects.update_or_create(
        id=gateway_id, defaults={"seen_at": now}, create_defaults={"started_at": now, "seen_at": now}
    )


def lose_dead_gateways(*, now: datetime, limit: int = 1_000) -> int:
    """Nodes whose gateway died are offline; their leases run on until they expire, in case the node comes back."""
    dead = dict(Gateway.objects.filter(seen_at__lt=now - timedelta(seconds=GATEWAY_SECONDS)).values_list("pk", "seen_at"))
    if dead:
        outages.note(min(dead.values()), now + outages.RETURN, "a gateway died")
        Gateway.objects.filter(pk__in=dead).delete()
    alive = Gateway.objects.values("id")
    stranded = Worker.objects.exclude(gateway_id="").exclude(gateway_id__in=alive).values_list("pk", "connection_epoch")
    return sum(sign_off(pk, epoch=epoch, now=now, clean=False, why="its gateway stopped") for pk, epoch in stranded[:limit])
