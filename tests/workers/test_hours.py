"""A node's week and its maintenance: open or closed at a moment, the next change, turned clocks, changed time zones."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.hours import DAY_MINUTES, ClosedBy, Hours, Week, Window, hours_at, is_announced_in_time, week_at

HOUR = 60


def moment(text: str) -> datetime:
    """ "2026-03-02 17:00", UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def week(zone: str = "UTC", **days: tuple[int, int]) -> Week:
    """Closed but on the named days: `week(mon=(18, 24))`, in hours."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    spans = [days.get(name, (0, 0)) for name in names]
    return Week(zone, tuple(round(opens * HOUR) for opens, _ in spans), tuple(round(closes * HOUR) for _, closes in spans))


EVERY_NIGHT = Week("Europe/Berlin", (18 * HOUR,) * 7, (8 * HOUR,) * 7)
MONDAY = "2026-03-02"


class WeekTests:
    @pytest.mark.parametrize(
        ("now", "of", "is_open", "change"),
        [
            (f"{MONDAY} 12:00", Week(), True, None),
            (f"{MONDAY} 12:00", week(), False, None),
            (f"{MONDAY} 12:00", week(mon=(18, 24)), False, f"{MONDAY} 18:00"),
            (f"{MONDAY} 18:00", week(mon=(18, 24)), True, "2026-03-03 00:00"),
            ("2026-03-03 00:00", week(mon=(18, 24)), False, "2026-03-09 18:00"),
            (f"{MONDAY} 23:00", week(mon=(18, 24), tue=(0, 8)), True, "2026-03-03 08:00"),  # two days that touch
            (f"{MONDAY} 23:00", week(mon=(18, 8)), True, "2026-03-03 08:00"),  # past midnight
            (f"{MONDAY} 03:00", week(sun=(18, 8)), True, f"{MONDAY} 08:00"),  # begun the day before
            (f"{MONDAY} 23:00", week(mon=(18, 8), tue=(6, 10)), True, "2026-03-03 10:00"),  # overlapping
            (f"{MONDAY} 12:00", Week("UTC", (0,) * 7, (DAY_MINUTES,) * 6 + (720,)), True, "2026-03-08 12:00"),
            (f"{MONDAY} 16:59", EVERY_NIGHT, False, f"{MONDAY} 17:00"),
            (f"{MONDAY} 17:00", EVERY_NIGHT, True, "2026-03-03 07:00"),
            (f"{MONDAY} 02:00", week("America/New_York", sun=(18, 24)), True, f"{MONDAY} 05:00"),  # still Sunday there
            (f"{MONDAY} 20:00", week("Asia/Kathmandu", tue=(2, 3)), False, f"{MONDAY} 20:15"),
        ],
    )
    def test_a_moment_is_open_or_closed_until_the_next_change(self, now, of, is_open, change):
        assert week_at(moment(now), of) == (is_open, change and moment(change))

    @pytest.mark.parametrize(
        ("now", "of", "is_open", "change"),
        [
            # Berlin, 29 March 2026: 02:00 becomes 03:00, at 01:00 UTC.
            ("2026-03-28 20:00", EVERY_NIGHT, True, "2026-03-29 06:00"),
            ("2026-03-29 00:00", week("Europe/Berlin", sun=(2.5, 6)), False, "2026-03-29 01:30"),
            ("2026-03-28 23:30", week("Europe/Berlin", sun=(0, 24)), True, "2026-03-29 22:00"),  # 23 hours
            # Berlin, 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC.
            ("2026-10-24 20:00", EVERY_NIGHT, True, "2026-10-25 07:00"),
            ("2026-10-24 22:30", week("Europe/Berlin", sun=(0, 2.5)), True, "2026-10-25 00:30"),  # the first 02:30
            ("2026-10-24 22:30", week("Europe/Berlin", sun=(0, 24)), True, "2026-10-25 23:00"),  # 25 hours
            # All week open stays open for ever, also across turned clocks.
            ("2026-10-24 22:30", Week("Europe/Berlin"), True, None),
            ("2026-03-28 22:30", Week("Europe/Berlin", (0, *(1,) * 6), (DAY_MINUTES, *(1,) * 6)), False, "2026-03-29 22:00"),
        ],
    )
    def test_turned_clocks_move_what_the_clock_on_the_wall_says(self, now, of, is_open, change):
        assert week_at(moment(now), of) == (is_open, moment(change) if change else None)

    minutes = st.tuples(*[st.integers(0, DAY_MINUTES - 1)] * 7)
    zones = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"])
    moments = st.integers(0, 730 * DAY_MINUTES).map(lambda minutes: moment("2026-01-01 00:00") + timedelta(minutes=minutes))

    @given(zones, minutes, minutes, moments)
    def test_nothing_changes_before_the_change_and_something_does_at_it(self, zone, opens, closes, now):
        of = Week(zone, opens, closes)
        is_open, change_at = week_at(now, of)
        if change_at is None:
            return
        assert now < change_at < now + timedelta(days=8)
        assert week_at(now + (change_at - now) / 2, of)[0] == is_open
        assert week_at(change_at - timedelta(seconds=1), of)[0] == is_open
        assert week_at(change_at, of)[0] != is_open


class MaintenanceTests:
    WINDOW = Window(moment(f"{MONDAY} 20:00"), moment(f"{MONDAY} 22:00"))

    @pytest.mark.parametrize(
        ("now", "of", "hours"),
        [
            (f"{MONDAY} 12:00", Week(), Hours("", moment(f"{MONDAY} 20:00"))),
            (f"{MONDAY} 20:00", Week(), Hours(ClosedBy.MAINTENANCE, moment(f"{MONDAY} 22:00"))),
            (f"{MONDAY} 22:00", Week(), Hours("", None)),
            (f"{MONDAY} 12:00", week(mon=(18, 24)), Hours(ClosedBy.SCHEDULE, moment(f"{MONDAY} 18:00"))),
            (f"{MONDAY} 19:00", week(mon=(18, 24)), Hours("", moment(f"{MONDAY} 20:00"))),
            (f"{MONDAY} 21:00", week(mon=(18, 21.5)), Hours(ClosedBy.MAINTENANCE, moment(f"{MONDAY} 22:00"))),
            (f"{MONDAY} 22:00", week(mon=(18, 21.5)), Hours(ClosedBy.SCHEDULE, moment("2026-03-09 18:00"))),
        ],
    )
    def test_it_comes_before_the_week(self, now, of, hours):
        assert hours_at(moment(now), of, self.WINDOW) == hours

    def test_a_day_of_notice_makes_it_neutral(self):
        assert is_announced_in_time(moment("2026-03-01 20:00"), self.WINDOW)
        assert not is_announced_in_time(moment("2026-03-01 20:01"), self.WINDOW)
