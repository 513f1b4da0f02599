"""The settings page of a node: what is shown, what is refused and in which words, what is saved."""

from datetime import timedelta

import pytest
from django import forms
from django.urls import reverse
from django.utils import timezone

from common import clock
from tests.workers import builders
from workers import services
from workers.control_forms import PER_GPU, ControlsForm
from workers.control_models import controls_of
from workers.models import Maintenance, Shift, Tally, Worker

pytestmark = pytest.mark.django_db

AS_IT_IS = {
    **{f"mode_{day}": "all" for day in range(7)},
    "time_zone": "Europe/Berlin",
    "serves": "alike",
    "accepts_render": "on",
    "accepts_check": "on",
    "vram_share": "10000",
    "slots_cpu": "1",
    "offline_minutes": "10",
}


@pytest.fixture
def node(wanda) -> Worker:
    return builders.worker(owner=wanda, name="atelier", connected_at=clock.now())


@pytest.fixture
def save(signed_in, wanda, node):
    """Send the form with changes; a value of None leaves a field out."""

    def send(**changes):
        fields = {name: value for name, value in (AS_IT_IS | changes).items() if value is not None}
        return signed_in(wanda).post(reverse("workers:worker-settings", args=[node.pk]), fields)

    return send


def controls(node: Worker):
    return controls_of(Worker.objects.select_related("controls").get(pk=node.pk))


class SavingTests:
    def test_a_week_is_saved_as_it_was_written(self, save, node):
        save(
            mode_0="hours",
            opens_0="18:00",
            closes_0="08:00",
            mode_1="hours",
            opens_1="12:00",
            closes_1="00:00",
            mode_6="closed",
        )
        saved = controls(node)
        assert saved.opens_minutes == [1080, 720, 0, 0, 0, 0, 0]
        assert saved.closes_minutes == [480, 1440, 1440, 1440, 1440, 1440, 0]
        assert saved.time_zone == "Europe/Berlin"

    def test_every_other_control_is_saved(self, save, node, alice):
        save(
            serves="team_first",
            team=f"{alice.email.upper()}\n",
            accepts_check=None,
            accepts_rent="on",
            gpu_hour="0,35",
            vram_share="5000",
            slots_per_gpu="2",
            slots_cpu="3",
            idle_minutes="15",
            temperature_max_celsius="80",
            power_max_watts="300",
            disk_gib="50",
            bandwidth_max_mbit="40",
            kwh="0.30",
            busy_watts="450",
            idle_watts="60",
        )
        saved = controls(node)
        assert (saved.serves, saved.team_emails) == ("team_first", [alice.email.lower()])
        assert (saved.accepts_render, saved.accepts_check, saved.accepts_rent) == (True, False, True)
        assert (saved.gpu_hour_micros, saved.vram_share_bp_min, saved.kwh_micros) == (350_000, 5_000, 300_000)
        assert (saved.slots_per_gpu, saved.slots_cpu, saved.idle_minutes) == (2, 3, 15)
        assert (saved.temperature_max_celsius, saved.power_max_watts, saved.bandwidth_max_mbit) == (80, 300, 40)
        assert (saved.disk_quota_bytes, saved.busy_watts, saved.idle_watts) == (50 * 1024**3, 450, 60)

    @pytest.mark.parametrize(("end", "slots_per_gpu"), [("min_value", PER_GPU[0]), ("max_value", PER_GPU[-1])])
    def test_the_least_and_the_most_of_every_number_are_saved(self, save, node, end, slots_per_gpu):
        numbers = {name: field for name, field in ControlsForm.base_fields.items() if isinstance(field, forms.IntegerField)}
        answer = save(slots_per_gpu=slots_per_gpu, **{name: getattr(field, end) for name, field in numbers.items()})
        assert answer.status_code == 302
        assert controls(node).slots_cpu == getattr(ControlsForm.base_fields["slots_cpu"], end)

    def test_what_is_saved_is_shown_again_and_saving_it_again_changes_nothing(self, save, node, signed_in, wanda, alice):
        save(serves="team_only", team=alice.email, mode_2="hours", opens_2="09:30", closes_2="17:00", kwh="0.2875")
        browser = signed_in(wanda)
        url = reverse("workers:worker-settings", args=[node.pk])
        form = browser.get(url).context["form"]
        shown = {name: form[name].value() for name in form.fields}
        fields = {name: value for name, value in shown.items() if value not in (None, False)}
        answer = browser.post(url, fields, follow=True)
        assert "Nothing was changed." in answer.text
        assert node.events.filter(kind__in=["schedule", "service", "prices", "limits"]).count() == 3

    def test_a_node_that_nobody_touched_shows_the_defaults(self, signed_in, wanda, node):
        text = signed_in(wanda).get(reverse("workers:worker-settings", args=[node.pk])).text
        assert "these are the defaults" in text
        assert "Now: always open." in text

    def test_the_time_zone_is_its_owner_s_until_another_is_saved(self, signed_in, wanda, node, save):
        wanda.time_zone = "Asia/Tokyo"
        wanda.save()
        url = reverse("workers:worker-settings", args=[node.pk])
        assert signed_in(wanda).get(url).context["form"]["time_zone"].value() == "Asia/Tokyo"
        save()
        assert signed_in(wanda).get(url).context["form"]["time_zone"].value() == "Europe/Berlin"

    def test_a_closed_node_says_so(self, save, node, signed_in, wanda):
        day = clock.now().weekday()
        save(**{f"mode_{number}": "closed" if number in {day, (day + 1) % 7, (day - 1) % 7} else "all" for number in range(7)})
        text = signed_in(wanda).get(reverse("workers:worker-settings", args=[node.pk])).text
        assert "Its schedule opens it on" in text


