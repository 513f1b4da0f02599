"""Documents in PDF: what stands on an invoice and on a statement. The same facts give the same bytes.

Amounts arrive as text; nothing here computes with money.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What stands on the paper, from top to bottom."""

    title: str  # "Invoice"
    name: str  # "INV-2026-000042"
    issued_at: datetime
    issuer: Sequence[str]  # lines: name, address, numbers
    addressee: Sequence[str]
    facts: Sequence[tuple[str, str]]
    columns: Sequence[str]  # all but the first are amounts
    rows: Sequence[Sequence[str]]
    totals: Sequence[Sequence[str]]  # set apart below the rows
    notes: Sequence[str]


def pdf_of(document: Document) -> bytes:
    """The document's bytes."""
    from credit import paper  # a second of processor time at the start of every process, most of which draw none

    return paper.draw(document)
