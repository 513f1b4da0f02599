"""What users asks of the sections above it, which know the money and the work. Receivers answer by returning.

asked_what_blocks   user, now -> list[Blocker]: why this account cannot be closed yet
asked_for_data      user, now -> dict[str, object]: what belongs to the person, ready for JSON, by subject
account_closed      user, now -> nothing: inside the transaction that closes it
"""

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True)
class Blocker:
    """`words` say what stands in the way and what to do about it; `url` is where."""

    words: str
    url: str


asked_what_blocks = Signal()
asked_for_data = Signal()
account_closed = Signal()
