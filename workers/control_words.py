"""What an owner's controls say, in words. Pure."""

from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from workers.hours import DAY_MINUTES, ClosedBy, Week
from workers.serving import Serves

SERVES_WORDS = {
    Serves.ALIKE.value: "Everybody alike, in the turns of the network",
    Serves.OWN_FIRST.value: "Me first, then everybody",
    Serves.TEAM_FIRST.value: "Me first, then my team, then everybody",
    Serves.TEAM_ONLY.value: "Me first, then my team, nobody else",
    Serves.OWN_ONLY.value: "Only me",
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def closed_line(closed_by: str, change_at: datetime | None, zone: str, *, now: datetime) -> str:
    """Why a closed node is idle: "Its schedule opens it on Monday at 18:00 (Europe/Berlin)."; empty for an open one."""
    if closed_by == ClosedBy.MAINTENANCE and change_at:
        return f"In maintenance until {day_and_time(change_at, zone, now=now)}."
    if closed_by == ClosedBy.SCHEDULE:
        return (
            f"Its schedule opens it on {day_and_time(change_at, zone, now=now)}."
            if change_at
            else "Its schedule keeps it closed on every day."
        )
    return ""


def day_and_time(moment: datetime, zone: str, *, now: datetime) -> str:
    """ "Monday at 18:00 (Europe/Berlin)"; with the date where the weekday alone could be another."""
    local = moment.astimezone(ZoneInfo(zone))
    date = f", {local.day} {local:%B}," if moment - now > timedelta(days=6) else ""
    return f"{local:%A}{date} at {local:%H:%M} ({zone})"


def week_words(week: Week) -> str:
    """ "Monday to Friday 18:00 to 08:00, Saturday and Sunday all day (Europe/Berlin)", in one line."""
    spans = list(zip(week.opens, week.closes, strict=True))
    runs = [list(run) for _, run in groupby(range(7), key=lambda day: spans[day])]
    if len(runs) == 1 and spans[0] == (0, DAY_MINUTES):
        return "always open"
    return f"{', '.join(f'{_days(run)} {_span(*spans[run[0]])}' for run in runs)} ({week.time_zone})"


def _days(run: list[int]) -> str:
    if len(run) == 7:
        return "every day"
    if len(run) <= 2:
        return " and ".join(DAYS[day] for day in run)
    return f"{DAYS[run[0]]} to {DAYS[run[-1]]}"


def _span(opens: int, closes: int) -> str:
    if opens == closes:
        return "closed"
    return "all day" if (opens, closes) == (0, DAY_MINUTES) else f"{clock_words(opens)} to {clock_words(closes)}"


def clock_words(minutes: int) -> str:
    """ "18:00"; "24:00" is the end of the day."""
    return f"{minutes // 60:02}:{minutes % 60:02}"
