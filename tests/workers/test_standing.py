"""Days of nodes as the sweep keeps them: the same as the formula over every day, and neutral where it must be."""

import importlib
from collections import defaultdict
from datetime import timedelta
from random import Random

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from pictor_agent import protocol
from tests.workers.builders import NOW, enqueue, feed, inventory, lease, report, worker
from workers import outages, services, standing
from workers.levels import Level
from workers.models import (
    BenchmarkRun,
    Gpu,
    Lease,
    LostWork,
    Maintenance,
    Measured,
    Outage,
    ReliabilityDay,
    SelfTest,
    Shift,
    Tally,
    Worker,
    WorkerEvent,
)
from workers.reliability import HOUR, Record, faded, reliability_bp
from workers.states import ReturnReason

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
STEP = 5 * MINUTE


@pytest.fixture
def begun():
    """The sweep has run STEP ago."""
    Measured.objects.create(pk=1, until_at=NOW - STEP - standing.SETTLES)


def online(node: Worker, *, since=NOW - 30 * DAY, until=None) -> None:
    Shift.objects.create(worker=node, epoch=Shift.objects.count() + 1, started_at=since, ended_at=until)


def known(**changes) -> Worker:
    """A node that was measured before."""
    node = worker(**changes)
    ReliabilityDay.objects.create(worker=node, day_on=NOW.date() - 2 * DAY)
    return node


def measured(node: Worker, status: str = "passed", *, at=NOW) -> None:
    BenchmarkRun.objects.create(worker=node, status=status, created_at=at)


def today(node: Worker) -> ReliabilityDay:
    return ReliabilityDay.objects.get(worker=node, day_on=NOW.date())


def of_time(node: Worker) -> tuple:
    row = today(node)
    return tuple(round(getattr(row, fact)) for fact in standing.OF_TIME)


