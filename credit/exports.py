"""The history as a table for a spreadsheet, one line at a time."""

from collections.abc import Iterable, Iterator

from common import sheets
from common.money import format_plain
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


def csv_lines(entries: Iterable[Transfer]) -> Iterator[str]:
    return sheets.lines(HEADER, map(_cells, entries))


def _cells(entry: Transfer) -> tuple:
    return (
        entry.pk,
        sheets.moment_cell(entry.created_at),
        entry.get_code_display(),
        DIRECTION_WORDS[READS[Code(entry.code)][1]],
        format_plain(entry.amount_micros),
        entry.source.get_bucket_display(),
        entry.source.get_kind_display(),
        entry.target.get_kind_display(),
        sheets.text_cell(entry.reference),
        entry.hold_id or "",
        entry.reverses_id or "",
    )
