"""Releases of the agent: numbered, signed, told to nodes that are behind; what nodes say became of them.

Every process offers the wheel of its own code. While processes of two versions run, a node may hear of either; it takes
only what is newer than what it had.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from common.words import one_line
from pictor_agent import __version__, protocol
from pictor_agent.updating import manifest
from workers import agent_wheel, controls, events
from workers.models import AgentBuild, AgentRelease, Worker

PYTHON = (3, 11)  # pyproject.toml: requires-python


def newest() -> AgentRelease | None:
    """That any process has offered so far."""
    return AgentRelease.objects.order_by("-pk").first()


def offered(*, now: datetime) -> AgentRelease | None:
    """The release of this process's own code, numbered when it is new; None where the network signs none."""
    if not settings.AGENT_SIGNING_KEY:
        return None
    try:
        wheel = agent_wheel.offered()
    except agent_wheel.NotBuilt:
        return None
    defaults = {"version": __version__, "created_at": now}
    return AgentRelease.objects.get_or_create(sha256=wheel.sha256, defaults=defaults)[0]


def signed(release: AgentRelease) -> bytes:
    """What nodes are told of the wheel of this process, `release`, under the network's key."""
    wheel = agent_wheel.offered()
    said = manifest.Manifest(
        number=release.pk,
        version=release.version,
        wheel=wheel.name,
        sha256=wheel.sha256,
        size_bytes=len(wheel.content),
        python=PYTHON,
        created_at=int(release.created_at.timestamp()),
    )
    return manifest.sealed(said, settings.AGENT_SIGNING_KEY)


def update_key() -> str:
    """The public key that configuration files name; empty where the network signs no releases."""
    return manifest.public_key(settings.AGENT_SIGNING_KEY) if settings.AGENT_SIGNING_KEY else ""


@transaction.atomic
def note_build(worker_id: int, *, epoch: int, said: protocol.Build, now: datetime) -> protocol.Release | None:
    """Keep what a node says of its agent; returns the release that it is behind of, if any."""
    worker = Worker.objects.filter(pk=worker_id, connection_epoch=epoch).first()
    if worker is None:
        return None
    _keep(worker, said, now=now)
    release = offered(now=now)
    if release is None or said.obstacle or said.sha256 == release.sha256:
        return None
    url = settings.SITE_URL + reverse("workers:agent-release")
    return protocol.Release(number=release.pk, version=release.version, url=url)


def _keep(worker: Worker, said: protocol.Build, *, now: datetime) -> None:
    row = {"sha256": said.sha256, "obstacle": said.obstacle, "tried": said.tried, "words": one_line(said.words)}
    had = AgentBuild.objects.filter(worker=worker).first()
    if had and all(getattr(had, name) == value for name, value in row.items()):
        return
    AgentBuild.objects.update_or_create(worker=worker, defaults=row)
    if had and had.sha256 != said.sha256:
        number = AgentRelease.objects.filter(sha256=said.sha256).values_list("pk", flat=True).first()
        events.record(worker, "updated", now=now, detail=f"release {number}" if number else "")
    elif said.words and (had is None or (had.tried, had.words) != (said.tried, row["words"])):
        events.record(worker, "update-failed", now=now, detail=f"release {said.tried}: {row['words']}")
    else:
        events.announce_status(worker)


def allow(worker: Worker, release: AgentRelease, *, now: datetime, actor=None) -> bool:
    """Its owner lets the node become this release, and none after it. False when that was allowed before."""
    return bool(controls.set_controls(worker, now=now, actor=actor, release_allowed=release.pk))
