"""The history as a table for a spreadsheet, one line at a time."""

import csv
from collections.abc import Iterable, Iterator

from common.money import format_credits
from credit.codes import Code
from credit.models import Transfer
from credit.presentation import DIRECTION_WORDS, READS

HEADER = (
    "entry",
    "time (UTC)",
    "kind",
    "direction",
    "amount (credits)",
    "bucket",
    "from",
    "to",
    "description",
    "hold",
    "reverses",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class Line:
    """A file for csv.writer that hands back what is written into it."""

    def write(self, text: str) -> str:
        return text


def text_cell(text: str) -> str:
    """Words that somebody wrote, as they can stand in a cell: a spreadsheet must not take them for a formula.

    Source: OWASP, CSV injection.
    """
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def rows_of(entries: Iterable[Transfer]) -> Iterator[str]:
    """Lines of the file; nothing but the entry at hand is in memory."""
    writer = csv.writer(Line())
    yield writer.writerow(HEADER)
    for entry in entries:
        yield writer.writerow(cells_of(entry))


def cells_of(entry: Transfer) -> tuple:
    return (
        entry.pk,
        entry.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        entry.get_code_display(),
        DIRECTION_WORDS[READS[Code(entry.code)][1]],
        format_credits(entry.amount_micros, places=6).replace(",", ""),
        entry.source.get_bucket_display(),
        entry.source.get_kind_display(),
        entry.target.get_kind_display(),
        text_cell(entry.reference),
        entry.hold_id or "",
        entry.reverses_id or "",
    )
