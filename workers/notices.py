"""What people are told about nodes of others, in the transaction that changes them."""

from datetime import datetime

from django.urls import reverse

from users.models import User
from users.notice_kinds import Group, Kind
from users.notices import tell

KINDS = Group("Nodes", "server", (Kind("team_invited", "Invitations", "Somebody asks you into the team of their nodes."),))


def invited(person: User, now: datetime) -> None:
    """Without a name: what a stranger calls themselves goes into nobody's mail."""
    tell(
        user=person,
        kind="team_invited",
        words="Somebody asks you into the team of their nodes.",
        text="Your waiting work would go first on these nodes. Nothing changes unless you accept; the page says who asks.",
        url=reverse("workers:team-list"),
        now=now,
    )
