"""Who is meant by what an operator types in the console or in a command, and what they may do."""

from django.contrib.auth import get_user_model
from django.db.models import Q


def user_named(words: str):
    """The user with this e-mail address or user name, or None."""
    meant = Q(email__iexact=words.strip()) | Q(username=words.strip())
    return get_user_model().objects.filter(meant).order_by("pk").first() if words.strip() else None


def operator_named(words: str, permission: str):
    """An operator who holds the permission, as "credit.change_payout"; None where there is no such person."""
    operator = user_named(words)
    return operator if operator and operator.is_active and operator.is_staff and operator.has_perm(permission) else None