@pytest.mark.usefixtures("begun")
class MeasureTests:
    def test_a_node_that_is_there_on_offer(self):
        node = known()
        online(node)
        standing.measure(now=NOW)
        assert of_time(node) == (300, 300, 0, 0)

    def test_the_part_that_it_was_online_is_counted_to_the_second(self):
        node = known()
        online(node, until=NOW - standing.SETTLES - 4 * MINUTE)
        online(node, since=NOW - standing.SETTLES - 90 * timedelta(seconds=1))
        standing.measure(now=NOW)
        assert of_time(node) == (300, 150, 0, 0)

    def test_while_it_holds_work_it_is_at_work_online_or_not(self):
        there, gone = known(), known()
        enqueue(1, 2, 3, 4)
        feed()
        assert set(Lease.objects.values_list("worker_id", flat=True)) == {there.pk, gone.pk}
        online(there)
        standing.measure(now=NOW)
        assert (of_time(there), of_time(gone)) == ((0, 0, 300, 300), (0, 0, 300, 0))

    @pytest.mark.parametrize("changes", [{"status": "paused"}, {"status": "suspended"}, {"closed_by": "schedule"}])
    @pytest.mark.parametrize("is_online", [True, False])
    def test_nobody_expects_a_node_that_is_paused_suspended_or_closed_by_its_schedule(self, changes, is_online):
        node = known(**changes)
        if is_online:
            online(node)
        standing.measure(now=NOW)
        assert of_time(node) == (0, 0, 0, 0)

    @pytest.mark.parametrize(("hours_ahead", "expected"), [(24, 0), (23, 300)])
    def test_maintenance_is_neutral_when_it_was_announced_a_day_ahead(self, hours_ahead, expected):
        node = known(closed_by="maintenance", status="offline")
        from_at = NOW - timedelta(hours=1)
        announced_at = from_at - timedelta(hours=hours_ahead)
        Maintenance.objects.create(worker=node, from_at=from_at, until_at=NOW + DAY, announced_at=announced_at)
        standing.measure(now=NOW)
        assert of_time(node) == (expected, 0, 0, 0)

    def test_before_it_was_seen_a_node_is_not_expected(self):
        node = worker()
        online(node, since=NOW - standing.SETTLES - MINUTE)
        standing.measure(now=NOW)
        assert of_time(node) == (60, 60, 0, 0)

    @pytest.mark.parametrize("status", ["new", "retired"])
    def test_of_nodes_that_never_came_or_went_for_good_no_days_are_kept(self, status):
        worker(status=status)
        standing.measure(now=NOW)
        assert not ReliabilityDay.objects.exists()

    def test_no_second_counts_twice(self):
        node = known()
        online(node)
        for _ in range(3):
            standing.measure(now=NOW)
        assert of_time(node) == (300, 300, 0, 0)
        standing.measure(now=NOW + STEP)
        assert of_time(node) == (600, 600, 0, 0)

    def test_an_outage_of_the_network_counts_for_nobody(self):
        node = known()
        online(node, until=NOW - standing.SETTLES - 3 * MINUTE)
        outages.note(NOW - standing.SETTLES - 3 * MINUTE, NOW + MINUTE, "a gateway died")
        standing.measure(now=NOW)
        assert of_time(node) == (120, 120, 0, 0)

    def test_a_time_in_which_nothing_was_measured_counts_for_nobody(self):
        node = known()
        standing.measure(now=NOW + timedelta(hours=3))
        assert of_time(node) == (0, 0, 0, 0)
        standing.measure(now=NOW + timedelta(hours=3) + STEP)
        assert of_time(node) == (300, 0, 0, 0)

    def test_tasks_that_are_told_after_midnight_still_count_on_their_day(self):
        node = known()
        standing.measure(now=NOW)
        after = NOW.replace(hour=0, minute=0) + DAY + STEP
        Measured.objects.update(until_at=after - standing.SETTLES - STEP)
        standing.measure(now=after)
        Tally.objects.create(worker=node, day_on=NOW.date(), tasks_accepted=4)
        standing.measure(now=after + STEP)
        rows = ReliabilityDay.objects.filter(worker=node).order_by("day_on")
        assert [round(row.faded_accepted, 2) for row in rows] == [0, 4, 3.91]

    def test_days_on_which_the_sweep_did_not_run_keep_their_tasks(self):
        node = known()
        for days in (1, 2, 3):
            Tally.objects.create(worker=node, day_on=NOW.date() + days * DAY, tasks_accepted=1)
        standing.measure(now=NOW + 4 * DAY)
        row = ReliabilityDay.objects.get(worker=node, day_on=NOW.date() + 4 * DAY)
        assert row.faded_accepted == pytest.approx(sum(0.5 ** (days / 30) for days in (1, 2, 3)))

    def test_old_days_go(self):
        node = known()
        ReliabilityDay.objects.create(worker=node, day_on=NOW.date() - 401 * DAY)
        assert standing.drop_old(now=NOW) == 1
        assert ReliabilityDay.objects.count() == 1


class FormulaTests:
    def test_the_database_fades_and_adds_as_the_formula_does(self):
        """Two nodes over forty days, measured at odd hours: online or not, at work or not, with all kinds of tasks."""
        rng, nodes, did = Random(43), [worker(), worker()], defaultdict(list)
        first = NOW - 40 * DAY
        Measured.objects.create(pk=1, until_at=first - STEP - standing.SETTLES)
        for node in nodes:
            ReliabilityDay.objects.create(worker=node, day_on=first.date() - DAY)
        for number in range(40):
            now = first + number * DAY + timedelta(hours=rng.randrange(11))
            Measured.objects.update(until_at=now - STEP - standing.SETTLES)
            Shift.objects.all().delete()
            for node in nodes:
                did[node.pk].append((now.date(), self.a_day(node, now, rng)))
            if rng.random() < 0.9:  # on other days it does not run: their tasks are caught up with
                standing.measure(now=now)
            else:
                for node in nodes:
                    day, record = did[node.pk][-1]
                    did[node.pk][-1] = (
                        day,
                        Record(accepted=record.accepted, failed=record.failed, left=record.left, unbegun=record.unbegun),
                    )
        standing.measure(now=NOW)
        standing.keep(now=NOW)
        for node in nodes:
            assert today(node).record == pytest.approx(faded(did[node.pk], NOW.date()), abs=1e-6)
            assert Worker.objects.get(pk=node.pk).reliability_bp == reliability_bp(faded(did[node.pk], NOW.date()))

    def a_day(self, node: Worker, now, rng: Random) -> Record:
        up = rng.choice([0, 100, 300])
        if up:
            online(node, since=now - standing.SETTLES - timedelta(seconds=up), until=now)
        tasks = [rng.randrange(50) for _ in standing.OF_TASKS]
        Tally.objects.create(
            worker=node, day_on=now.date(), **{f"tasks_{f}": n for f, n in zip(standing.OF_TASKS, tasks, strict=True)}
        )
        return Record(300, up, 0, 0, *tasks)


