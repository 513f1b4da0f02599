"""Valid rows and messages with one call; a test spells out only the fact it is about."""

from datetime import UTC, datetime
from itertools import count

from django.contrib.auth import get_user_model

from pictor_agent import protocol
from tests.builders import make_worker
from workers import services
from workers.models import Invitation, Lease, Work, Worker
from workers.states import InvitationStatus

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_numbers = count(1)


def user(name: str = "", **changes):
    name = name or f"user{next(_numbers)}"
    return get_user_model().objects.create(username=name, email=f"{name}@example.org", **changes)


def worker(**changes) -> Worker:
    """As tests.builders.make_worker, of somebody new unless `owner` is given."""
    return make_worker(changes.pop("owner", None) or user(), **({"connected_at": NOW, "last_seen_at": NOW} | changes))


def team_up(node: Worker, *people, serves: str) -> None:
    """These people are in the team of the node's owner: they were asked, and accepted."""
    emails = sorted(person.email.lower() for person in people)
    services.set_controls(node, now=NOW, serves=serves, team_emails=emails)
    for person in people:
        invitation = Invitation.objects.get(owner=node.owner, email=person.email.lower())
        services.answer_invitation(invitation, person=person, to=InvitationStatus.ACCEPTED, now=NOW)


def enqueue(*references: int, group: int = 1, owner_id: int = 1, priority: int = 0, work: dict | None = None, **requirements):
    """Waiting work. `work`: further fields of NewWork; all else is required of the node."""
    services.enqueue(
        "toy",
        [
            services.NewWork(
                reference=reference,
                group=group,
                owner_id=owner_id,
                requirements=requirements,
                priority=priority,
                sort=reference,
                **(work or {}),
            )
            for reference in references
        ],
    )


def work(reference: int) -> Work:
    return Work.objects.get(kind="toy", reference=reference)


def lease(reference: int) -> Lease:
    return Lease.objects.get(work__kind="toy", work__reference=reference)


def spec(reference: int) -> protocol.RenderSpec:
    return protocol.RenderSpec(
        engine="cycles",
        blender_version="5.0.1",
        scene_key="a" * 64,
        main_path="scene.blend",
        files=[protocol.FileRef(path="scene.blend", sha256="a" * 64, size_bytes=3, url="http://testserver/files/x")],
        frame=reference,
        seed=1,
        width=32,
        height=18,
        samples=1,
        format="PNG",
    )


def result(**changes) -> protocol.RenderResult:
    row = {"file_sha256": "b" * 64, "pixels_sha256": "c" * 64, "size_bytes": 10, "width": 32, "height": 18}
    return protocol.RenderResult(**(row | {"render_seconds": 1.5} | changes))


def inventory(**changes) -> protocol.Inventory:
    row = {
        "hostname": "attic",
        "os": "Linux",
        "cpu_model": "Test CPU",
        "cpu_cores": 8,
        "ram_bytes": 16 * 1024**3,
        "disk_free_bytes": 10**11,
        "blender_versions": ["5.0.1"],
        "isolation": "bubblewrap",
    }
    return protocol.Inventory(**(row | changes))


def feed(now: datetime = NOW) -> int:
    """Feed until nothing is left to lease."""
    total = 0
    while leased := services.feed_once(now):
        total += leased
    return total


def report(holder: Lease, kind: type, *, now: datetime = NOW, **fields):
    """The node of a lease says something of its attempt; returns the answer."""
    message = kind(work_id=holder.work_id, attempt=holder.attempt, **fields)
    return services.record([services.Incoming(holder.worker_id, message)], now)[0]
