"""A user's history, page by page: the same few milliseconds at the newest entry and at the millionth.

Every kind of entry is read from the index (owner, code, created_at, id) by itself, as many rows as a page needs, and
merged; so a kind that is rare, or old, costs no more than the newest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet

from common.money import parse_credits
from common.paging import Place
from credit.codes import Code
from credit.models import Hold, Transfer

SEARCHED_MAX = 2_000  # entries that one page looks through for words; the next page goes on from there
HOLDS_MAX = 200  # of one job
CHUNK = 2_000  # rows that an export has in memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries a person asked for."""

    codes: tuple[Code, ...] | None = None  # None: all
    since: datetime | None = None
    until: datetime | None = None  # not included
    subject: str = ""  # "job:12"
    words: str = ""

    @property
    def is_filtered(self) -> bool:
        return self != Wanted()


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, newest first, and where one goes from here."""

    entries: list[Transfer] = field(default_factory=list)
    newer: Place | None = None
    older: Place | None = None
    searched_until: datetime | None = None  # words were looked for back to here; there is more behind it


class Reach(NamedTuple):
    """How far one page looks for words."""

    last: Place
    beyond: Place  # the first entry that it does not look at


def page_of(owner, wanted: Wanted, *, size: int, older: Place | None = None, newer: Place | None = None) -> Page:
    """The page that begins after `older`, or ends before `newer`; the newest without either."""
    reach = _reach(owner, wanted, older, newer) if wanted.words and not wanted.subject else None
    found = _places(owner, wanted, size + 1, older=older, newer=newer, reach=reach)
    more, found = len(found) > size, found[:size]
    end = reach.last if reach and not (more or newer) else None
    if newer:
        found.reverse()
    entries = _rows(found)
    if newer and not more:  # the first page may have grown meanwhile: show it whole
        return page_of(owner, wanted, size=size)
    if not found:
        return Page([], newer=older, older=end, searched_until=_moment_of(end))
    goes_on = found[-1] if more or newer else end
    return Page(entries, found[0] if older or newer else None, goes_on, None if more else _moment_of(end))


def _moment_of(place: Place | None) -> datetime | None:
    return place.created_at if place else None


def all_of(owner, wanted: Wanted) -> Iterator[Transfer]:
    """Every entry, newest first, with a chunk of them in memory at a time."""
    older: Place | None = None
    while True:
        page = page_of(owner, wanted, size=CHUNK, older=older)
        yield from page.entries
        if not page.older:
            return
        older = page.older


def _order(newer: Place | None) -> tuple[str, str]:
    return ("created_at", "id") if newer else ("-created_at", "-id")


def _places(owner, wanted: Wanted, limit: int, *, older: Place | None, newer: Place | None, reach: Reach | None) -> list[Place]:
    """Where the wanted entries are: the nearest `limit` in the direction that is read."""
    order, wanted_rows = _order(newer), _parts(owner, wanted, older, newer, reach)
    parts = [rows.order_by(*order).values_list("created_at", "id")[:limit] for rows in wanted_rows]
    if not parts:
        return []
    found = parts[0].union(*parts[1:], all=True).order_by(*order)[:limit] if len(parts) > 1 else parts[0]
    return [Place(*row) for row in found]


def _parts(
    owner, wanted: Wanted, older: Place | None, newer: Place | None, reach: Reach | None = None
) -> Sequence[QuerySet[Transfer]]:
    """Queries that each follow an index and together give every wanted entry once."""
    rows = _range(Transfer.objects.filter(owner=owner).order_by(), wanted, older, newer)
    if wanted.subject:
        holds = _holds(wanted.subject)
        rows = _of_codes(_with_words(rows, wanted.words), wanted.codes)
        return [rows.filter(hold__in=holds), rows.filter(code=Code.REFUND, reverses__hold__in=holds, hold=None)]
    if wanted.words:
        near = rows if reach is None else reach.beyond.older(rows) if newer else reach.beyond.newer(rows)
        return [_of_codes(_with_words(near, wanted.words), wanted.codes)]
    return [rows] if wanted.codes is None else [rows.filter(code=code) for code in wanted.codes]


def _range(rows: QuerySet[Transfer], wanted: Wanted, older: Place | None, newer: Place | None) -> QuerySet[Transfer]:
    if wanted.since:
        rows = rows.filter(created_at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(created_at__lt=wanted.until)
    return newer.newer(rows) if newer else older.older(rows) if older else rows


def _of_codes(rows: QuerySet[Transfer], codes: tuple[Code, ...] | None) -> QuerySet[Transfer]:
    return rows if codes is None else rows.filter(code__in=codes)


def _with_words(rows: QuerySet[Transfer], words: str) -> QuerySet[Transfer]:
    """In the entry's own words, or its very amount."""
    if not words:
        return rows
    try:
        return rows.filter(Q(reference__icontains=words) | Q(amount_micros=parse_credits(words.replace(",", ""))))
    except ValueError:
        return rows.filter(reference__icontains=words)


def _holds(subject: str) -> list[int]:
    """The holds of a job or instance: their keys begin with its name."""
    return list(Hold.objects.filter(key__startswith=f"{subject}:hold").order_by("-pk").values_list("pk", flat=True)[:HOLDS_MAX])


def _reach(owner, wanted: Wanted, older: Place | None, newer: Place | None) -> Reach | None:
    """Of the nearest SEARCHED_MAX entries in the direction that is read; None where there are no others."""
    rows = _range(Transfer.objects.filter(owner=owner), wanted, older, newer).order_by(*_order(newer))
    ends = rows.values_list("created_at", "id")[SEARCHED_MAX - 1 : SEARCHED_MAX + 1]
    places = [Place(*row) for row in ends]
    return Reach(*places) if len(places) == 2 else None


def _rows(places: Sequence[Place]) -> list[Transfer]:
    rows = Transfer.objects.select_related("source", "target").in_bulk([place.pk for place in places])
    return [rows[place.pk] for place in places]