class KeepTests:
    def test_a_new_node_stands_at_sixty_percent(self):
        assert Worker.objects.get(pk=worker().pk).reliability_bp == reliability_bp(Record())

    def test_only_what_changed_is_written(self):
        good, fresh = worker(), worker()
        ReliabilityDay.objects.create(
            worker=good, day_on=NOW.date(), faded_offer_seconds=90 * HOUR, faded_offer_up_seconds=90 * HOUR
        )
        assert standing.keep(now=NOW) == 1
        assert dict(Worker.objects.values_list("pk", "reliability_bp")) == {good.pk: 9_600, fresh.pk: 6_000}
        assert standing.keep(now=NOW) == 0

    def test_many_nodes_take_as_many_queries_as_one(self):
        Measured.objects.create(pk=1, until_at=NOW - STEP - standing.SETTLES)
        took = []
        for now, count in ((NOW, 1), (NOW + STEP, 30)):
            for _ in range(count):
                node = worker(protocol=1, hardware_at=NOW - DAY, reliability_bp=1)
                online(node)
                Tally.objects.create(worker=node, day_on=NOW.date(), tasks_accepted=1)
            with CaptureQueriesContext(connection) as queries:
                standing.measure(now=now)
                standing.keep(now=now)
            took.append(len(queries))
            assert not Worker.objects.filter(reliability_bp=1).exists()
            assert Worker.objects.filter(level="self_tested").count() == Worker.objects.count()
        assert took[0] == took[1]

    def test_a_record_makes_a_level_and_the_history_tells_of_it(self):
        node = worker(protocol=1, hardware_at=NOW - 4 * DAY, level="self_tested")
        ReliabilityDay.objects.create(
            worker=node, day_on=NOW.date(), faded_offer_seconds=90 * HOUR, faded_offer_up_seconds=90 * HOUR,
            known_up_seconds=90 * HOUR, known_accepted=12,
        )  # fmt: skip
        measured(node, at=NOW - 5 * DAY)
        assert standing.keep(now=NOW) == 1, "of its reliability alone: that run was of other hardware"
        assert Worker.objects.get(pk=node.pk).level == Level.SELF_TESTED
        measured(node, at=NOW - DAY)
        standing.keep(now=NOW)
        assert Worker.objects.get(pk=node.pk).level == Level.VERIFIED
        assert WorkerEvent.objects.get(worker=node, kind="level").detail == "Verified, before: self-tested"
        measured(node, "failed")
        assert standing.keep(now=NOW) == 0
        measured(node, "refused")
        standing.keep(now=NOW)
        assert Worker.objects.get(pk=node.pk).level == Level.SELF_TESTED

    def test_an_operator_s_word_gives_and_takes_the_last_level_at_once(self):
        node = worker()
        services.trust_worker(node, trusted=True, now=NOW)
        assert Worker.objects.get(pk=node.pk).level == Level.TRUSTED
        services.trust_worker(node, trusted=False, now=NOW)
        assert Worker.objects.get(pk=node.pk).level == Level.REGISTERED


class SelfTestTests:
    @pytest.mark.parametrize(("passed", "level"), [(True, "self_tested"), (False, "registered"), (None, "registered")])
    def test_an_agent_that_tries_itself_must_have_passed(self, passed, level):
        node = worker(hardware_at=NOW, level="registered")
        SelfTest.objects.create(worker=node, passed=passed)
        standing.keep(now=NOW)
        assert Worker.objects.get(pk=node.pk).level == level

    @pytest.mark.parametrize(("before", "level"), [(1, "self_tested"), (0, "registered")])
    def test_one_that_never_did_is_believed_only_where_it_cannot(self, before, level):
        node = worker(hardware_at=NOW, level="registered", protocol=protocol.SELF_TEST_SINCE - before)
        standing.keep(now=NOW)
        assert Worker.objects.get(pk=node.pk).level == level


