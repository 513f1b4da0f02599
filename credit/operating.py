"""Who is meant by what an operator types in the console or in a command, what they may do, and why something is not done."""

from django.contrib.auth import get_user_model
from django.db.models import Q

from common.money import format_exact
from common.transitions import IllegalMove
from credit.errors import DecisionRefused, InsufficientCredit, NotClaimable

REFUSALS = (DecisionRefused, InsufficientCredit, NotClaimable, IllegalMove)


def user_named(words: str):
    """The user with this e-mail address or user name, or None."""
    meant = Q(email__iexact=words.strip()) | Q(username=words.strip())
    return get_user_model().objects.filter(meant).order_by("pk").first() if words.strip() else None


def operator_named(words: str, permission: str):
    """An operator who holds the permission, as "credit.change_payout"; None where there is no such person."""
    operator = user_named(words)
    return operator if operator and operator.is_active and operator.is_staff and operator.has_perm(permission) else None


def why_not(error: Exception) -> str:
    """For operators: why an adjustment or a taking, asked for or decided on, is not made. `error`: one of REFUSALS."""
    match error:
        case DecisionRefused():
            return error.words
        case InsufficientCredit():
            return f"The account has {format_exact(error.short_micros)} credits less than that at hand in this bucket."
        case NotClaimable():
            return "The deposit was credited to somebody else meanwhile. Refuse it."
        case IllegalMove():
            return "It was decided before."
    raise error
