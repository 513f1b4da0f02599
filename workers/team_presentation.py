"""Teams in words: for the owner who named people, and for those who were asked."""

from collections.abc import Iterable
from typing import NamedTuple

from workers.models import Invitation
from workers.states import INVITATION_MOVES, INVITATION_TONES, InvitationStatus

S = InvitationStatus


class Named(NamedTuple):
    """An address as its owner wrote it."""

    email: str
    tone: str
    words: str


def named_by(owner_id: int, emails: list[str]) -> list[Named]:
    """Of each whether it counts. An address that is nobody's, a person who is silent and one who said no look the same."""
    accepted = set(Invitation.objects.filter(owner=owner_id, status=S.ACCEPTED).values_list("email", flat=True))
    return [_named(email, S.ACCEPTED if email in accepted else S.INVITED) for email in emails]


def _named(email: str, status: InvitationStatus) -> Named:
    return Named(email, INVITATION_TONES[status], status.label)


class Asked(NamedTuple):
    """A team that the viewer was asked into, and what they may answer."""

    invitation: Invitation
    tone: str
    words: str
    can_accept: bool
    decline_words: str  # empty: they are not in it


def asked_into(invitations: Iterable[Invitation]) -> list[Asked]:
    return [_asked(invitation) for invitation in invitations]


def _asked(invitation: Invitation) -> Asked:
    status = InvitationStatus(invitation.status)
    moves = INVITATION_MOVES[status]
    decline_words = "Leave" if status == S.ACCEPTED else "Decline"
    return Asked(
        invitation, INVITATION_TONES[status], status.label, S.ACCEPTED in moves, decline_words if S.DECLINED in moves else ""
    )