class SignOnTests:
    GPU = protocol.GpuInfo(index=0, model="RTX 4090", vram_bytes=24 * 1024**3, driver="550.54", uuid="GPU-1")

    def sign_on(self, node: Worker, now=NOW, **changes) -> Worker:
        node.refresh_from_db()
        admission = services.Admission(node.pk, node.name, node.connection_epoch)
        Shift.objects.all().delete()
        services.sign_on(admission, inventory=inventory(**changes), holding=[], version="1", now=now)
        node.refresh_from_db()
        return node

    def test_a_first_sign_on_that_shows_a_sandbox_and_a_blender_is_a_self_test(self):
        node = self.sign_on(worker(status="new"), gpus=[self.GPU])
        assert (node.level, node.hardware_at) == (Level.SELF_TESTED, NOW)
        assert not WorkerEvent.objects.filter(kind="hardware").exists()

    @pytest.mark.parametrize("changes", [{"isolation": "none", "unsandboxed_allowed": True}, {"blender_versions": []}])
    def test_one_without_them_is_none(self, changes):
        assert self.sign_on(worker(status="new"), **changes).level == Level.REGISTERED

    @pytest.mark.parametrize(
        "changes",
        [{"model": "RTX 3060"}, {"uuid": "GPU-2"}, {"driver": "565.10"}, {"vram_bytes": 80 << 30}],
        ids=lambda changes: next(iter(changes)),
    )
    def test_another_gpu_or_driver_ends_a_level_at_once(self, changes):
        node = self.sign_on(worker(status="new"), now=NOW - 10 * DAY, gpus=[self.GPU])
        self.verify(node)
        node = self.sign_on(node, gpus=[protocol.GpuInfo(**(vars_of(self.GPU) | changes))])
        assert (node.level, node.hardware_at) == (Level.SELF_TESTED, NOW)
        told = "81920 MiB" if "vram_bytes" in changes else next(iter(changes.values()))
        assert told in WorkerEvent.objects.get(worker=node, kind="hardware").detail

    def test_the_score_of_other_hardware_is_not_this_ones(self):
        node = self.sign_on(worker(status="new"), now=NOW - 10 * DAY, gpus=[self.GPU])
        Worker.objects.filter(pk=node.pk).update(score_milli=4_000)
        assert self.sign_on(node, gpus=[self.GPU]).score_milli == 4_000
        assert self.sign_on(node, gpus=[]).score_milli == 1_000

    def test_a_score_of_the_processor_is_not_that_of_its_gpu(self):
        """Else who says "CPU" to be measured, and "OPTIX" afterwards, was never asked for a GPU."""
        node = self.sign_on(worker(status="new"), now=NOW - 10 * DAY, gpus=[self.GPU])
        Worker.objects.filter(pk=node.pk).update(score_milli=4_000)
        node = self.sign_on(node, gpus=[self.GPU], device="OPTIX")
        assert (node.score_milli, node.hardware_at) == (1_000, NOW)

    @pytest.mark.parametrize(("said", "kept"), [("OPTIX", "OPTIX"), ("CPU", "CPU"), ("cpu", ""), ("H100", ""), ("", "")])
    def test_what_blender_does_not_render_on_is_no_device(self, said, kept):
        assert self.sign_on(worker(status="new"), device=said).device == kept

    @pytest.mark.parametrize("believed", [True, False])
    def test_gpus_that_were_refuted_stay_so_whatever_it_says_of_its_driver(self, believed):
        node = self.sign_on(worker(status="new"), now=NOW - 10 * DAY, gpus=[self.GPU], device="OPTIX")
        Worker.objects.filter(pk=node.pk).update(gpus_believed=believed)
        other = protocol.GpuInfo(**(vars_of(self.GPU) | {"driver": "550.55"}))
        assert self.sign_on(node, gpus=[other], device="OPTIX").gpus_believed is believed

    def test_the_same_hardware_keeps_it(self):
        node = self.sign_on(worker(status="new"), now=NOW - 10 * DAY, gpus=[self.GPU])
        self.verify(node)
        node = self.sign_on(node, gpus=[self.GPU])
        assert (node.level, node.hardware_at) == (Level.VERIFIED, NOW - 10 * DAY)

    def test_what_was_seen_of_other_hardware_counts_no_more(self):
        node = worker(hardware_at=NOW)
        Gpu.objects.create(worker=node, index=0, model="RTX 4090", vram_bytes=1)
        ReliabilityDay.objects.create(worker=node, day_on=NOW.date() - DAY, known_up_seconds=500, known_accepted=5)
        Tally.objects.create(worker=node, day_on=NOW.date(), tasks_accepted=2)
        standing.measure(now=NOW)
        assert (today(node).known_up_seconds, today(node).known_accepted) == (0, 2)
        standing.measure(now=NOW + DAY)
        assert ReliabilityDay.objects.get(worker=node, day_on=NOW.date() + DAY).known_accepted == 2

    def verify(self, node: Worker) -> None:
        record = {"faded_offer_seconds": 90 * HOUR, "faded_offer_up_seconds": 90 * HOUR}
        ReliabilityDay.objects.create(
            worker=node, day_on=NOW.date() - DAY, known_up_seconds=90 * HOUR, known_accepted=10, **record
        )
        measured(node)
        standing.keep(now=NOW)
        node.refresh_from_db()
        assert node.level == Level.VERIFIED


