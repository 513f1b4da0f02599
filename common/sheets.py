"""Tables for a spreadsheet, written a line at a time as their rows are read."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Line:
    """A file for csv.writer that hands back what is written into it."""

    def write(self, text: str) -> str:
        return text


def lines(header: Sequence, rows: Iterable[Sequence]) -> Iterator[str]:
    """Lines of the file; nothing but the row at hand is in memory."""
    writer = csv.writer(_Line())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow(row)


def file_response(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    """The file under its name, sent as it is written."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def text_cell(text: str) -> str:
    """Words that somebody wrote, as they can stand in a cell: a spreadsheet must not take them for a formula.

    Source: OWASP, CSV injection.
    """
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def moment_cell(moment: datetime | None) -> str:
    """To the second, UTC; empty where there was none."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
