"""What credit says when an account is to be closed, or its data taken along."""

from django.dispatch import receiver
from django.urls import reverse

from common.money import format_credits
from credit import services
from credit.codes import Kind
from credit.models import Account, Debt, Dispute, Payout
from credit.payment_states import DisputeStatus
from credit.payout_states import OPEN
from users.signals import Blocker, asked_for_data, asked_what_blocks

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
        (_is_in_doubt(user), "A payment is disputed, or a debt is open: settle it first."),
    ]
    return [Blocker(words, at) for is_so, words in found if is_so]


def _credits(amount_micros: int) -> str:
    return (
        f"{format_credits(amount_micros)} credits are"
        if amount_micros >= DUST_MICROS
        else "Less than a hundredth of a credit is"
    )


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
        }
    }
