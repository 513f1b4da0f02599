"""How a withdrawal reads: where it stands, what happens next, and what it means for the money."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from credit.chains import Chain, all_chains
from credit.models import Payout
from credit.payout_states import MAY_CANCEL, PayoutStatus

S = PayoutStatus
TONES = {
    S.REQUESTED: "info",
    S.WAITING: "warn",
    S.APPROVED: "info",
    S.SENDING: "accent",
    S.SENT: "accent",
    S.CONFIRMED: "ok",
    S.CANCELLED: "quiet",
    S.REFUSED: "bad",
    S.RETURNED: "bad",
}
SENTENCES = {
    S.WAITING: "An operator looks at withdrawals of this size before they go. You may still cancel it.",
    S.APPROVED: "It goes out with the next batch, within minutes.",
    S.SENDING: "The transaction is signed and on its way to the chain.",
    S.SENT: "The chain shows the transaction. It counts once its block is final.",
    S.CONFIRMED: "It has arrived, for good.",
    S.CANCELLED: "You cancelled it. The credit is back in your balance.",
    S.REFUSED: "An operator refused it. The credit is back in your balance.",
    S.RETURNED: "It failed on the chain. The whole amount is back in your balance.",
}


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A withdrawal and its chain, where that is still set up."""

    payout: Payout
    chain: Chain | None
    tx_hash: str

    @property
    def id(self) -> str:
        """For ids of the page."""
        return str(self.payout.pk)

    @property
    def words(self) -> str:
        return self.payout.get_status_display()

    @property
    def tone(self) -> str:
        return TONES[S(self.payout.status)]

    @property
    def may_cancel(self) -> bool:
        return self.payout.status in MAY_CANCEL

    @property
    def sentence(self) -> str:
        if self.payout.status == S.REQUESTED:
            return f"It goes out after {at(self.payout.due_at)}. Until then you may cancel it."
        return SENTENCES[S(self.payout.status)]

    @property
    def network(self) -> str:
        return self.chain.name if self.chain else self.payout.chain

    @property
    def transaction_url(self) -> str:
        return self.chain.transaction_url(self.tx_hash) if self.chain and self.tx_hash else ""

    @property
    def address_url(self) -> str:
        return self.chain.address_url(self.payout.address) if self.chain else ""


def views_of(payouts: Iterable[Payout]) -> list[PayoutView]:
    """`payouts` with their transactions prefetched: the one that counts, else the newest."""
    chains = {chain.key: chain for chain in all_chains()}
    return [PayoutView(payout, chains.get(payout.chain), _hash_of(payout)) for payout in payouts]


def at(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%-d %b, %H:%M %Z")


def _hash_of(payout: Payout) -> str:
    made = list(payout.transactions.all())
    counts = [row for row in made if row.outcome] or [row for row in made if row.sent_at]
    return counts[-1].hash if counts else ""
