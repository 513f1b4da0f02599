"""Statuses of payments through a provider and of the disputes over them, and the moves between them."""

from django.db.models import TextChoices


class PaymentStatus(TextChoices):
    STARTING = "starting", "Starting"  # the provider is being asked for a checkout
    AWAITING = "awaiting", "Waiting for you"  # the payer has not approved it at the provider
    CAPTURING = "capturing", "Being collected"  # approved; the provider is asked for the money
    PENDING = "pending", "Under review"  # the provider looks at the payment before it lets the money go
    CREDITED = "credited", "Credited"  # the money arrived and the credit was added
    DENIED = "denied", "Declined"  # by the provider or the payer's bank; no money moved
    CANCELLED = "cancelled", "Cancelled"  # the payer came back without approving
    EXPIRED = "expired", "Expired"  # never approved
    MISMATCHED = "mismatched", "In doubt"  # what arrived is not what was asked for: an operator looks
    FAILED = "failed", "Failed"  # the provider would not open a checkout


class DisputeStatus(TextChoices):
    OPEN = "open", "Open"  # the funds are on hold
    WON = "won", "Won"  # everything was given back
    LOST = "lost", "Lost"  # the money went back to the payer


class DisputeKind(TextChoices):
    DISPUTE = "dispute", "Dispute"  # the payer complained; the provider decides
    REVERSAL = "reversal", "Reversal"  # a bank took the money back
    REFUND = "refund", "Refund"  # an operator gave it back at the provider


P = PaymentStatus
_MONEY_MAY_COME = {P.CAPTURING, P.PENDING, P.CREDITED, P.DENIED, P.MISMATCHED}  # whatever the page said before
PAYMENT_MOVES = {
    P.STARTING: frozenset({P.AWAITING, P.FAILED}),
    P.AWAITING: frozenset({P.CANCELLED, P.EXPIRED, *_MONEY_MAY_COME}),
    P.CANCELLED: frozenset({P.EXPIRED, *_MONEY_MAY_COME}),  # approved in another tab
    P.EXPIRED: frozenset(_MONEY_MAY_COME),
    P.CAPTURING: frozenset({P.AWAITING, P.EXPIRED, P.PENDING, P.CREDITED, P.DENIED, P.MISMATCHED}),
    P.PENDING: frozenset({P.CREDITED, P.DENIED, P.MISMATCHED}),
    P.DENIED: frozenset({P.AWAITING, P.CAPTURING, P.PENDING, P.CREDITED, P.MISMATCHED}),  # another card at the provider
    P.CREDITED: frozenset(),
    P.MISMATCHED: frozenset(),
    P.FAILED: frozenset(),
}
CHECKOUT_OPEN = (P.STARTING, P.AWAITING, P.CAPTURING, P.PENDING)  # a sweep asks the provider for these
SETTLED = (P.CREDITED, P.MISMATCHED, P.FAILED)

DISPUTE_MOVES = {
    DisputeStatus.OPEN: frozenset({DisputeStatus.WON, DisputeStatus.LOST}),
    DisputeStatus.WON: frozenset(),
    DisputeStatus.LOST: frozenset(),
}
