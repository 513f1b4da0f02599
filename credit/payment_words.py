"""What a payment's page says of each status and dispute."""

from dataclasses import dataclass

from credit.models import Dispute, Payment
from credit.payment_states import DisputeStatus, PaymentStatus

S = PaymentStatus

# status -> (tone, what is going on and what it means for the money)
WORDS: dict[PaymentStatus, tuple[str, str]] = {
    S.STARTING: ("info", "PayPal has not answered yet. Nothing was paid. Send the form again."),
    S.AWAITING: ("info", "PayPal waits for you. Nothing is paid before you approve it there."),
    S.CAPTURING: ("info", "You approved it, and PayPal is asked for the money. This takes seconds."),
    S.PENDING: ("warn", "PayPal reviews the payment before it lets the money go. This may take days; you need do nothing."),
    S.CREDITED: ("ok", "The money arrived, and the credit is yours."),
    S.DENIED: ("bad", "PayPal or your bank declined it. No money moved. Try another card or account at PayPal."),
    S.CANCELLED: ("quiet", "You came back without approving it. Nothing was paid."),
    S.EXPIRED: ("quiet", "It was not approved in time. Nothing was paid. Start again whenever you like."),
    S.MISMATCHED: ("warn", "What PayPal collected is not what was asked for. An operator looks at it; your money is not lost."),
    S.FAILED: ("bad", "PayPal did not open a checkout. Nothing was paid. Start again, or pay by another way."),
}
DISPUTES: dict[DisputeStatus, tuple[str, str]] = {
    DisputeStatus.OPEN: ("warn", "The payment is disputed. What is left of it is on hold until PayPal decides."),
    DisputeStatus.WON: ("info", "A dispute over this payment was won. What was on hold is available again."),
    DisputeStatus.LOST: ("warn", "This money went back to who paid it, and the credit with it."),
}
AT_PAYPAL = frozenset({S.AWAITING, S.CANCELLED, S.DENIED})  # can still be approved there
UNDER_WAY = frozenset({S.STARTING, S.AWAITING, S.CAPTURING, S.PENDING})


@dataclass(frozen=True, slots=True)
class PaymentView:
    """One payment as its owner sees it."""

    payment: Payment
    disputes: list[Dispute]
    owed_micros: int = 0

    @property
    def status(self) -> PaymentStatus:
        return PaymentStatus(self.payment.status)

    @property
    def tone(self) -> str:
        return WORDS[self.status][0]

    @property
    def sentence(self) -> str:
        return WORDS[self.status][1]

    @property
    def approve_url(self) -> str:
        """Where to go on, while that makes sense."""
        return self.payment.approve_url if self.status in AT_PAYPAL else ""

    @property
    def is_under_way(self) -> bool:
        return self.status in UNDER_WAY

    @property
    def steps(self) -> list[tuple[str, bool, bool]]:
        """(words, done, next) of the way that a payment goes."""
        reached = {S.CAPTURING: 1, S.PENDING: 1, S.MISMATCHED: 1, S.CREDITED: 3}.get(self.status, 0)
        words = ("Approved at PayPal", "Money collected", "Credit added")
        return [(each, place < reached, place == reached) for place, each in enumerate(words)]

    @property
    def notices(self) -> list[tuple[str, str]]:
        return [DISPUTES[DisputeStatus(dispute.status)] for dispute in self.disputes]


def view_of(payment: Payment, owed_micros: int = 0) -> PaymentView:
    return PaymentView(payment, list(payment.disputes.order_by("pk")), owed_micros)
