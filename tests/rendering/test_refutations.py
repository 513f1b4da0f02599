"""A frame that was accepted and is rendered again: what its first node keeps, and what its creator pays."""

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.urls import reverse

from credit import services as credit
from credit.models import Earning, Transfer
from rendering import background, services
from rendering.models import Attempt, Job, JobEvent, Task
from rendering.reasons import Reason
from rendering.services import refutations
from rendering.states import TaskStatus
from tests.builders import MICROS, NOW, check, deliver, feed, lease_of, make_job, make_user, make_worker, picture
from tests.rendering.test_races import at_once
from workers.models import Misfit, Tally, Worker, WorkerEvent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]
FRAME_MICROS = 200
WRONG, RIGHT = picture(77), picture(1)


@pytest.fixture
def nodes():
    """Of three owners."""
    return [make_worker(make_user(name), name=name) for name in ("wanda", "walter", "wilma")]


def on(node: Worker, task: Task, pixels, **more) -> Attempt:
    """This node renders the task, and the server checks it."""
    Worker.objects.exclude(pk=node.pk).update(status="paused")
    Worker.objects.filter(pk=node.pk).update(status="online")
    feed(NOW + timedelta(minutes=task.attempts.count()))
    assert lease_of(task).worker_id == node.pk
    deliver(task, pixels, **more)
    Worker.objects.update(status="online")
    check(task)
    background.sweep_refuted()
    task.refresh_from_db()
    return task.attempts.latest("number")


def paid(node: Worker, pixels, **fields) -> Task:
    """A job of one frame that the node has rendered as these pixels, asked for again."""
    task = make_job(status="queued", frames="1", **fields).tasks.get()
    assert on(node, task, pixels).outcome == "accepted"
    services.requeue_tasks(task.job, [task.pk], now=NOW, reason="again_wrong")
    return task


def reread(attempt: Attempt) -> Attempt:
    return Attempt.objects.get(pk=attempt.pk)


def pending(node: Worker) -> int:
    return credit.balance_of(node.owner).pending_micros


