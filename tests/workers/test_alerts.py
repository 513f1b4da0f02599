"""Owners hear once of a node that went away unexpectedly, and once of its return; never of what they know already."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse

from tests.overlap import overlapped
from tests.workers.builders import NOW, user, worker
from users import mailing
from users.models import Notice, User
from workers import alerts, notices, services
from workers.control_models import Controls
from workers.models import Gateway, OfflineAlert, Outage, Shift, Worker
from workers.states import WorkerStatus

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def gateway(db):
    """Alive all the time: the network is there."""
    return Gateway.objects.create(id="test-gateway", started_at=at(-600), seen_at=at(6_000))


def at(minutes: float):
    return NOW + minutes * MINUTE


def online(owner=None, **fields) -> Worker:
    node = worker(owner=owner or user(), **fields)
    Shift.objects.create(worker=node, epoch=1, started_at=at(-60))
    return node


def lose(node: Worker, *, minutes: float = 0, clean: bool = False) -> None:
    services.sign_off(node.pk, epoch=node.connection_epoch, now=at(minutes), clean=clean)


def come_back(node: Worker, *, minutes: float) -> None:
    """As workers.shifts.sign_on leaves it."""
    epoch = node.connection_epoch + 1
    changes = {"status": WorkerStatus.ONLINE, "connected_at": at(minutes), "gateway_id": "test-gateway"}
    Worker.objects.filter(pk=node.pk).update(**changes, connection_epoch=epoch)
    Shift.objects.create(worker=node, epoch=epoch, started_at=at(minutes))
    node.refresh_from_db()


def sweep(minutes: float) -> list[str]:
    """One run; what people were told in it."""
    before = Notice.objects.count()
    alerts.keep(now=at(minutes))
    return list(Notice.objects.order_by("pk").values_list("words", flat=True)[before:])


class LossTests:
    def test_its_owner_is_told_once_after_ten_minutes(self, wanda):
        node = online(wanda, name="attic")
        lose(node)
        assert sweep(1) == sweep(7) == []
        assert sweep(10) == ["attic is offline since Sunday at 12:00 (UTC)."]
        assert sweep(11) == sweep(300) == []
        notice = Notice.objects.get()
        assert (notice.user, notice.url, notice.mail_to) == (wanda, node.get_absolute_url(), wanda.email)
        assert "pictor-agent doctor" in notice.text

    def test_once_more_when_it_is_back(self, wanda):
        node = online(wanda, name="attic")
        lose(node)
        sweep(10)
        come_back(node, minutes=40)
        assert sweep(41) == ["attic is back."]
        assert sweep(42) == []

    def test_the_next_time_away_is_told_anew(self, wanda):
        node = online(wanda, name="attic")
        lose(node)
        sweep(10)
        come_back(node, minutes=40)
        sweep(41)
        lose(node, minutes=50)
        assert sweep(60) == ["attic is offline since Sunday at 12:50 (UTC)."]

    def test_who_is_back_within_the_grace_was_never_away(self, wanda):
        node = online(wanda)
        lose(node)
        sweep(1)
        come_back(node, minutes=8)
        assert sweep(11) == []
        assert not OfflineAlert.objects.exists()

    def test_the_owner_says_how_long_to_wait_or_never(self, wanda):
        patient, silent = online(wanda, name="patient"), online(wanda, name="silent")
        services.set_controls(patient, now=NOW, offline_minutes=60)
        services.set_controls(silent, now=NOW, offline_minutes=None)
        lose(patient)
        lose(silent)
        assert sweep(12) == sweep(50) == []
        assert sweep(60) == ["patient is offline since Sunday at 12:00 (UTC)."]

    def test_what_the_owner_says_while_it_is_away_holds_at_once(self, wanda):
        silenced, patient = online(wanda, name="silenced"), online(wanda, name="patient")
        lose(silenced)
        lose(patient)
        sweep(1)
        services.set_controls(silenced, now=at(2), offline_minutes=None)
        services.set_controls(patient, now=at(2), offline_minutes=60)
        assert sweep(12) == sweep(59) == []
        services.set_controls(silenced, now=at(60), offline_minutes=30)
        assert sweep(60) == ["2 nodes are offline since Sunday at 12:00 (UTC)."]

    def test_who_wants_to_hear_nothing_any_more_hears_of_no_return(self, wanda):
        node = online(wanda, name="attic")
        lose(node)
        sweep(10)
        services.set_controls(node, now=at(11), offline_minutes=None)
        come_back(node, minutes=20)
        assert sweep(21) == []
        services.set_controls(node, now=at(30), offline_minutes=10)
        assert sweep(31) == []

    def test_those_of_whom_nobody_wants_to_hear_keep_nobody_waiting(self, wanda, monkeypatch):
        monkeypatch.setattr(alerts, "BATCH", 1)
        muted = online(wanda, name="muted")
        services.set_controls(muted, now=NOW, offline_minutes=None)
        lose(muted)
        lose(online(wanda, name="attic"), minutes=1)
        assert sweep(11) == ["attic is offline since Sunday at 12:01 (UTC)."]

    def test_a_loss_of_days_ago_is_no_news(self, wanda):
        lose(online(wanda))
        assert sweep(60 * 25) == []

    def test_times_are_the_owner_s(self, wanda):
        User.objects.filter(pk=wanda.pk).update(time_zone="Asia/Tokyo")
        lose(online(wanda, name="attic"))
        assert sweep(10) == ["attic is offline since Sunday at 21:00 (Asia/Tokyo)."]


class KnownTests:
    """What its owner or the network knows already."""

    def test_a_clean_goodbye_tells_nobody(self):
        lose(online(), clean=True)
        assert sweep(60) == []

    @pytest.mark.parametrize("status", [WorkerStatus.PAUSED, WorkerStatus.DRAINING])
    def test_nor_does_a_node_that_was_paused_or_was_finishing(self, status):
        lose(online(status=status))
        assert sweep(60) == []

    @pytest.mark.parametrize("verb", [services.pause_worker, services.retire_worker])
    def test_nor_one_that_its_owner_paused_or_retired_meanwhile(self, verb):
        node = online()
        lose(node)
        sweep(5)
        node.refresh_from_db()
        verb(node, now=at(6))
        assert sweep(60) == []

    def test_while_its_hours_or_its_maintenance_close_it_the_grace_waits(self):
        node = online(name="attic", closed_by="schedule")
        lose(node)
        assert sweep(5) == sweep(60) == sweep(120) == []
        Worker.objects.filter(pk=node.pk).update(closed_by="")
        assert sweep(121) == []
        assert sweep(130) == ["attic is offline since Sunday at 12:00 (UTC)."]

    def test_while_the_network_is_away_the_grace_of_all_waits(self):
        node = online(name="attic")
        lose(node)
        outage = Outage.objects.create(began_at=at(-1), why="most nodes vanished at once", nodes=9)
        assert sweep(5) == sweep(60) == []
        Outage.objects.filter(pk=outage.pk).update(ended_at=at(60))
        assert sweep(65) == []
        assert sweep(70) == ["attic is offline since Sunday at 12:00 (UTC)."]

    def test_a_gateway_that_died_is_the_network_s_fault(self, gateway):
        node = online(name="attic")
        Gateway.objects.filter(pk=gateway.pk).update(seen_at=at(-1))
        services.lose_dead_gateways(now=NOW)
        come_back(node, minutes=1)
        assert sweep(2) == sweep(20) == []


class TogetherTests:
    def test_nodes_that_vanish_at_once_are_one_message(self, wanda, alice):
        for number in range(25):
            lose(online(wanda, name=f"rack-{number:02}"), minutes=number / 30)
        lose(online(alice, name="lone"))
        assert sorted(sweep(10)) == [
            "25 nodes are offline since Sunday at 12:00 (UTC).",
            "lone is offline since Sunday at 12:00 (UTC).",
        ]
        notice = Notice.objects.get(user=wanda)
        assert "rack-00, rack-01" in notice.text
        assert "rack-19 and 5 more." in notice.text
        assert notice.url == reverse("workers:worker-list")
        assert sweep(11) == sweep(20) == []

    def test_and_one_when_they_are_back(self, wanda):
        nodes = [online(wanda, name=name) for name in ("left", "right")]
        for node in nodes:
            lose(node)
        sweep(10)
        for node in nodes:
            come_back(node, minutes=20)
        assert sweep(21) == ["2 nodes are back."]

    def test_a_node_that_was_back_for_less_than_a_sweep_is_named_once(self, wanda):
        node = online(wanda, name="attic")
        lose(node)
        sweep(10)
        come_back(node, minutes=20.2)
        lose(node, minutes=20.6)
        assert sweep(31) == ["attic is offline since Sunday at 12:20 (UTC)."]
        come_back(node, minutes=40)
        assert sweep(41) == ["attic is back."]

    def test_nor_is_it_twice_when_that_was_before_anybody_was_told(self, wanda):
        node = online(wanda, name="attic")
        lose(node)
        sweep(1)
        come_back(node, minutes=1.2)
        lose(node, minutes=1.6)
        assert sweep(12) == ["attic is offline since Sunday at 12:01 (UTC)."]

    def test_a_node_that_comes_and_goes_fills_no_mailbox(self, wanda):
        node = online(wanda)
        for hour in range(1, notices.MAILS_A_DAY_MAX + 3):
            lose(node, minutes=hour * 60)
            sweep(hour * 60 + 10)
            come_back(node, minutes=hour * 60 + 20)
            sweep(hour * 60 + 21)
        assert Notice.objects.count() == 2 * (notices.MAILS_A_DAY_MAX + 2)
        assert Notice.objects.exclude(mail_to="").count() == notices.MAILS_A_DAY_MAX


class ChoiceTests:
    def test_who_wants_no_mail_about_it_gets_none(self, wanda):
        token = mailing.mute_token(wanda, "node_offline")
        mailing.mute(token)
        lose(online(wanda))
        assert len(sweep(10)) == 1
        assert mailing.send_due(at(11), limit=10) == 0

    def test_the_mail_names_the_page_and_can_be_stopped_from_the_mail(self, wanda):
        node = online(wanda, name="attic")
        lose(node)
        sweep(10)
        assert mailing.send_due(at(11), limit=10) == 1
        (message,) = mail.outbox
        assert message.subject.endswith("attic is offline since Sunday at 12:00 (UTC).")
        assert node.get_absolute_url() in message.body
        assert "List-Unsubscribe" in message.extra_headers

    def test_it_stands_among_the_choices_and_in_the_settings_of_the_node(self, wanda, signed_in):
        node = online(wanda)
        assert "Nodes away" in signed_in(wanda).get(reverse("users:notices-wanted")).text
        page = signed_in(wanda).get(reverse("workers:worker-settings", args=[node.pk]))
        assert "When it goes offline" in page.text

    def test_it_cannot_be_shorter_than_what_it_takes_to_notice_an_outage(self, wanda):
        from django.db import IntegrityError, transaction

        with pytest.raises(IntegrityError), transaction.atomic():
            Controls.objects.create(worker=online(wanda), offline_minutes=9)


@pytest.mark.django_db(transaction=True)
class RaceTests:
    def test_two_sweeps_at_once_tell_once(self, wanda):
        """Fails without the lock on the rows in workers.alerts._locked."""
        lose(online(wanda, name="attic"))
        alerts.keep(now=at(1))
        assert overlapped(lambda: alerts.keep(now=at(10)), lambda: alerts.keep(now=at(10))) == 0
        assert Notice.objects.count() == 1

    def test_nor_do_they_keep_two_rows_of_one_time_away(self, wanda):
        """The shift of an alert is unique; fails without ignore_conflicts in workers.alerts._begin."""
        lose(online(wanda, name="attic"))
        assert overlapped(lambda: alerts.keep(now=at(1)), lambda: alerts.keep(now=at(1))) == 0
        assert OfflineAlert.objects.count() == 1
