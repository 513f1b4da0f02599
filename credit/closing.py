"""What credit says when an account is to be closed, or its data taken along."""

from django.dispatch import receiver
from django.urls import reverse

from common.money import format_credits
from credit import services
from credit.codes import Kind
from credit.deposit_states import DepositStatus
from credit.models import Account, BillingDetails, Budget, Debt, Deposit, Dispute, Payment, Payout, PayoutAddress, TopUp
from credit.payment_states import CHECKOUT_OPEN, DisputeStatus, PaymentStatus
from credit.payout_states import OPEN
from users.signals import Blocker, account_closed, asked_for_data, asked_what_blocks

ROWS_MAX = 1_000  # of each kind, in the file that a person takes along
DUST_MICROS = 10_000  # less than a cent keeps nobody


@receiver(asked_what_blocks, dispatch_uid="credit.what_blocks")
def what_blocks(user, **kwargs) -> list[Blocker]:
    """Money of one's own in any form. Promotional credit is the network's, and is simply lost."""
    balance, at = services.balance_of(user), reverse("credit:overview")
    own = balance.available_micros - balance.promotional_micros
    found = [
        (own >= DUST_MICROS, f"{_credits(own)} yours: withdraw what you earned, and spend the rest."),
        (balance.held_micros > 0, f"{_credits(balance.held_micros)} held for jobs: finish or cancel them."),
        (
            balance.pending_micros > 0,
            f"{_credits(balance.pending_micros)} pending: wait until these earnings are yours.",
        ),
        (Payout.objects.filter(owner=user, status__in=OPEN).exists(), "A withdrawal is under way: wait until it is paid."),
        (_is_coming(user), "A payment of yours is on its way: wait until it is credited or has ended."),
        (_is_in_doubt(user), "A payment is disputed, or a debt is open: settle it first."),
    ]
    return [Blocker(words, at) for is_so, words in found if is_so]


def _credits(amount_micros: int) -> str:
    return (
        f"{format_credits(amount_micros)} credits are"
        if amount_micros >= DUST_MICROS
        else "Less than a hundredth of a credit is"
    )


def _is_coming(user) -> bool:
    """What is approved at a provider, or in a block, would be credited to nobody."""
    checkouts = Payment.objects.filter(owner=user, status__in=CHECKOUT_OPEN).exclude(status=PaymentStatus.STARTING)
    return checkouts.exists() or Deposit.objects.filter(owner=user, status=DepositStatus.SEEN).exists()


def _is_in_doubt(user) -> bool:
    frozen = Account.objects.filter(owner=user, kind=Kind.DISPUTED, balance_micros__gt=0).exists()
    disputed = Dispute.objects.filter(payment__owner=user, status=DisputeStatus.OPEN).exists()
    return frozen or disputed or Debt.objects.filter(owner=user, settled_at=None).exists()


@receiver(asked_for_data, dispatch_uid="credit.data")
def data(user, **kwargs) -> dict:
    balance = services.balance_of(user)
    return {
        "credit": {
            "available_micros": balance.available_micros,
            "held_micros": balance.held_micros,
            "pending_micros": balance.pending_micros,
            "history": "download it as CSV from the Credit page",
            "billing": _rows(BillingDetails, user, "name", "address", "tax_number"),
            "budgets": _rows(Budget, user, "monthly_micros", "stops_new_jobs", "low_balance_micros"),
            "payout_addresses": _rows(PayoutAddress, user, "network", "address", "label", "verified_at", "removed_at"),
            "withdrawals": _rows(Payout, user, "requested_at", "status", "amount_micros", "symbol", "chain", "address"),
            "top_ups": _rows(TopUp, user, "created_at", "status", "chain", "payable_micros", "received_micros", "tx_hash"),
            "payments": _rows(Payment, user, "opened_at", "provider", "status", "amount_micros", "fee_micros"),
        }
    }


def _rows(model, user, *names: str) -> list[dict]:
    """Of this person alone, the newest, ready for JSON."""
    rows = model.objects.filter(owner=user).order_by("-pk").values(*names)[:ROWS_MAX]
    return [{name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()} for row in rows]


@receiver(account_closed, dispatch_uid="credit.forget")
def forget(user, now, **kwargs) -> None:
    """Names and addresses that nothing needs any more. Issued documents and the ledger stay, as the law asks."""
    BillingDetails.objects.filter(owner=user).delete()
    Budget.objects.filter(owner=user).delete()
    PayoutAddress.objects.filter(owner=user).update(label="")
    PayoutAddress.objects.filter(owner=user, removed_at=None).update(removed_at=now)
