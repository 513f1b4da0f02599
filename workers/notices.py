"""What people are told about their nodes and those of others, in the transaction that changes them."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from common.limits import is_within
from common.words import plural
from users.models import User
from users.notice_kinds import Group, Kind
from users.notices import tell
from workers.control_words import day_and_time
from workers.models import OfflineAlert

SHOWN_MAX = 20  # names of nodes in one text
MAILS_A_DAY_MAX = 12  # about nodes that come and go; the page lists what no mail tells
DAY_SECONDS = 86_400
HINTS = (
    "On the machine, pictor-agent doctor --config FILE says whether it reaches the network and what else is wrong; "
    "the agent's last lines stand in the file log of its state folder."
)
KINDS = Group(
    "Nodes",
    "server",
    (
        Kind(
            "node_offline", "Nodes away", "One went offline unexpectedly, or is back. After how long: in each node's settings."
        ),
        Kind("team_invited", "Invitations", "Somebody asks you into the team of their nodes."),
    ),
)


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


def nodes_away(alerts: Sequence[OfflineAlert], now: datetime) -> None:
    """These nodes of one owner have been away for longer than their owner wants to wait."""
    owner, lost = alerts[0].worker.owner, min(alert.shift.ended_at for alert in alerts)
    since = day_and_time(lost, owner.time_zone or settings.TIME_ZONE, now=now)
    what = f"{_subject(alerts)} offline since {since}."
    _tell_of_nodes(owner, what, f"{_named(alerts)}No work comes there until the agent signs on again. {HINTS}", alerts, now)


def nodes_back(alerts: Sequence[OfflineAlert], now: datetime) -> None:
    """These nodes, of which their owner was told, are connected again."""
    _tell_of_nodes(alerts[0].worker.owner, f"{_subject(alerts)} back.", f"{_named(alerts)}Nothing is to be done.", alerts, now)


def _subject(alerts: Sequence[OfflineAlert]) -> str:
    return f"{alerts[0].worker.name} is" if len(alerts) == 1 else f"{plural(len(alerts), 'node')} are"


def _named(alerts: Sequence[OfflineAlert]) -> str:
    """Which they are, where the sentence above does not say so."""
    if len(alerts) == 1:
        return ""
    names = ", ".join(alert.worker.name for alert in alerts[:SHOWN_MAX])
    more = len(alerts) - SHOWN_MAX
    return f"{names}{f' and {more} more' if more > 0 else ''}. "


def _tell_of_nodes(owner: User, words: str, text: str, alerts: Sequence[OfflineAlert], now: datetime) -> None:
    tell(
        user=owner,
        kind="node_offline",
        words=words,
        text=text,
        url=alerts[0].worker.get_absolute_url() if len(alerts) == 1 else reverse("workers:worker-list"),
        by_mail=is_within("node-mails", f"user:{owner.pk}", limit=MAILS_A_DAY_MAX, seconds=DAY_SECONDS),
        now=now,
    )
