"""Who issues documents, and to whom they are made out."""

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist


def operator_lines() -> list[str]:
    """The operator of this network, as settings say."""
    tax = settings.OPERATOR_TAX_NUMBER
    lines = [settings.OPERATOR_NAME, *settings.OPERATOR_ADDRESS, f"Tax number {tax}" if tax else "", settings.OPERATOR_EMAIL]
    return [line for line in lines if line]


def addressee_lines(user) -> list[str]:
    """The user's billing details; their name and mail address where they gave none."""
    try:
        details = user.billing_details
    except ObjectDoesNotExist:
        return [line for line in (user.name, user.email) if line]
    tax = details.tax_number
    return [
        line for line in (details.name or user.name, *details.address.splitlines(), f"Tax number {tax}" if tax else "") if line
    ]
