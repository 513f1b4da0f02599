"""All nodes of an owner together: earnings, work, the time online, and what is left after electricity."""

from datetime import timedelta

import pytest
from django.urls import reverse

from common import clock
from tests.workers import builders
from tests.workers.builders import NOW, worker
from workers import fleet_figures, services, summary
from workers.control_models import Controls
from workers.models import Shift, Worker

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MIDNIGHT = NOW.replace(hour=0)


def shift(node: Worker, began, ended=None) -> None:
    Shift.objects.create(worker=node, epoch=Shift.objects.filter(worker=node).count() + 1, started_at=began, ended_at=ended)


def tally(node: Worker, days_ago: int = 0, *, now=NOW, **sums) -> None:
    services.tally_all((now - days_ago * DAY).date(), [services.Sums(node.pk, **sums)])


def seconds(owner, days: int = 3) -> list[float]:
    return [day.seconds / 3600 for day in fleet_figures.days_online(owner.pk, days=days, now=NOW)]


class DaysOnlineTests:
    def test_shifts_of_all_nodes_are_cut_at_midnight(self, wanda):
        first, second = worker(owner=wanda), worker(owner=wanda)
        shift(first, MIDNIGHT - 26 * HOUR, MIDNIGHT + 3 * HOUR)
        shift(second, NOW - HOUR)
        shift(worker(), MIDNIGHT - 9 * DAY)
        assert seconds(wanda) == [2.0, 24.0, 4.0]

    def test_what_began_before_the_period_counts_from_its_first_midnight(self, wanda):
        shift(worker(owner=wanda), MIDNIGHT - 40 * DAY)
        assert seconds(wanda) == [24.0, 24.0, 12.0]

    def test_a_node_counts_from_its_first_sign_on_until_it_is_retired(self, wanda):
        shift(worker(owner=wanda), MIDNIGHT - DAY, MIDNIGHT - 20 * HOUR)
        shift(worker(owner=wanda, status="retired"), MIDNIGHT - 9 * DAY, MIDNIGHT - 30 * HOUR)
        worker(owner=wanda, name="never signed on")
        assert [day.nodes for day in fleet_figures.days_online(wanda.pk, days=3, now=NOW)] == [1, 1, 1]

    def test_a_node_could_be_online_from_its_first_moment_to_its_last_or_to_now(self, wanda):
        shift(worker(owner=wanda), MIDNIGHT - 2 * HOUR)
        shift(worker(owner=wanda, status="retired"), MIDNIGHT - DAY, MIDNIGHT - 20 * HOUR)
        could = [day.could_seconds / 3600 for day in fleet_figures.days_online(wanda.pk, days=3, now=NOW)]
        assert could == [0.0, 2.0 + 4.0, 12.0]

    def test_a_node_of_two_minutes_was_online_all_the_time(self, wanda):
        shift(worker(owner=wanda), NOW - timedelta(minutes=2))
        uptime = summary.stats_part(summary.Together(wanda, NOW))["work"][-1]
        assert (uptime["label"], uptime["figure"]) == ("Uptime, 30 days", "100 %")

    def test_without_a_node_every_day_is_empty(self, wanda):
        assert seconds(wanda) == [0.0, 0.0, 0.0]

    def test_a_share_is_of_all_nodes_and_never_more_than_all(self):
        assert fleet_figures.DayOnline(NOW.date(), 43_200.0, 2, 0.0).share(86_400) == 0.25
        assert fleet_figures.DayOnline(NOW.date(), 90_000.0, 1, 0.0).share(86_400) == 1.0
        assert fleet_figures.DayOnline(NOW.date(), 0.0, 0, 0.0).share(86_400) == 0.0


class NetsTests:
    def test_power_is_taken_off_the_earnings_of_nodes_whose_price_is_known(self, wanda):
        priced, other = worker(owner=wanda), worker(owner=wanda)
        for node in (priced, other):
            tally(node, earned_micros=4_620_000, busy_seconds=3_600.0)
            shift(node, NOW - 2 * HOUR)
        controls = [
            Controls(worker=priced, kwh_micros=210_000, busy_watts=500, idle_watts=100),
            Controls(worker=other, kwh_micros=210_000),
        ]
        nets = fleet_figures.nets_of(controls, since=NOW - 30 * DAY, now=NOW)
        assert list(nets) == [priced.pk]
        assert nets[priced.pk].energy_micros == 210_000 * 600 // 1_000  # an hour at 500 W, an hour at 100 W
        assert nets[priced.pk].net_micros == 4_620_000 - 126_000

    def test_a_node_that_did_nothing_costs_what_it_drew(self, wanda):
        node = worker(owner=wanda)
        shift(node, NOW - HOUR)
        controls = [Controls(worker=node, kwh_micros=1_000_000, busy_watts=500, idle_watts=100)]
        assert fleet_figures.nets_of(controls, since=NOW - DAY, now=NOW)[node.pk].net_micros == -100_000


