"""Statuses of a payout, and the moves between them (docs/states.md)."""

from django.db.models import TextChoices


class PayoutStatus(TextChoices):
    REQUESTED = "requested", "Requested"  # may be cancelled until its delay is over; sweep_payouts moves it on
    WAITING = "waiting", "Waiting for approval"  # above the limit; an operator decides
    APPROVED = "approved", "Approved"  # goes with the next batch
    SENDING = "sending", "Sending"  # has its number on the chain; what was signed may land at any time
    SENT = "sent", "Sent"  # the chain has it; not final yet
    CONFIRMED = "confirmed", "Confirmed"  # final
    CANCELLED = "cancelled", "Cancelled"  # by who asked; given back
    REFUSED = "refused", "Refused"  # by an operator, with a reason; given back
    RETURNED = "returned", "Returned"  # failed on the chain for good; given back


S = PayoutStatus
PAYOUT_MOVES = {
    S.REQUESTED: frozenset({S.WAITING, S.APPROVED, S.CANCELLED, S.REFUSED}),
    S.WAITING: frozenset({S.APPROVED, S.CANCELLED, S.REFUSED}),
    S.APPROVED: frozenset({S.SENDING, S.REFUSED}),
    S.SENDING: frozenset({S.SENT, S.CONFIRMED, S.RETURNED}),
    S.SENT: frozenset({S.SENDING, S.CONFIRMED, S.RETURNED}),  # back to sending: the chain dropped the block it was in
    S.CONFIRMED: frozenset(),
    S.CANCELLED: frozenset(),
    S.REFUSED: frozenset(),
    S.RETURNED: frozenset(),
}
MAY_CANCEL = (S.REQUESTED, S.WAITING)
MAY_REFUSE = (S.REQUESTED, S.WAITING, S.APPROVED)
ON_ITS_WAY = (S.SENDING, S.SENT)
OPEN = (*MAY_REFUSE, *ON_ITS_WAY)  # their money stands in the account `payout`
GIVEN_BACK = (S.CANCELLED, S.REFUSED, S.RETURNED)
