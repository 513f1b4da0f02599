"""What an entry of the credit history was for, where credit itself knows: a withdrawal and its transaction."""

from collections.abc import Sequence

from django.urls import reverse

from credit.links import Link
from credit.models import Payout
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
