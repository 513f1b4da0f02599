"""How a top-up by chain reads: where it stands, what happens next, and what it means for the money."""

from dataclasses import dataclass

from common.money import format_exact
from common.words import plural
from credit.chains import Asset, Chain, chain_of
from credit.deposit_states import OPEN, DepositStatus, TopUpStatus
from credit.models import Deposit, DepositCursor, RecognisedBy, TopUp
from credit.services.top_ups import CHANGEABLE

T = TopUpStatus
TONES = {
    T.WAITING: "info",
    T.SUBMITTED: "accent",
    T.CONFIRMING: "accent",
    T.CREDITED: "ok",
    T.UNDERPAID: "warn",
    T.LATE: "ok",
    T.EXPIRED: "quiet",
    T.FAILED: "bad",
    T.REJECTED: "quiet",
}
STEPS = ("Announced", "Seen on the chain", "Credited")
STEPS_DONE = {T.CONFIRMING: 2, T.CREDITED: 3, T.LATE: 3, T.UNDERPAID: 3}


@dataclass(frozen=True, slots=True)
class TopUpView:
    """A top-up, its chain where that is still set up, the newest payment for it, and how far the chain is read."""

    top_up: TopUp
    chain: Chain | None
    asset: Asset | None
    deposit: Deposit | None
    cursor: DepositCursor | None

    @property
    def tone(self) -> str:
        return TONES[T(self.top_up.status)]

    @property
    def is_payable(self) -> bool:
        """Is the address shown? Not once a payment is on its way: nobody should pay twice."""
        return self.top_up.status in (T.WAITING, T.UNDERPAID)

    @property
    def is_nameable(self) -> bool:
        """May a transaction be named that we have not seen?"""
        return self.top_up.status in CHANGEABLE

    @property
    def is_under_way(self) -> bool:
        return self.top_up.status in OPEN

    @property
    def symbol(self) -> str:
        return self.asset.symbol if self.asset else "token"

    @property
    def place(self) -> str:
        return f"{self.symbol} on {self.chain.name}" if self.chain else self.top_up.chain

    @property
    def to_pay_micros(self) -> int:
        return self.top_up.missing_micros if self.top_up.status == T.UNDERPAID else self.top_up.payable_micros

    @property
    def units_to_pay(self) -> str:
        """What a wallet is asked to send, in the token's smallest unit: digits, for scripts know no such numbers."""
        return str(self.asset.units_worth(self.to_pay_micros)) if self.asset else ""

    @property
    def steps(self) -> list[tuple[str, bool, bool]]:
        """(words, done, next) of each step."""
        done = STEPS_DONE.get(T(self.top_up.status), 1)
        return [(words, number < done, number == done and self.is_under_way) for number, words in enumerate(STEPS)]

    @property
    def transaction_url(self) -> str:
        return self.chain.transaction_url(self.top_up.tx_hash) if self.chain and self.top_up.tx_hash else ""

    @property
    def problem(self) -> str:
        """Words while the chain cannot be read."""
        if not self.is_under_way or not self.cursor or not self.cursor.problem:
            return ""
        return "This network's node for the chain gives no answer at the moment. Nothing is lost: payments are credited once it does."

    @property
    def sentence(self) -> str:
        return getattr(self, f"_{self.top_up.status}")()

    def _waiting(self) -> str:
        return "Nothing has arrived yet. The chain is watched, so you may close this page."

    def _submitted(self) -> str:
        return "Your wallet has sent the transaction; no block has it yet. You may close this page."

    def _confirming(self) -> str:
        if not self.deposit or not self.cursor:
            return "A block has the payment. It is credited once that block is final."
        on_top = max(0, self.cursor.head - self.deposit.block_number)
        missing = max(0, self.deposit.block_number - self.cursor.final)
        return f"A block has the payment, with {plural(on_top, 'block')} on top. It is credited once it is final, in about {plural(missing, 'more block')}."

    def _credited(self) -> str:
        words = f"{format_exact(self.top_up.received_micros)} credits were added. They are available."
        if self.top_up.recognised_by == RecognisedBy.SENDER and self.top_up.extra_micros:
            words += f" You paid {format_exact(self.top_up.extra_micros)} more than you announced; that is included."
        return words

    def _underpaid(self) -> str:
        received, asked = format_exact(self.top_up.received_micros), format_exact(self.top_up.asked_micros)
        return f"{received} of {asked} arrived and is credited. You may send the missing {format_exact(self.top_up.missing_micros)}, or leave it."

    def _late(self) -> str:
        received = format_exact(self.top_up.received_micros)
        return f"The payment came after the time was over. Its sender is you, so {received} credits were added all the same."

    def _expired(self) -> str:
        return "No payment came in time. One from a linked wallet is credited whenever it comes; for another way, start again."

    def _failed(self) -> str:
        return self.top_up.get_failure_display()

    def _rejected(self) -> str:
        return "Given up: nothing was paid. Should a payment from a linked wallet still arrive, it is credited."


def view_of(top_up: TopUp) -> TopUpView:
    """Everything that its page shows."""
    chain = chain_of(top_up.chain)
    deposits = top_up.deposits.exclude(status=DepositStatus.GONE)
    cursor = DepositCursor.objects.filter(chain=top_up.chain, asset=top_up.asset).first()
    return TopUpView(top_up, chain, chain.asset(top_up.asset) if chain else None, deposits.first(), cursor)