def vars_of(struct) -> dict:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


class LostWorkTests:
    def lose(self, reason: ReturnReason, *, start: bool = True) -> tuple[int, int]:
        """One node runs one task and has another next; what its day says once they are gone."""
        node = worker()
        enqueue(1, 2)
        feed()
        if start:
            report(lease(1), protocol.Started)
        services.return_leases(Q(), reason, now=NOW)
        standing.measure(now=NOW + standing.SETTLES)
        row = Tally.objects.filter(worker=node).first()
        return (row.tasks_left, row.tasks_unbegun) if row else (0, 0)

    @pytest.mark.parametrize("reason", ["lease_expired", "not_acknowledged", "node_gone", "drained", "paused"])
    def test_a_task_that_it_had_begun_was_left(self, reason):
        assert self.lose(ReturnReason(reason)) == (1, 0)

    @pytest.mark.parametrize("reason", ["lease_expired", "not_acknowledged", "node_gone"])
    def test_a_task_that_was_its_to_begin_was_not_begun_and_the_next_one_was_not_its_yet(self, reason):
        assert self.lose(ReturnReason(reason), start=False) == (0, 1)

    @pytest.mark.parametrize("reason", ["drained", "paused", "held_back", "place_taken"])
    def test_one_that_goes_back_in_good_order_before_it_began_says_nothing(self, reason):
        assert self.lose(ReturnReason(reason), start=False) == (0, 0)

    @pytest.mark.parametrize("reason", ["held_back", "place_taken"])
    def test_what_the_network_takes_back_says_nothing(self, reason):
        assert self.lose(ReturnReason(reason)) == (0, 0)

    def test_what_is_lost_with_the_network_says_nothing(self):
        outages.note(NOW - MINUTE, NOW + MINUTE, "a gateway died")
        assert self.lose(ReturnReason.LEASE_EXPIRED) == (0, 0)

    def test_what_an_operator_ends_says_nothing(self):
        node = worker()
        enqueue(1)
        feed()
        report(lease(1), protocol.Started)
        services.suspend_worker(node, now=NOW)
        standing.measure(now=NOW + standing.SETTLES)
        assert not Tally.objects.exists()

    def vanish(self, *, stay: int) -> list[Worker]:
        """Four verified nodes of four owners each run a task; all but `stay` are gone a minute after the sweep, their leases two."""
        Measured.objects.create(pk=1, until_at=NOW)
        nodes = [worker(level="verified") for _ in range(4)]
        enqueue(*range(4))
        feed()
        for number in range(4):
            report(lease(number), protocol.Started)
        for node in nodes:
            online(node)
        gone = Q(worker__in=nodes[stay:])
        Shift.objects.filter(gone).update(ended_at=NOW + MINUTE)
        services.return_leases(gone, ReturnReason.LEASE_EXPIRED, now=NOW + 2 * MINUTE)
        return nodes

    @pytest.mark.parametrize("looked_at", [5, 3.5])
    def test_what_a_line_took_is_forgiven_though_it_is_noticed_minutes_later(self, looked_at):
        """In the order in which it happens: the leases end before anybody can know that it was the line."""
        self.vanish(stay=0)
        assert not Outage.objects.exists()
        for minutes in (looked_at, looked_at + 5, looked_at + 10):
            standing.measure(now=NOW + minutes * MINUTE)
        assert Outage.objects.count() == 1
        assert not Tally.objects.filter(tasks_left__gt=0).exists()
        assert not LostWork.objects.exists()

    def test_a_line_that_is_lost_while_the_sweep_looks_is_noticed_by_the_next_one(self):
        nodes = self.vanish(stay=0)
        second = timedelta(seconds=1)
        Shift.objects.filter(worker__in=nodes[:2]).update(ended_at=NOW + MINUTE - second)
        Shift.objects.filter(worker__in=nodes[2:]).update(ended_at=NOW + MINUTE + second)
        for minutes in (3, 8):
            standing.measure(now=NOW + minutes * MINUTE)
        assert Outage.objects.count() == 1
        assert not Tally.objects.filter(tasks_left__gt=0).exists()

    def test_a_node_that_vanished_alone_has_left_its_task_once(self):
        nodes = self.vanish(stay=3)
        assert not Tally.objects.exists()
        for minutes in (5, 10):
            standing.measure(now=NOW + minutes * MINUTE)
        assert list(Tally.objects.values_list("worker", "day_on", "tasks_left")) == [(nodes[3].pk, NOW.date(), 1)]

    def test_what_is_lost_while_a_gateway_is_silent_says_nothing_even_when_it_comes_back(self):
        services.renew_gateway("quiet", now=NOW - MINUTE)
        assert self.lose(ReturnReason.LEASE_EXPIRED) == (0, 0)

    def test_what_was_lost_just_before_midnight_belongs_to_its_day(self):
        node = worker()
        enqueue(1)
        feed()
        report(lease(1), protocol.Started)
        late = NOW.replace(hour=23, minute=59)
        services.return_leases(Q(), ReturnReason.LEASE_EXPIRED, now=late)
        standing.measure(now=late + 5 * MINUTE)
        assert Tally.objects.get(worker=node).day_on == NOW.date()
        assert ReliabilityDay.objects.get(worker=node, day_on=NOW.date()).faded_left == 1


