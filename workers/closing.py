"""What nodes mean for an account that is to be closed, or whose data is taken along."""

from django.dispatch import receiver
from django.urls import reverse

from common.words import plural
from users.signals import Blocker, account_closed, asked_for_data, asked_what_blocks
from workers import fleet_tokens, teams
from workers.control_models import Controls, controls_of
from workers.controls import SUBJECTS
from workers.models import Invitation, Worker


@receiver(asked_what_blocks, dispatch_uid="workers.what_blocks")
def what_blocks(user, **kwargs) -> list[Blocker]:
    count = Worker.objects.filter(owner=user).kept().count()
    words = f"{plural(count, 'node')} of yours {'is' if count == 1 else 'are'} still part of the network: retire {'it' if count == 1 else 'them'}."
    return [Blocker(words, reverse("workers:worker-list"))] if count else []


@receiver(asked_for_data, dispatch_uid="workers.data")
def data(user, **kwargs) -> dict:
    nodes = Worker.objects.filter(owner=user).select_related("controls").order_by("pk")
    return {"nodes": [_node(node) for node in nodes.iterator()], "teams": [_team(row) for row in teams.invitations_of(user)]}


@receiver(account_closed, dispatch_uid="workers.forget")
def forget(user, now, **kwargs) -> None:
    teams.forget(user)
    fleet_tokens.revoke_all_of(user, now=now)


def _team(row: Invitation) -> dict:
    """What the person was asked, and answered."""
    answered = row.answered_at and row.answered_at.isoformat()
    return {"of": row.owner.name, "status": row.status, "invited_at": row.invited_at.isoformat(), "answered_at": answered}


def _node(node: Worker) -> dict:
    said = {"id": str(node.pk), "name": node.name, "status": node.status, "created_at": node.created_at.isoformat()}
    return said | {"settings": _settings(controls_of(node))}


def _settings(controls: Controls) -> dict:
    """What its owner chose; of a team the addresses as they wrote them, for the others' accounts are not theirs to take along."""
    return {name: getattr(controls, name) for names in SUBJECTS.values() for name in names}