class LimitsTests:
    def test_an_agent_that_knows_no_limits_is_told_apart(self, signed_in, wanda, node):
        url = reverse("workers:worker-settings", args=[node.pk])
        assert "The machine itself obeys these" in signed_in(wanda).get(url).text
        Worker.objects.filter(pk=node.pk).update(protocol=2)
        assert "Its agent is too old to obey these." in signed_in(wanda).get(url).text

    def test_a_resting_node_says_why(self, signed_in, wanda, node):
        Worker.objects.filter(pk=node.pk).update(resting="too_hot")
        text = signed_in(wanda).get(reverse("workers:worker-settings", args=[node.pk])).text
        assert "it takes work again when it is cooler" in text


class RefusalTests:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"mode_0": "hours", "opens_0": "18:00"}, "Monday: say from when and until when."),
            ({"mode_3": "hours", "opens_3": "18:00", "closes_3": "18:00"}, "Thursday: the two times are the same."),
            ({"mode_0": "hours", "opens_0": "25:00", "closes_0": "08:00"}, "Write a time of 24 hours, for example 18:00."),
            ({f"mode_{day}": "closed" for day in range(7)}, "Leave at least one day open"),
            ({"accepts_render": None, "accepts_check": None}, "Choose at least one kind of work"),
            ({"accepts_rent": "on"}, "Say what an hour costs, or take no renters."),
            ({"gpu_hour": "0"}, "Write more than 0, or nothing."),
            ({"gpu_hour": "a lot"}, "Write an amount of credits"),
            ({"serves": "team_first"}, "Name at least one other person"),
            ({"team": "nobody, somebody@example.net"}, "Not an e-mail address: nobody. Mend it"),
            ({"team": "\u212ael@example.net"}, "Not an e-mail address"),  # a look-alike of a K
            ({"team": "\n".join(f"p{n}@example.net" for n in range(51))}, "A team has at most 50 people; here are 51."),
            ({"slots_cpu": "0"}, "Write at least 1; to stop the node, pause it."),
            ({"temperature_max_celsius": "200"}, "Write 40 to 110, or nothing."),
            ({"idle_minutes": "soon"}, "Write a whole number."),
            ({"disk_gib": "1"}, "Write 5 to 100,000, or nothing."),
            ({"time_zone": "Mars/Olympus"}, "Select a valid choice"),
        ],
    )
    def test_what_cannot_be_is_refused_with_what_to_do(self, save, node, changes, words):
        answer = save(**changes)
        assert answer.status_code == 422
        assert words in answer.text
        assert not hasattr(Worker.objects.get(pk=node.pk), "controls")

    def test_an_owner_needs_no_team_to_name_themselves(self, save, wanda):
        assert "Name at least one other person" in save(serves="team_only", team=wanda.email).text

    def test_hours_of_a_day_that_is_not_open_by_hours_do_not_matter(self, save, node):
        save(mode_0="all", opens_0="18:00", closes_0="18:00")
        assert controls(node).closes_minutes[0] == 1440

    def test_a_retired_node_has_no_settings(self, save, node):
        services.retire_worker(node, now=clock.now())
        assert save().status_code == 404


