"""What the owner of a node reads of its frames and probes: verdict, whose fault it was, what it earned, and the proof page."""

from datetime import timedelta

import pytest
from django.urls import reverse

from common.paging import Place
from pictor_agent import protocol
from rendering import made
from rendering.models import Attempt, ProbeFrame
from rendering.reasons import Reason
from rendering.states import ProbeStatus
from tests.builders import NOW, accepted_task, deliver, feed, lease_of, make_job, make_user, make_worker, picture, report
from workers.kinds import Made, kind_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def node():
    return make_worker(make_user("wanda"), name="atelier")


def frames(node, viewer=None, older=None, limit=20) -> list[Made]:
    return kind_of("render").made_by(node.pk, older, limit, viewer or node.owner)


def job_of_one(node, **fields):
    return make_job(status="queued", frames="1", worker=node, **fields)


class FramesTests:
    def test_an_accepted_frame_earns_the_owners_share(self, node):
        accepted_task(job_of_one(node))
        attempt, row = Attempt.objects.get(), frames(node)[0]
        assert (row.verdict, row.tone, row.fault) == ("Accepted", "ok", "")
        assert row.earned_micros == attempt.charged_micros * attempt.worker_bp // 10_000 > 0
        assert row.title.endswith("frame 1")

    def test_what_is_next_renders_and_is_checked_says_so(self, node):
        task = job_of_one(node).tasks.get()
        feed()
        assert frames(node)[0].verdict == "Next"
        report(lease_of(task), protocol.Started)
        assert frames(node)[0].verdict == "Rendering"
        deliver(task, picture(1))
        assert frames(node)[0].verdict == "Being checked"

    @pytest.mark.parametrize(
        ("outcome", "verdict", "fault"),
        [
            (Reason.RENDERER_CRASHED, "Failed", "this node's"),
            (Reason.SCENE_UNREADABLE, "Not finished", "the scene's"),
            (Reason.CANCELLED, "Not finished", "the network's"),
            (Reason.LEASE_EXPIRED, "Not finished", "this node's"),
            (Reason.REFUTED, "Refuted", "this node's"),
            ("of_a_newer_agent", "Failed", "this node's"),
        ],
    )
    def test_what_ended_badly_says_whose_fault_it_was(self, node, outcome, verdict, fault):
        accepted_task(job_of_one(node))
        Attempt.objects.update(outcome=outcome)
        row = frames(node)[0]
        assert (row.verdict, row.fault) == (verdict, fault)
        assert row.words

    def test_a_picture_whose_charge_was_given_back_earned_nothing(self, node):
        accepted_task(job_of_one(node))
        Attempt.objects.update(outcome=Reason.REFUTED, refunded_micros=5)
        assert frames(node)[0].earned_micros == 0
        Attempt.objects.update(refunded_micros=0)
        assert frames(node)[0].earned_micros > 0

    def test_the_proof_page_is_linked_for_those_who_may_see_the_job(self, node, sam):
        job = job_of_one(node)
        accepted_task(job)
        proof = reverse("rendering:frame-detail", args=[job.pk, 1])
        assert [frames(node, viewer)[0].url for viewer in (node.owner, job.owner, sam)] == ["", proof, proof]

    def test_it_goes_on_after_a_place(self, node):
        accepted_task(job_of_one(node))
        attempt = Attempt.objects.get()
        newest = Place(attempt.leased_at, attempt.pk)
        attempt.pk, attempt.number, attempt.leased_at = None, 2, attempt.leased_at - timedelta(hours=1)
        attempt.save()
        assert [row.number for row in frames(node, limit=1)] == [newest.pk]
        assert [row.number for row in frames(node, older=newest)] == [attempt.pk]

    def test_other_nodes_frames_are_not_in_it(self, node):
        accepted_task(job_of_one(node))
        assert frames(make_worker(make_user("walter"))) == []


class ProbesTests:
    def test_a_probe_says_what_the_network_paid(self, node):
        job = make_job()
        ProbeFrame.objects.create(
            job=job, run=1, fingerprint="f", frame=3, width=8, height=8, samples=1, status="done", worker=node,
            leased_at=NOW, started_at=NOW, rendered_at=NOW + timedelta(seconds=2), paid_micros=7, reason="lease_expired",
        )  # fmt: skip
        row = kind_of("probe").made_by(node.pk, None, 5, node.owner)[0]
        assert (row.verdict, row.seconds, row.earned_micros, row.words) == ("Accepted", 2.0, 7, "")
        assert row.title.endswith("probe of frame 3")

    def test_every_status_has_its_words(self):
        assert set(made.PROBE_VERDICTS) == set(ProbeStatus)
