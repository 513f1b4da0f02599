"""What people are told about their money, in the transaction that moves it. Which of it, and how, they choose (users.notice_kinds)."""

from datetime import datetime

from django.urls import reverse

from common.money import format_exact
from credit.deposit_states import TopUpStatus
from credit.models import Adjustment, AlertKind, CreditAlert, Deposit, Dispute, Payment, Payout, TopUp
from credit.payment_states import DisputeStatus, PaymentStatus
from credit.payout_states import PayoutStatus
from users.models import User
from users.notice_kinds import Group, Kind
from users.notices import tell
from users.wording import short_address

KINDS = Group(
    "Money",
    "gem",
    (
        Kind("top_up", "Top-ups", "Money arrived in full, in part or late, or a payment failed."),
        Kind("withdrawal", "Withdrawals", "One arrived, failed, was refused, or waits for an operator."),
        Kind("dispute", "Disputes", "A payment of yours is disputed, or was taken back."),
        Kind("correction", "Corrections", "An operator added credit to your balance, or took some."),
        Kind("budget", "Budget", "Half, 80 % or all of what you want to spend in a month is spent."),
        Kind("low_credit", "Little credit", "Less is available than the limit that you set."),
    ),
)


# Money in ---------------------------------------------------------------------------------------------------------------


def top_up_moved(top_up: TopUp, now: datetime) -> None:
    """A top-up by chain has come to something that its owner waits for."""
    received, asked = format_exact(top_up.received_micros), format_exact(top_up.asked_micros)
    told = {
        TopUpStatus.CREDITED: (f"{received} credits were added to your balance.", "Your top-up arrived in full."),
        TopUpStatus.UNDERPAID: (
            f"{received} of {asked} credits arrived.",
            f"What came is credited. You may send the missing {format_exact(top_up.missing_micros)}, or leave it.",
        ),
        TopUpStatus.LATE: (
            f"{received} credits were added to your balance.",
            "The payment came after its time was over; its sender is you, so it counts all the same.",
        ),
        TopUpStatus.FAILED: (f"Your top-up of {asked} credits failed.", top_up.get_failure_display()),
    }.get(TopUpStatus(top_up.status))
    if told:
        _tell(top_up.owner, "top_up", told, now, reverse("credit:top-up-detail", args=[top_up.pk]))


def deposit_credited(deposit: Deposit, owner: User, now: datetime) -> None:
    """A payment that no top-up had announced is its sender's."""
    words = f"{format_exact(deposit.amount_micros)} credits were added to your balance."
    sender = f"They were sent from {short_address(deposit.sender)}." if deposit.sender else ""
    _tell(owner, "top_up", (words, sender), now, reverse("credit:history"))


def payment_moved(payment: Payment, now: datetime) -> None:
    """A payment through a provider has come to something that its payer waits for."""
    amount = format_exact(payment.amount_micros)
    told = {
        PaymentStatus.CREDITED: (f"{amount} credits were added to your balance.", "Your payment arrived."),
        PaymentStatus.PENDING: (
            f"Your payment for {amount} credits is being reviewed.",
            "PayPal looks at it before it lets the money go. This may take days; you need do nothing.",
        ),
        PaymentStatus.DENIED: (
            f"Your payment for {amount} credits was declined.",
            "PayPal or your bank declined it. No money moved.",
        ),
        PaymentStatus.MISMATCHED: (
            f"An operator looks at your payment for {amount} credits.",
            "What PayPal collected is not what was asked for. Your money is not lost.",
        ),
    }.get(PaymentStatus(payment.status))
    if told:
        _tell(payment.owner, "top_up", told, now, reverse("credit:payment-detail", args=[payment.pk]))


def dispute_opened(dispute: Dispute, missing_micros: int, now: datetime) -> None:
    at_stake = format_exact(dispute.amount_micros)
    _tell_of_dispute(dispute, f"A payment of yours is disputed: {at_stake} credits are at stake.", missing_micros, now)