class CopyTests:
    def test_one_day_is_copied_to_all_and_nothing_is_saved_yet(self, save, node):
        answer = save(copy="2", mode_2="hours", opens_2="18:00", closes_2="07:00")
        assert answer.status_code == 200
        assert "Copied to every day, not saved yet." in answer.text
        assert answer.text.count('value="18:00"') == 7
        assert not hasattr(Worker.objects.get(pk=node.pk), "controls")

    @pytest.mark.parametrize("copy", ["7", "²", "-1", "9" * 5_000])
    def test_a_day_that_does_not_exist_is_no_copy(self, save, copy):
        assert save(copy=copy).status_code == 302


class MaintenanceTests:
    @pytest.fixture
    def announce(self, signed_in, wanda, node):
        def send(hours: float, length: float = 2):
            begins = timezone.localtime(clock.now(), timezone.get_fixed_timezone(0)) + timedelta(hours=hours)
            fields = {"from_at": f"{begins:%Y-%m-%dT%H:%M}", "until_at": f"{begins + timedelta(hours=length):%Y-%m-%dT%H:%M}"}
            return signed_in(wanda).post(reverse("workers:worker-maintenance", args=[node.pk]), fields, follow=True)

        return send

    def test_it_is_announced_and_called_off(self, announce, signed_in, wanda, node):
        assert "it says nothing of the node" in announce(48).text
        assert Maintenance.objects.get().is_neutral
        browser = signed_in(wanda)
        answer = browser.post(reverse("workers:worker-maintenance-end", args=[node.pk]), follow=True)
        assert "The node takes work again." in answer.text
        assert "Announce it" in answer.text

    def test_late_notice_is_said_to_count(self, announce):
        assert "Announced late" in announce(3).text

    def test_a_second_one_is_explained(self, announce):
        announce(48)
        assert "Maintenance is announced already" in announce(60).text

    @pytest.mark.parametrize(
        ("hours", "length", "words"),
        [
            (48, -1, "Write a time after the begin"),
            (-5, 2, "Write a time after the begin, and one that is not over."),
            (48, 24 * 15, "At most 14 days; for longer, pause the node."),
            (24 * 100, 2, "At most 90 days ahead."),
        ],
    )
    def test_what_cannot_be_is_refused_with_what_to_do(self, announce, hours, length, words):
        answer = announce(hours, length)
        assert answer.status_code == 422
        assert words in answer.text

    @pytest.mark.parametrize(("zone", "moment"), [("Asia/Tokyo", "0001-01-01T00:00"), ("America/New_York", "9999-12-31T23:59")])
    def test_the_ends_of_time_are_refused(self, signed_in, wanda, node, zone, moment):
        services.set_controls(node, now=clock.now(), time_zone=zone)
        fields = {"from_at": moment, "until_at": moment}
        answer = signed_in(wanda).post(reverse("workers:worker-maintenance", args=[node.pk]), fields)
        assert answer.status_code == 422
        assert answer.text.count("Write a time within the next 90 days.") == 2

    def test_its_times_are_those_of_the_node(self, signed_in, wanda, node):
        services.set_controls(node, now=clock.now(), time_zone="Asia/Tokyo")
        begins = clock.now() + timedelta(days=3)
        fields = {"from_at": f"{begins:%Y-%m-%d}T12:00", "until_at": f"{begins:%Y-%m-%d}T14:00"}
        signed_in(wanda).post(reverse("workers:worker-maintenance", args=[node.pk]), fields)
        assert Maintenance.objects.get().from_at.hour == 3


class NetTests:
    def test_what_is_left_after_electricity_is_said(self, save, node, signed_in, wanda):
        now = clock.now()
        Tally.objects.create(worker=node, day_on=now.date(), busy_seconds=7_200, earned_micros=5_000_000)
        Shift.objects.create(worker=node, epoch=1, started_at=now - timedelta(hours=12), ended_at=now - timedelta(hours=2))
        save(kwh="0.50", busy_watts="500", idle_watts="100")
        text = signed_in(wanda).get(reverse("workers:worker-settings", args=[node.pk])).text
        # 2 h at 500 W and 8 h at 100 W are 1.8 kWh.
        assert "earned 5.00, electricity about 0.90, <strong>left 4.10 credits</strong>" in text
