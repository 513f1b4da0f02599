"""When a node is open for work: its owner's week in a named time zone, and one maintenance window. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY_MINUTES = 1_440
DAYS_AHEAD = 9  # a week, and what is cut at its ends
ENDLESS = timedelta(days=7, hours=2)  # open for longer than a week (and its turned clocks): open for ever
NOTICE = timedelta(hours=24)  # maintenance that is announced so long before says nothing of a node's reliability


class ClosedBy(StrEnum):
    """What keeps a node from new work at this moment; the empty word: nothing."""

    SCHEDULE = "schedule"
    MAINTENANCE = "maintenance"


class Week(NamedTuple):
    """One stretch of each day, Monday first, in minutes of that day by the clock of `time_zone`.

    0 and 1,440: the whole day. The same twice: closed that day. Closes before it opens: closes the day after.
    """

    time_zone: str = "UTC"
    opens: tuple[int, ...] = (0,) * 7
    closes: tuple[int, ...] = (DAY_MINUTES,) * 7


class Window(NamedTuple):
    """A maintenance window."""

    from_at: datetime
    until_at: datetime


class Hours(NamedTuple):
    """How a node stands at one moment. `change_at`: when that may be otherwise; None: never."""

    closed_by: str  # a ClosedBy, or ""
    change_at: datetime | None


def hours_at(now: datetime, week: Week, window: Window | None = None) -> Hours:
    """Is the node open at `now`, and until when is that so? Maintenance comes before the week."""
    if window and window.from_at <= now < window.until_at:
        return Hours(ClosedBy.MAINTENANCE, window.until_at)
    is_open, change_at = week_at(now, week)
    if window and now < window.from_at and (change_at is None or window.from_at < change_at):
        change_at = window.from_at
    return Hours("" if is_open else ClosedBy.SCHEDULE, change_at)


def week_at(now: datetime, week: Week) -> tuple[bool, datetime | None]:
    """Open by the week alone?, and the moment of the next change; None when it never changes."""
    if all(minute == 0 for minute in week.opens) and all(minute == DAY_MINUTES for minute in week.closes):
        return True, None
    for begins, ends in _joined(_stretches(now, week)):
        if now < begins:
            return False, begins
        if now < ends:
            return True, ends if ends - now < ENDLESS else None
    return False, None


def _stretches(now: datetime, week: Week) -> Iterator[tuple[datetime, datetime]]:
    """The open stretches from yesterday on, in UTC, in their order."""
    zone = ZoneInfo(week.time_zone)
    today = now.astimezone(zone).date()
    for day in (today + timedelta(days=number) for number in range(-1, DAYS_AHEAD)):
        opens, closes = week.opens[day.weekday()], week.closes[day.weekday()]
        begins = moment_of(day, opens, zone)
        ends = moment_of(day + timedelta(days=closes < opens), closes, zone)
        if opens != closes and begins < ends:  # clocks that jump can swallow a short stretch
            yield begins, ends


def _joined(stretches: Iterator[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    """Stretches that touch or overlap are one."""
    begins, ends = next(stretches, (None, None))
    if begins is None:
        return
    for following, its_end in stretches:
        if following <= ends:
            ends = max(ends, its_end)
        else:
            yield begins, ends
            begins, ends = following, its_end
    yield begins, ends


def moment_of(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The moment at which the clocks of `zone` show this time of the day, in UTC.

    A time that comes twice, as clocks go back, is the first of the two; one that clocks jump over is told by the clock from
    before the jump.
    """
    later, minutes = divmod(minutes, DAY_MINUTES)
    return datetime.combine(day + timedelta(days=later), time(minutes // 60, minutes % 60), zone).astimezone(UTC)


def is_announced_in_time(announced_at: datetime, window: Window) -> bool:
    """Maintenance that was said a day before is neutral for reliability."""
    return announced_at + NOTICE <= window.from_at
