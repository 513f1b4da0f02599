"""How many frames the server's checks have seen, refused and why; and what has been set aside for checkers."""

from datetime import datetime

from django.core.cache import cache
from django.db.models import Count, Q, Sum

from credit.codes import Kind
from credit.models import Transfer
from rendering import reasons
from rendering.models import Attempt, TaskCount
from rendering.states import TaskStatus
from workers import services as nodes

KEY = "checkers:network"
KEPT_SECONDS = 60

CHECKS = [  # in the order in which a frame meets them: reason of a refusal, what is looked at, why
    (reasons.Reason.FILE_MISSING, "It arrived", "The whole file is here and has the length and hash that the node announced."),
    (reasons.Reason.HASH_MISMATCH, "It is the frame the node committed to", "The hash of the decoded pixels was given before the upload."),
    (reasons.Reason.UNDECODABLE, "It can be read", "Every byte decodes as the ordered format."),
    (reasons.Reason.WRONG_SIZE, "Its size is right", "Width and height are exactly what was ordered."),
    (reasons.Reason.WRONG_CHANNELS, "Its channels are right", "Colour, alpha and bit depth as ordered."),
    (reasons.Reason.NOT_FINITE, "Its values are numbers", "No infinities and no NaN in floating-point frames."),
    (reasons.Reason.BLACK, "It is not black", "A black frame is rendered again to make sure that the scene means it."),
    (reasons.Reason.CONSTANT, "It is not one flat colour", "The same second look."),
    (reasons.Reason.DUPLICATE, "It is not another frame", "No two frames of a job with equal pixels, unless a second render agrees."),
]  # fmt: skip


def overview(user, *, now: datetime) -> dict:
    network = cache.get_or_set(KEY, of_the_network, KEPT_SECONDS)
    own = Attempt.objects.filter(Q(task__job__owner=user) | Q(worker__owner=user))
    return {
        "checks": [(title, why, network["refused_by"].get(reason, 0)) for reason, title, why in CHECKS],
        "checked": network["accepted"] + network["refused"],
        "accepted": network["accepted"],
        "refused": network["refused"],
        "own_ordered": TaskCount.objects.filter(job__owner=user).total(TaskStatus.ACCEPTED),
        "own_rendered": sum(day.tasks_accepted for day in nodes.days_of(user.pk)),
        "own_refused": sum(_refused_by_reason(own).values()),
        "pool_micros": network["pool_micros"],
    }


def of_the_network() -> dict:
    """Sums over all frames; checkers.background keeps them fresh, so that no page waits for them."""
    refused_by = _refused_by_reason(Attempt.objects.all())
    return {
        "refused_by": refused_by,
        "refused": sum(refused_by.values()),
        "accepted": TaskCount.objects.total(TaskStatus.ACCEPTED),
        "pool_micros": _pool_micros(),
    }


def _refused_by_reason(attempts) -> dict[str, int]:
    refused = attempts.filter(outcome__in=[reason for reason, _, _ in CHECKS])
    return dict(refused.order_by().values_list("outcome").annotate(frames=Count("pk")))


def _pool_micros() -> int:
    """In minus out of the checkers' accounts."""
    flows = Transfer.objects.aggregate(
        came=Sum("amount_micros", filter=Q(target__kind=Kind.CHECKERS)),
        went=Sum("amount_micros", filter=Q(source__kind=Kind.CHECKERS)),
    )
    return (flows["came"] or 0) - (flows["went"] or 0)
