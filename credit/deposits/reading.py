"""What a chain shows, in one shape for all chains."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """An accepted asset arrived at the network's address. `log_index` counts such payments within the transaction."""

    tx_hash: str
    log_index: int
    sender: str  # canonical, or empty
    units: int
    block_number: int  # Aptos: the ledger version
    block_hash: str
    mined_at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """The newest block that the node has, and the newest that cannot be taken back."""

    head: int
    final: int


@dataclass(frozen=True, slots=True)
class Found:
    """A transaction that is in a block, and what it paid."""

    has_failed: bool
    payments: tuple[Payment, ...]


class Reader(Protocol):
    """A node, asked about one asset. Everything raises NodeDown where the node cannot be believed."""

    def check(self) -> None:
        """It is on the right chain, and the asset has the decimals of the settings."""

    def position(self) -> Position: ...

    def payments(self, after: int, until: int) -> tuple[list[Payment], int]:
        """Those beyond block `after`, and how far was read: `until` at most."""

    def transaction(self, tx_hash: str) -> Found | None:
        """None: no block has it."""
