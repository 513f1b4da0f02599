"""What an entry of the credit history was for, where credit itself knows: a withdrawal, a payment, and its transaction."""

from collections.abc import Sequence

from django.urls import reverse

from credit.chains import chain_of
from credit.links import Link
from credit.models import Deposit, Dispute, Payment, Payout
from credit.withdraw_words import views_of


def of_payout(user, words: Sequence[str]) -> list[Link]:
    """`payout:7:withdrawal`."""
    pk = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
    found = Payout.objects.filter(pk=pk, owner=user).prefetch_related("transactions")
    links = []
    for view in views_of(found):
        links.append(Link(f"Withdrawal {view.payout.pk}", reverse("credit:withdraw"), "arrow-up"))
        if view.transaction_url:
            links.append(Link("Its transaction", view.transaction_url, "external-link", is_outside=True))
    return links


def of_deposit(user, words: Sequence[str]) -> list[Link]:
    """`deposit:evm:1:CONTRACT:HASH:2`, and `...:claim` of one that was claimed."""
    if len(words) < 6 or not words[5].isdecimal():
        return []
    chain_key = ":".join(words[1:3])
    mine = Deposit.objects.filter(owner=user, chain=chain_key, asset=words[3], tx_hash=words[4], log_index=int(words[5]))
    chain, links = chain_of(chain_key), []
    for deposit in mine:
        if deposit.top_up_id:
            links.append(
                Link(f"Top-up {deposit.top_up_id}", reverse("credit:top-up-detail", args=[deposit.top_up_id]), "coins")
            )
        if chain and (url := chain.transaction_url(deposit.tx_hash)):
            links.append(Link("Its transaction", url, "external-link", is_outside=True))
    return links


def of_paypal(user, words: Sequence[str]) -> list[Link]:
    """`paypal:capture:5TY05013RG002845M`."""
    return [_payment(each) for each in Payment.objects.filter(owner=user, capture_id=words[-1])]


def of_dispute(user, words: Sequence[str]) -> list[Link]:
    """`dispute:3:lost/spendable`."""
    pk = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
    return [_payment(each.payment) for each in Dispute.objects.filter(pk=pk, payment__owner=user).select_related("payment")]


def _payment(payment: Payment) -> Link:
    return Link("Payment by PayPal", reverse("credit:payment-detail", args=[payment.pk]), "credit-card")