class ChartsTests:
    def test_a_week_is_seven_days(self, wanda):
        node = worker(owner=wanda)
        tally(node, tasks_accepted=1, earned_micros=5)
        tally(node, 6, tasks_accepted=2, earned_micros=7)
        tally(node, 7, tasks_accepted=9, earned_micros=9)
        shown = summary.charts_part(summary.Together(wanda, NOW), summary.PERIODS[0])
        assert [value for _, value in shown["earnings"]] == [7, 0, 0, 0, 0, 0, 5]
        assert [value for _, value in shown["tasks"]] == [2, 0, 0, 0, 0, 0, 1]

    def test_a_year_is_drawn_by_weeks_that_hold_every_day_once(self, wanda):
        node = worker(owner=wanda)
        for days_ago in range(0, 364, 3):
            tally(node, days_ago, tasks_accepted=1)
        shown = summary.charts_part(summary.Together(wanda, NOW), summary.PERIODS[-1])
        assert len(shown["tasks"]) == 52
        assert sum(value for _, value in shown["tasks"]) == 122


class SummaryPageTests:
    url = property(lambda self: reverse("workers:worker-summary"))

    def test_without_a_node_it_says_what_will_be_here(self, signed_in, wanda):
        assert "No node yet" in signed_in(wanda).get(self.url).text

    def test_it_adds_up_the_viewers_nodes_and_nobody_elses(self, signed_in, wanda, mallory):
        now = clock.now()
        for owner in (wanda, wanda, mallory):
            tally(worker(owner=owner), now=now, tasks_accepted=3, tasks_failed=1, earned_micros=2_310_000)
        text = signed_in(wanda).get(self.url).text
        assert "4.62" in text
        assert "2 failed, 75 % accepted" in text
        assert "9.24" not in text

    def test_what_is_left_after_electricity_is_said_once_its_price_is_known(self, signed_in, wanda):
        node, now = worker(owner=wanda), clock.now()
        tally(node, now=now, tasks_accepted=3, earned_micros=2_000_000)
        browser = signed_in(wanda)
        assert "electricity" not in browser.get(self.url).text
        shift(node, now - HOUR)
        Controls.objects.create(worker=node, kwh_micros=200_000, busy_watts=500, idle_watts=500)
        assert "after 0.1000 for electricity" in browser.get(self.url).text

    def test_its_figures_are_asked_for_alone(self, signed_in, wanda):
        tally(worker(owner=wanda), now=clock.now(), tasks_accepted=1)
        browser = signed_in(wanda)
        answer = browser.get(self.url, {"part": "stats"})
        assert answer.text.strip().startswith('<div id="summary-stats"')
        assert browser.get(self.url, {"part": "stats"}, headers={"If-None-Match": answer["ETag"]}).status_code == 304

    @pytest.mark.parametrize("days", ["7", "364", "12", "x", "-1"])
    def test_a_period_that_does_not_exist_is_a_month(self, signed_in, wanda, days):
        worker(owner=wanda)
        assert signed_in(wanda).get(self.url, {"days": days}).status_code == 200

    def test_many_nodes_take_as_many_queries_as_one(self, signed_in, wanda, django_assert_max_num_queries):
        for n in range(8):
            node = worker(owner=wanda)
            tally(node, n, now=clock.now(), tasks_accepted=1, earned_micros=9)
            shift(node, clock.now() - HOUR)
            Controls.objects.create(worker=node, kwh_micros=200_000, busy_watts=500, idle_watts=50)
        browser = signed_in(wanda)
        with django_assert_max_num_queries(14):
            browser.get(self.url)

    def test_the_list_and_the_summary_lead_to_each_other(self, signed_in, wanda):
        builders.worker(owner=wanda)
        browser = signed_in(wanda)
        assert self.url in browser.get(reverse("workers:worker-list")).text
        assert reverse("workers:worker-list") in browser.get(self.url).text
