"""What creators are told about their jobs: that they ended, or that they wait for them."""

import pytest

from common import clock
from rendering import services
from rendering.models import Job
from rendering.reasons import Reason
from rendering.services.leasing import pause_uncovered
from rendering.services.settlement import _pause_at_gate
from rendering.states import PauseReason
from tests.builders import NOW, give, make_job
from users.models import Notice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def funded(alice):
    give(alice, 1_000_000)


def told() -> tuple[str, str, str]:
    notice = Notice.objects.get()
    return notice.kind, notice.words, notice.text


def settled(job: Job) -> None:
    """Twice, as sweeps do."""
    for _ in range(2):
        services.refresh_job(job.pk, NOW)


def test_a_job_that_is_complete(alice):
    job = make_job(alice, status="queued", frames="1")
    job.tasks.update(status="accepted")
    settled(job)
    assert told() == ("job_completed", f"{job.name} is complete.", "Every frame is accepted and yours to download.")
    assert Notice.objects.get().url == job.get_absolute_url()


def test_a_job_that_failed_says_why(alice):
    job = make_job(alice, status="queued", frames="1")
    job.tasks.update(status="failed", reason=Reason.NO_CAMERA)
    settled(job)
    kind, words, text = told()
    assert (kind, words) == ("job_failed", f"{job.name} failed.")
    assert text.endswith("Frames that failed were not charged.")
    assert "camera" in text


def test_a_cancelled_one_is_no_news_to_who_cancelled_it(alice):
    services.cancel_job(make_job(alice, status="queued", frames="1"), now=NOW)
    assert not Notice.objects.exists()


def test_a_file_that_cannot_be_rendered(alice):
    job = make_job(alice, status="inspecting")
    for _ in range(2):
        services.fail_inspection(job, Reason.SCENE_UNREADABLE, "", NOW)
    kind, _, text = told()
    assert kind == "job_failed"
    assert "charged" not in text  # nothing was submitted yet


@pytest.mark.parametrize(("reason", "words"), [(PauseReason.CREDIT, "after a top-up"), (PauseReason.CAP, "Raise the cap")])
def test_a_job_that_cannot_pay_its_next_frame(alice, reason, words):
    job = make_job(alice, status="queued", frames="1")
    pause_uncovered(job, reason, clock.now())
    kind, _, text = told()
    assert kind == "job_paused"
    assert words in text


def test_a_preview_that_waits_for_its_creator(alice):
    job = make_job(alice, status="rendering", frames="1")
    _pause_at_gate(job, NOW)
    assert told()[:2] == ("job_paused", f"The preview of {job.name} is ready.")
