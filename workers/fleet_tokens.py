"""Fleet tokens: one configuration file with which several machines each become a node of their owner, up to a limit.

Every use makes a node and enrols the machine's key, in one transaction. Locks: the owner, the token's row, then as workers.shifts.
"""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from workers import events, shifts, teams
from workers.enrolments import digest_of, toml, update_lines
from workers.fleet_models import FLEET_UID_PREFIX
from workers.models import FleetToken, Worker
from workers.nodes import NameTaken, TooManyNodes, create_worker
from workers.shifts import Admission, Refusal

LIVING_MAX = 50  # of one owner
CONFIG = """\
# Configuration of up to {nodes_max} nodes of the network, for: pictor-agent run --config FILE
# Each machine that uses it becomes a node of its own, until {expires}; keep it private.
server_url = {server_url}
fleet = {fleet}
fleet_owner = {owner}
token = {token}
{updates}"""


class TooManyFleetTokens(Exception):
    """The owner has as many tokens that still work as one account may have."""


@transaction.atomic
def new_fleet_token(owner, *, name_prefix: str, nodes_max: int, days: int, now: datetime) -> str:
    """The configuration file, as TOML; it can be shown this once, for only the token's hash is kept.

    Raises:
        TooManyFleetTokens
    """
    teams.lock(owner.pk)  # of two at once the second counts the first
    if FleetToken.objects.owned_by(owner).living(now).count() >= LIVING_MAX:
        raise TooManyFleetTokens
    token, expires_at = secrets.token_urlsafe(32), now + timedelta(days=days)
    fleet = FleetToken.objects.create(
        owner=owner, name_prefix=name_prefix, nodes_max=nodes_max, token_sha256=digest_of(token), expires_at=expires_at
    )
    return CONFIG.format(
        nodes_max=nodes_max,
        server_url=toml(settings.LIVE_URL),
        fleet=toml(fleet.uid),
        owner=toml(digest_of(f"{settings.LIVE_URL} {owner.pk}")[:16]),
        token=toml(token),
        updates=update_lines(),
        expires=expires_at.strftime("%Y-%m-%d %H:%M UTC"),
    )


def revoke_fleet_token(fleet: FleetToken, *, now: datetime) -> bool:
    """No further machine may use it; the nodes that it made go on. False when it was revoked before."""
    return FleetToken.objects.filter(pk=fleet.pk, revoked_at=None).update(revoked_at=now) == 1


def revoke_all_of(owner, *, now: datetime) -> int:
    return FleetToken.objects.owned_by(owner).filter(revoked_at=None).update(revoked_at=now)


@transaction.atomic
def admit(*, uid: str, public_key: bytes, token: str, gateway_id: str, now: datetime) -> Admission:
    """As workers.shifts.admit; whoever comes with a fleet's uid is the node that has this key, and becomes one at first.

    Raises:
        Refusal
    """
    if uid.startswith(FLEET_UID_PREFIX):
        uid, token = _node_of_fleet(uid, public_key, token, now=now).uid, ""
    return shifts.admit(uid=uid, public_key=public_key, token=token, gateway_id=gateway_id, now=now)


def _node_of_fleet(uid: str, public_key: bytes, token: str, *, now: datetime) -> Worker:
    """Also a machine that an earlier token of the same owner made a node: it stays that one."""
    known = Worker.objects.filter(public_key=public_key).first()
    if known is None:
        return _join(uid, public_key, token, now=now)
    if known.fleet_id is None or not FleetToken.objects.filter(uid=uid, owner=known.owner_id).exists():
        raise Refusal("bad_token", "This key belongs to another node; start the agent with a state folder of its own.")
    return known


def _join(uid: str, public_key: bytes, token: str, *, now: datetime) -> Worker:
    """A new node with this key."""
    fleet = _use(uid, token, now=now)
    try:
        worker = _create(fleet, now=now)
        with transaction.atomic():
            Worker.objects.filter(pk=worker.pk).update(public_key=public_key, fleet=fleet)
    except IntegrityError:
        raise Refusal("bad_token", "This key signs on elsewhere at this very moment.", retry=True) from None
    events.record(worker, "enrolled", now=now, detail=f"by the fleet token {fleet.name_prefix}")
    return worker


def _use(uid: str, token: str, *, now: datetime) -> FleetToken:
    """Count a use in the statement that asks whether one is left, so that no two get the last one.

    Without a join: it would put the question into a subquery, which does not look again after waiting for the row.
    """
    usable = FleetToken.objects.living(now).filter(uid=uid, token_sha256=digest_of(token))
    if owner_id := usable.values_list("owner", flat=True).first():
        teams.lock(owner_id)  # before the token's row, as an account that is closed
    won = bool(token) and usable.filter(used__lt=F("nodes_max")).update(used=F("used") + 1) == 1
    fleet = FleetToken.objects.select_related("owner").get(uid=uid) if won else None
    if fleet is None or not fleet.owner.is_active:
        words = "The fleet token is used up, revoked or too old; make another on the page My Workers, Fleet tokens."
        raise Refusal("bad_token", words)
    return fleet


def _create(fleet: FleetToken, *, now: datetime) -> Worker:
    """Numbered by the use; where the owner has a node of that name, with some letters more."""
    name = f"{fleet.name_prefix}-{fleet.used}"
    try:
        try:
            return create_worker(fleet.owner, name, now=now)
        except NameTaken:
            return create_worker(fleet.owner, f"{name}-{secrets.token_hex(3)}", now=now)
    except TooManyNodes:
        raise Refusal("bad_token", "The owner's account has as many nodes as one account may have.") from None
