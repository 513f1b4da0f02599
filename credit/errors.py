"""Why the ledger refuses a movement."""

from typing import ClassVar

from common.money import format_exact


class LedgerError(Exception):
    """A movement that the ledger refuses; nothing was written."""


class InsufficientCredit(LedgerError):
    """The account would be overdrawn by `short_micros`."""

    def __init__(self, short_micros: int):
        super().__init__(f"{short_micros} micro-credits short")
        self.short_micros = short_micros


class InDebt(InsufficientCredit):
    """The owner owes `short_micros` for a payment that was disputed or taken back: nothing is held or withdrawn before it is paid."""


class BudgetReached(InsufficientCredit):
    """A new hold would pass the owner's `limit_micros` for this month by `short_micros`, and they asked to be stopped there."""

    def __init__(self, short_micros: int, limit_micros: int):
        super().__init__(short_micros)
        self.limit_micros = limit_micros

    @property
    def words(self) -> str:
        """For the person whose budget it is."""
        limit = format_exact(self.limit_micros)
        return f"This could pass your budget of {limit} credits for this month. Raise it, or let new jobs start, under Credit, Budgets."


class KeyReused(LedgerError):
    """The key already names a different movement: a mistake in the program."""


class HoldTooSmall(LedgerError):
    """The hold does not cover the charge; it lacks `short_micros`."""

    def __init__(self, hold_id: int, short_micros: int):
        super().__init__(f"hold {hold_id} is {short_micros} micro-credits too small")
        self.hold_id = hold_id
        self.short_micros = short_micros


class HoldClosed(LedgerError):
    """The hold was released for good."""


class NotCharged(LedgerError):
    """There is no such charge to refund, or it has been refunded already."""


class NotClaimable(LedgerError):
    """The deposit is somebody's, or not final."""


class DecisionRefused(Exception):
    """What an operator asked for or agreed to is not made; nothing moved. `reason` is one of WORDS, which are for operators."""

    WORDS: ClassVar[dict[str, str]]

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason

    @property
    def words(self) -> str:
        return self.WORDS[self.reason]


class AdjustmentRefused(DecisionRefused):
    """Of a user's credit, or of a deposit that is given to a user."""

    WORDS: ClassVar = {
        "amount": "An adjustment of nothing changes nothing.",
        "reason": "Say why: the user reads it in the history.",
        "own": "Your own account is adjusted by somebody else.",
        "second": "Somebody else has to agree: you asked for it, or it is your own account.",
        "asked": "It waits for a second operator already, among the adjustments.",
    }


class TakingRefused(DecisionRefused):
    """Of revenue."""

    WORDS: ClassVar = {
        "amount": "Say how much.",
        "reason": "Say why: it stays in the books.",
        "revenue": "The network has earned less than that.",
        "treasury": "By the books there is less than that in this treasury.",
        "chain": "That chain or asset is not set up any more.",
        "second": "Somebody else has to agree: you asked for it.",
    }


class TopUpRefused(Exception):
    """A top-up that is not begun; nothing was written. `reason`: amount, recognised_by, open or busy."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason
