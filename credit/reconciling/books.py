"""Accounts of money at the border against the rows that they stand for, in one snapshot.

What `manage.py check_ledger` proves is not read again: see PROVED_ELSEWHERE.
"""

from django.db import connection, transaction
from django.db.models import F, Sum

from credit.adjustment_states import AdjustmentStatus
from credit.booked import SETTLED
from credit.codes import Kind
from credit.deposit_states import DepositStatus
from credit.models import Deposit, Dispute, Payment, Payout, Taking
from credit.nets import nets
from credit.payment_states import DisputeStatus, PaymentStatus
from credit.payout_states import PayoutStatus
from credit.reconciliation import Line, compare_books

PROVED_ELSEWHERE = (  # laws of credit.proof
    "A payment equals its transfer",
    "Disputed accounts equal the open disputes",
    "Money of withdrawals equals the open payouts",
    "A payout is paid or given back as its status says",
)


def compare() -> list[Line]:
    """A payment that is being settled is in account and rows, or in neither."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return [_chains(), _unclaimed(), _provider()]


def _chains() -> Line:
    came = _sum(Deposit.objects.filter(status__in=SETTLED), "amount_micros")
    left = _sum(Payout.objects.filter(status=PayoutStatus.CONFIRMED), F("amount_micros") - F("fee_micros"))
    taken = _sum(Taking.objects.filter(status=AdjustmentStatus.MADE), "amount_micros")
    rows = "deposits less payouts and revenue taken"
    return compare_books("Money by chain", account_micros=-_net(Kind.CHAIN), rows_micros=came - left - taken, rows=rows)


def _unclaimed() -> Line:
    rows = _sum(Deposit.objects.filter(status=DepositStatus.UNCLAIMED), "amount_micros")
    return compare_books("Unclaimed deposits", account_micros=_net(Kind.UNCLAIMED), rows_micros=rows, rows="unclaimed deposits")


def _provider() -> Line:
    credited = _sum(Payment.objects.filter(status=PaymentStatus.CREDITED), "amount_micros")
    lost = _sum(Dispute.objects.filter(status=DisputeStatus.LOST), "amount_micros")
    rows = "payments less what went back"
    return compare_books("Money by PayPal", account_micros=-_net(Kind.PROVIDER), rows_micros=credited - lost, rows=rows)


def _sum(rows, what) -> int:
    return rows.aggregate(micros=Sum(what))["micros"] or 0


def _net(kind: Kind) -> int:
    return sum(nets(kind).values())
