"""A node's days: what its products tally, and how long it was online."""

from datetime import timedelta

import pytest

from tests.workers.builders import NOW, worker
from workers import services, uptime
from workers.models import Tally

pytestmark = pytest.mark.django_db


class TallyTests:
    def test_sums_of_a_day_grow(self):
        node = worker()
        services.tally_all(NOW.date(), [services.Sums(node.pk, tasks_accepted=1, busy_seconds=2.5, earned_micros=10)])
        services.tally_all(NOW.date(), [services.Sums(node.pk, tasks_failed=1, earned_micros=5)])
        row = Tally.objects.get()
        assert (row.tasks_accepted, row.tasks_failed, row.busy_seconds, row.earned_micros) == (1, 1, 2.5, 15)

    def test_days_of_an_owner_sum_over_the_nodes_of_this_owner_alone(self):
        node, foreign = worker(), worker()
        other = worker(owner=node.owner)
        before = NOW.date() - timedelta(days=1)
        services.tally_all(before, [services.Sums(node.pk, tasks_failed=2)])
        services.tally_all(NOW.date(), [services.Sums(each.pk, tasks_accepted=1, earned_micros=5) for each in (node, other)])
        services.tally_all(NOW.date(), [services.Sums(foreign.pk, tasks_accepted=9)])
        assert services.days_of(node.owner_id) == [
            services.Day(before, 0, 2, 0),
            services.Day(NOW.date(), 2, 0, 10),
        ]


class UptimeTests:
    def test_shifts_are_cut_to_the_period(self):
        hour = timedelta(hours=1)
        spans = [(NOW - 3 * hour, NOW - 2 * hour), (NOW - hour / 2, None)]
        assert uptime.online_seconds(spans, NOW - 2.5 * hour, NOW) == 3600
        assert uptime.share(spans, NOW - 4 * hour, NOW) == pytest.approx(1.5 / 4)
        assert uptime.share([], NOW, NOW) is None

    def test_a_night_shift_counts_for_both_days(self):
        midnight = NOW.replace(hour=0)
        spans = [(midnight - timedelta(hours=2), midnight + timedelta(hours=3))]
        assert [hours for _, hours in uptime.days(spans, NOW, weeks=1)][-2:] == [2, 3]

    @pytest.mark.parametrize(("hours", "level"), [(0, 0), (1, 1), (7, 2), (13, 3), (24, 4)])
    def test_a_square_is_as_dark_as_the_day_was_long(self, hours, level):
        assert uptime.level(hours) == level