def dispute_resolved(dispute: Dispute, missing_micros: int, now: datetime) -> None:
    if dispute.status == DisputeStatus.WON:
        words = "A dispute over a payment of yours is over: what was on hold is available again."
    else:
        words = f"{format_exact(dispute.amount_micros)} credits went back to who paid them."
    _tell_of_dispute(dispute, words, missing_micros, now)


def _tell_of_dispute(dispute: Dispute, words: str, missing_micros: int, now: datetime) -> None:
    text = ""
    if missing_micros:
        text = (
            f"{format_exact(missing_micros)} of it are spent and owed. No job starts and nothing is withdrawn until what comes "
            "in covers them."
        )
    _tell(dispute.payment.owner, "dispute", (words, text), now, reverse("credit:payment-detail", args=[dispute.payment_id]))


def adjustment_made(adjustment: Adjustment, now: datetime) -> None:
    amount = format_exact(abs(adjustment.amount_micros))
    verb = "added" if adjustment.amount_micros > 0 else "took"
    _tell(
        adjustment.user,
        "correction",
        (f"An operator {verb} {amount} credits.", adjustment.reason),
        now,
        reverse("credit:history"),
    )


# Money out --------------------------------------------------------------------------------------------------------------


def withdrawal_asked(payout: Payout, now: datetime) -> None:
    """Always told: it may be an intruder who asks."""
    words = f"{format_exact(payout.amount_micros)} credits are to be withdrawn to {short_address(payout.address)}."
    text = f"It goes out from {payout.due_at:%d %b %Y, %H:%M} UTC. Until then it can be cancelled."
    _tell(payout.owner, "payout", (words, text), now, reverse("credit:withdraw-list"))


def payout_moved(payout: Payout, now: datetime) -> None:
    """A withdrawal has come to something that its owner waits for."""
    amount, to = format_exact(payout.amount_micros), short_address(payout.address)
    back = "The whole amount is back in your balance."
    told = {
        PayoutStatus.WAITING: (
            f"Your withdrawal of {amount} credits waits for an operator.",
            "An operator looks at withdrawals like this one before they go. You may still cancel it.",
        ),
        PayoutStatus.CONFIRMED: (
            f"Your withdrawal of {amount} credits has arrived.",
            f"{format_exact(payout.arrives_micros)} {payout.symbol} were sent to {to}.",
        ),
        PayoutStatus.REFUSED: (f"Your withdrawal of {amount} credits was refused.", f"{payout.reason}\n{back}".strip()),
        PayoutStatus.RETURNED: (f"Your withdrawal of {amount} credits failed on the chain.", back),
    }.get(PayoutStatus(payout.status))
    if told:
        _tell(payout.owner, "withdrawal", told, now, reverse("credit:withdraw-list"))


# Limits -----------------------------------------------------------------------------------------------------------------


def limit_reached(alert: CreditAlert, now: datetime) -> None:
    """A limit that its owner set for themselves."""
    amount, limit = format_exact(alert.amount_micros), format_exact(alert.limit_micros)
    if alert.kind == AlertKind.BUDGET:
        words = f"{alert.percent} % of your monthly budget is spent."
        text = f"You have spent {amount} of the {limit} credits that you set for {alert.month:%B %Y}."
        if alert.percent == 100:
            text += " What is running goes on. New jobs start only if your settings let them."
        told = ("budget", (words, text))
    else:
        text = f"{amount} credits are available, less than the {limit} below which you wanted to be told. Jobs pause by themselves "
        text += "when credit does not cover their next frame, and go on after a top-up."
        told = ("low_credit", ("Your credit runs low.", text))
    _tell(alert.owner, *told, now, reverse("credit:budgets"))


def _tell(owner: User, kind: str, told: tuple[str, str], now: datetime, url: str) -> None:
    words, text = told
    tell(user=owner, kind=kind, words=words, text=text, url=url, now=now)