class MigrationTests:
    def test_what_nodes_did_before_counts_for_them_and_nothing_against_them(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT (now() AT TIME ZONE 'UTC')::date - 2, date_trunc('day', now(), 'UTC') - interval '2 days'")
            last, midnight = cursor.fetchone()
        node = worker()
        Shift.objects.create(
            worker=node, epoch=1, started_at=midnight - 2 * DAY, ended_at=midnight - DAY + 6 * timedelta(hours=1)
        )
        Tally.objects.create(worker=node, day_on=last - 30 * DAY, tasks_accepted=8, tasks_failed=2)
        migration = importlib.import_module("workers.migrations.0018_reliability_of_nodes_so_far")
        with connection.cursor() as cursor:
            cursor.execute(migration.FILL + migration.SINCE)
        row = ReliabilityDay.objects.get()
        time = {last - 2 * DAY: 24 * HOUR, last - DAY: 6 * HOUR}
        days = [(day, Record(offer_seconds=up, offer_up_seconds=up)) for day, up in time.items()]
        assert row.day_on == last
        assert row.record == pytest.approx(faded([*days, (last - 30 * DAY, Record(accepted=8, failed=2))], last))
        assert (row.known_up_seconds, row.known_accepted) == (30 * HOUR, 8)
        assert Worker.objects.get().hardware_at == midnight - 2 * DAY
