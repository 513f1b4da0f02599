"""Payment providers: what they say of a checkout, a capture and a dispute, in the words of this site. No rows, no ledger."""

from django.conf import settings

from credit.providers.base import PaymentProvider
from credit.providers.paypal import PayPal

PAYPAL = "paypal"


def offered() -> list[str]:
    """The providers that this network has set up."""
    return [PAYPAL] if settings.PAYPAL_CLIENT_ID else []


def provider(name: str) -> PaymentProvider:
    """One that was set up. Raises LookupError."""
    if name not in offered():
        raise LookupError(f"the payment provider {name} is not set up")
    return PayPal.from_settings()