class WrongPictureTests:
    @pytest.fixture
    def proved(self, nodes):
        """Wanda lied; Walter and Wilma come to another picture."""
        task = paid(nodes[0], WRONG)
        assert on(nodes[1], task, RIGHT).outcome == Reason.DIFFERS
        assert on(nodes[2], task, RIGHT).outcome == "accepted"
        return task

    def test_the_creator_pays_once_and_the_first_node_nothing(self, nodes, proved):
        first = proved.attempts.get(number=1)
        assert (first.outcome, first.charged_micros, first.refunded_micros) == (Reason.REFUTED, FRAME_MICROS, FRAME_MICROS)
        assert (proved.charged_micros, Job.objects.get().charged_micros) == (FRAME_MICROS, FRAME_MICROS)
        background.sweep_jobs()
        assert credit.balance_of(proved.job.owner).available_micros == 10 * MICROS - FRAME_MICROS
        assert (pending(nodes[0]), pending(nodes[1]), pending(nodes[2])) == (0, 0, FRAME_MICROS * 6 // 10)

    def test_the_strike_stands_against_the_node_and_both_sides_read_of_it(self, nodes, proved):
        sums = Tally.objects.get(worker=nodes[0])
        assert (sums.tasks_failed, sums.earned_micros) == (1, 0)
        assert Misfit.objects.get(worker=nodes[0]).count == 1
        told = WorkerEvent.objects.get(worker=nodes[0], kind="refuted")
        assert "frame 1" in told.detail
        assert "0.00012 credits of pending pay are taken back" in told.detail
        line = JobEvent.objects.get(task=proved, became=Reason.REFUTED)
        assert "Attempt 1 on wanda" in line.detail
        assert "0.0002 credits are given back" in line.detail

    def test_settling_again_moves_nothing(self, nodes, proved):
        transfers = Transfer.objects.count()
        first = proved.attempts.get(number=1)
        assert refutations.settle_refuted(first.pk, NOW) == 0
        assert (Transfer.objects.count(), Tally.objects.get(worker=nodes[0]).tasks_failed) == (transfers, 1)

    def test_the_proof_page_says_so(self, proved, client):
        client.force_login(proved.job.owner)
        page = client.get(reverse("rendering:frame-detail", args=[proved.job_id, 1])).text
        assert "proved wrong" in page
        assert "0.0002, given back" in page


class StandingTests:
    def test_the_same_picture_leaves_the_first_pay_and_the_second_is_paid(self, nodes):
        task = paid(nodes[0], RIGHT)
        assert on(nodes[1], task, RIGHT).outcome == "accepted"
        assert (pending(nodes[0]), pending(nodes[1])) == (FRAME_MICROS * 6 // 10, FRAME_MICROS * 6 // 10)
        assert task.charged_micros == 2 * FRAME_MICROS
        assert not WorkerEvent.objects.filter(kind="refuted").exists()

    def test_who_stands_alone_against_the_first_is_refuted_instead(self, nodes):
        task = paid(nodes[0], RIGHT)
        alone = on(nodes[1], task, WRONG)
        on(nodes[2], task, RIGHT)
        assert (reread(alone).outcome, task.attempts.get(number=1).outcome) == (Reason.REFUTED, "accepted")
        assert (pending(nodes[0]), pending(nodes[1])) == (FRAME_MICROS * 6 // 10, 0)

    def test_a_node_confirms_its_own_lie_against_nobody(self, nodes):
        task = paid(nodes[0], WRONG)
        on(nodes[1], task, RIGHT)
        assert on(nodes[0], task, WRONG).outcome == Reason.DIFFERS
        assert on(nodes[2], task, RIGHT).outcome == "accepted"
        assert task.attempts.get(number=1).outcome == Reason.REFUTED

    def test_another_owners_two_nodes_prove_nothing(self, nodes):
        task = paid(nodes[0], RIGHT)
        twin = make_worker(nodes[1].owner)
        on(nodes[1], task, WRONG)
        assert on(twin, task, WRONG).outcome == Reason.DIFFERS
        assert task.attempts.get(number=1).outcome == "accepted"

    def test_the_creators_own_node_has_no_say(self, nodes):
        task = paid(nodes[0], RIGHT)
        own = make_worker(task.job.owner)
        on(own, task, WRONG)
        assert on(nodes[1], task, WRONG).outcome == "accepted"
        assert task.attempts.get(number=1).outcome == "accepted"

    def test_a_scene_that_differs_every_time_ends_and_nobody_is_refuted(self, nodes):
        task = paid(nodes[0], picture(5))
        on(nodes[1], task, picture(6))
        on(nodes[2], task, picture(7))
        assert on(nodes[1], task, picture(8)).outcome == "accepted"
        assert task.attempts.filter(outcome=Reason.REFUTED).count() == 0
        assert task.charged_micros == 2 * FRAME_MICROS

    def test_what_has_matured_is_final(self, nodes):
        task = paid(nodes[0], WRONG)
        Earning.objects.update(matures_at=NOW)
        credit.sweep_matured_earnings(now=NOW)
        on(nodes[1], task, RIGHT)
        on(nodes[2], task, RIGHT)
        first = task.attempts.get(number=1)
        assert (first.outcome, first.refunded_micros, task.charged_micros) == (Reason.REFUTED, 0, 2 * FRAME_MICROS)
        assert "final" in JobEvent.objects.get(task=task, became=Reason.REFUTED).detail
        assert credit.balance_of(nodes[0].owner).available_micros == FRAME_MICROS * 6 // 10


class DoubtTests:
    BLACK = picture(1) * 0

    def black(self, **fields) -> Task:
        return make_job(status="queued", frames="1", **fields).tasks.get()

    def test_a_node_of_another_owner_settles_it(self, nodes):
        task = self.black()
        assert on(nodes[0], task, self.BLACK).outcome == Reason.BLACK
        assert on(nodes[1], task, self.BLACK).outcome == "accepted"
        assert task.charged_micros == FRAME_MICROS

    def test_one_owners_nodes_do_not_while_another_is_there(self, nodes):
        task, twin = self.black(), make_worker(nodes[0].owner)
        for node in [nodes[0], twin, nodes[0], twin]:
            assert on(node, task, self.BLACK).outcome == Reason.BLACK
        assert task.status == TaskStatus.WAITING

    def test_where_nobody_else_is_there_the_third_is_kept_for_nothing(self):
        node, task = make_worker(), self.black()
        outcomes = [on(node, task, self.BLACK).outcome for _ in range(3)]
        assert outcomes == [Reason.BLACK, Reason.BLACK, "accepted"]
        assert (task.charged_micros, pending(node)) == (0, 0)

    def test_a_creators_own_node_confirms_itself(self):
        alice = make_user("alice", credits=10)
        node, task = make_worker(alice), self.black(owner=alice)
        assert [on(node, task, self.BLACK).outcome for _ in range(2)] == [Reason.BLACK, "accepted"]

    def test_the_other_picture_of_another_owner_is_simply_right(self, nodes):
        task = self.black()
        on(nodes[0], task, self.BLACK)
        assert on(nodes[1], task, RIGHT).outcome == "accepted"


@pytest.mark.django_db(transaction=True)
def test_many_at_once_give_a_charge_back_once(nodes):
    task = paid(nodes[0], WRONG)
    first = task.attempts.get()
    Attempt.objects.filter(pk=first.pk).update(outcome=Reason.REFUTED)
    given = at_once(*[lambda: refutations.settle_refuted(first.pk, NOW)] * 8)
    assert sorted(given) == [0] * 7 + [FRAME_MICROS]
    assert Job.objects.get().charged_micros == 0
    assert Tally.objects.filter(worker=nodes[0]).aggregate(Sum("tasks_failed"), Sum("earned_micros")) == {
        "tasks_failed__sum": 1,
        "earned_micros__sum": 0,
    }
