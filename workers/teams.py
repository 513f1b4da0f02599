"""Who is in a team: people whose address an owner named on a node, and who said yes themselves.

An address that is nobody's is answered like any other: the invitation lies there, and whoever proves that address later
finds it. `Controls.team_ids` follows from the addresses and the answers, here alone.

Locks: the owner's user row (without its key), then invitations, then controls.
"""

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models.functions import Lower

from common.limits import is_within
from common.transitions import move
from workers import notices
from workers.models import Controls, Invitation, Worker
from workers.nudges import nudge_on_commit
from workers.states import INVITATION_MOVES, InvitationStatus
from workers.uptime import DAY_SECONDS

S = InvitationStatus
NAMED_MAX = 50  # addresses on all nodes of one owner
SHOWN_MAX = 200  # invitations of one person
MONTH_SECONDS = 30 * DAY_SECONDS
TOLD_A_DAY_MAX = 5  # of all owners; the page lists what no notice tells

MEMBERS = """
    UPDATE workers_controls AS controls SET team_ids = ARRAY(
        SELECT DISTINCT person_id FROM workers_invitation
        WHERE owner_id = %(owner)s AND status = 'accepted' AND email = ANY(controls.team_emails) ORDER BY 1)
    FROM workers_worker AS worker WHERE worker.id = controls.worker_id AND worker.owner_id = %(owner)s
"""


class TooManyNamed(Exception):
    """The owner names more addresses than NAMED_MAX on all nodes together."""


def lock(owner_id: int) -> None:
    """Before the controls are written: answers and addresses change one after the other."""
    get_user_model().objects.select_for_update(no_key=True).get(pk=owner_id)


def keep(owner, *, now: datetime) -> None:
    """The addresses on an owner's nodes have changed: ask those that are new, forget those that are named no more.

    Who said no is kept: naming the address again asks nobody twice. Call it with `lock` held.

    Raises:
        TooManyNamed
    """
    kept = Controls.objects.filter(worker__in=Worker.objects.owned_by(owner).kept()).exclude(team_emails=[])
    named = {email for emails in kept.values_list("team_emails", flat=True) for email in emails}
    if len(named) > NAMED_MAX:
        raise TooManyNamed
    own = Invitation.objects.filter(owner=owner)
    own.exclude(email__in=named).exclude(status=S.DECLINED).delete()
    fresh = named - set(own.values_list("email", flat=True))
    Invitation.objects.bulk_create(Invitation(owner=owner, email=email, invited_at=now) for email in sorted(fresh))
    _tell(owner.pk, fresh, now)
    _follow(owner.pk)


def _tell(owner_id: int, emails: Collection[str], now: datetime) -> None:
    """By one owner once a month, by all of them a few times a day."""
    users = get_user_model().objects.annotate(address=Lower("email")).filter(is_active=True, address__in=emails)
    for person in users:
        who = f"user:{person.pk}"
        if is_within(f"invited-by:{owner_id}", who, limit=1, seconds=MONTH_SECONDS) and is_within(
            "invited", who, limit=TOLD_A_DAY_MAX, seconds=DAY_SECONDS
        ):
            notices.invited(person, now)


def _follow(owner_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, {"owner": owner_id})
    nudge_on_commit()


# Answers --------------------------------------------------------------------------------------------------------------


def invitations_of(user) -> list[Invitation]:
    """What this person was asked and answered, newest first."""
    return list(Invitation.objects.visible_to(user).select_related("owner").order_by("-invited_at", "-pk")[:SHOWN_MAX])


@transaction.atomic
def answer_invitation(invitation: Invitation, *, person, to: InvitationStatus, now: datetime) -> None:
    """`person`, who may see it, joins or declines; to decline after joining is to leave.

    Raises:
        IllegalMove, StaleMove
    """
    lock(invitation.owner_id)
    move(invitation, to, moves=INVITATION_MOVES, person=person, answered_at=now)
    _follow(invitation.owner_id)


@transaction.atomic
def forget(user) -> None:
    """The account is closed: nobody has this person in a team, nor has it a team."""
    owner_ids = set(Invitation.objects.filter(person=user).values_list("owner_id", flat=True))
    for owner_id in sorted(owner_ids):
        lock(owner_id)
    Invitation.objects.filter(person=user).delete()
    Invitation.objects.filter(owner=user).delete()
    for owner_id in sorted(owner_ids):
        _follow(owner_id)
