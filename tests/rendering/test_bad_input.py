"""What a creator reads when something bad was sent, on the page itself: clear words, whose fault it is, and nothing charged.

docs/faults.md lists every fault with its test; the parts are tested beside the code that refuses.
"""

import io
import stat
import zipfile
from typing import get_args

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import escape

from credit.models import Transfer
from credit.services import balance_of
from pictor_agent import protocol
from rendering import background, reasons
from rendering.models import Job, Task
from rendering.presentation.proof import FAULTS
from rendering.reasons import Fault, Reason
from rendering.states import JobStatus
from tests.builders import MICROS, give, lease_of, make_job, make_user, make_worker, report
from tests.rendering.test_blend_header import blend

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(alice, signed_in):
    give(alice, 10 * MICROS)
    return signed_in(alice)


def send(browser, name: str, content: bytes):
    """The plain form; every refusal of the page's script comes from the same functions."""
    return browser.post(reverse("rendering:job-new"), {"file": SimpleUploadedFile(name, content)}, follow=True)


def archive(*members, link: bool = False, scene: str = "scene.blend") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        if scene:
            made.writestr(scene, blend(402))
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = ((stat.S_IFLNK | 0o777) << 16) if link else 0
            made.writestr(info, content, compress_type=zipfile.ZIP_DEFLATED)
    return file.getvalue()


def text_of(answer) -> str:
    return answer.content.decode()


def assert_nothing_moved(alice) -> None:
    assert balance_of(alice).available_micros == 10 * MICROS
    assert not Transfer.objects.filter(code__in=["hold", "charge"]).exists()
    assert not Task.objects.exists()


# What is refused as soon as it has come, so that nobody waits for an inspection.
AT_ONCE = {
    "not a .blend": ("picture.blend", b"\x89PNG\r\n\x1a\n" + bytes(200), "neither a .blend file nor a .zip archive"),
    "an empty file": ("empty.blend", b"", "empty"),
    "truncated": ("cut.blend", blend(402, ended=False) + b"DATA" + bytes(30), "cut off"),
    "newer than supported": ("new.blend", blend(601), "Save it from Blender 5.0 or older"),
    "another kind of file": ("film.mp4", b"ftyp", ".blend"),
}
# What only shows when the archive is opened.
LATER = {
    "zip-slip": (archive(("../../etc/cron.d/x", b"x")), "points outside the scene's folder"),
    "an absolute path": (archive(("/etc/passwd", b"x")), "points outside the scene's folder"),
    "a symbolic link": (archive(("textures", b"/etc/passwd"), link=True), "link"),
    "a zip bomb": (archive(("zeros.bin", bytes(80 * 1024**2))), "unpacks to"),
    "no scene inside": (archive(("readme.txt", b"x"), scene=""), "no .blend"),
}


class UploadTests:
    @pytest.mark.parametrize("fault", AT_ONCE)
    def test_what_no_blender_could_open_is_refused_beside_the_field(self, browser, alice, fault):
        name, content, words = AT_ONCE[fault]
        answer = send(browser, name, content)
        assert answer.status_code == 422
        assert words in text_of(answer)
        assert not Job.objects.exists()
        assert_nothing_moved(alice)

    @pytest.mark.parametrize("fault", LATER)
    def test_an_archive_that_means_harm_is_refused_on_its_job_s_page(self, browser, alice, fault):
        content, words = LATER[fault]
        send(browser, "show.zip", content)
        job = Job.objects.get()
        background.inspect_job(job.pk)
        job.refresh_from_db()
        assert (job.status, job.failure) == (JobStatus.FAILED, Reason.UPLOAD_UNFIT)
        page = text_of(browser.get(reverse("rendering:job-settings", args=[job.pk])))
        assert words in job.failure_detail
        assert escape(job.failure_detail) in page
        assert "Nothing was charged." in page
        assert "one .blend" in page  # what to do instead
        assert reasons.outcome(job.failure).fault is Fault.USER
        assert_nothing_moved(alice)


# The form -------------------------------------------------------------------------------------------------------------

WRONG_SETTINGS = {
    "more frames than a job may have": ({"frames": "1-20000"}, "20,000 frames; one job has at most 10,000"),
    "a range that runs backwards": ({"frames": "9-1"}, "runs backwards"),
    "a negative size": ({"width": "-4"}, "or more"),
    "a size of a hundred thousand": ({"width": "100000"}, "or less"),
    "too many pixels": ({"width": "16384", "height": "16384"}, "pixels"),
    "no samples": ({"samples": "0"}, "or more"),
    "a camera that is not there": ({"camera": "Nobody"}, "Nobody"),
}


class SettingsTests:
    @pytest.mark.parametrize("fault", WRONG_SETTINGS)
    def test_what_cannot_be_rendered_is_said_beside_its_field_and_nothing_is_held(self, browser, alice, fault):
        job = make_job(alice)
        changes, words = WRONG_SETTINGS[fault]
        form = browser.get(reverse("rendering:job-settings", args=[job.pk])).context["form"]
        fields = {name: "" if (value := form[name].value()) is None else value for name in form.fields}
        answer = browser.post(reverse("rendering:job-submit", args=[job.pk]), fields | changes)
        assert answer.status_code == 422
        assert words in text_of(answer)
        job.refresh_from_db()
        assert job.status == JobStatus.READY
        assert_nothing_moved(alice)

    def test_a_scene_without_a_camera_cannot_be_paid_for(self, browser, alice):
        job = make_job(alice)
        job.scene.inspection |= {"cameras": [], "camera": ""}
        job.scene.save()
        form = browser.get(reverse("rendering:job-settings", args=[job.pk])).context["form"]
        fields = {name: "" if (value := form[name].value()) is None else value for name in form.fields}
        answer = browser.post(reverse("rendering:job-submit", args=[job.pk]), fields)
        assert "The scene has no camera. Add one in Blender" in text_of(answer)
        assert_nothing_moved(alice)

    def test_the_second_of_two_tabs_submits_nothing(self, browser, alice):
        job = make_job(alice, frames="1-2")
        form = browser.get(reverse("rendering:job-settings", args=[job.pk])).context["form"]
        fields = {name: "" if (value := form[name].value()) is None else value for name in form.fields}
        first, second = (browser.post(reverse("rendering:job-submit", args=[job.pk]), fields, follow=True) for _ in range(2))
        assert first.status_code == second.status_code == 200
        assert Task.objects.count() == 2
        assert Transfer.objects.filter(code="hold").values("key").count() == 1
        assert "submitted" in text_of(second)


# Nodes ----------------------------------------------------------------------------------------------------------------


class NodeReasonTests:
    @pytest.mark.parametrize("reason", get_args(protocol.FailureReason))
    def test_each_end_has_words_a_fault_and_no_price(self, browser, alice, reason):
        job = make_job(alice, status=JobStatus.RENDERING, worker=make_worker(make_user("wanda")), frames="1")
        report(lease_of(job.tasks.get()), protocol.Failed, reason=reason, detail="as the node says")
        page = text_of(browser.get(reverse("rendering:frame-detail", args=[job.pk, 1])))
        outcome = reasons.outcome(reason)
        assert escape(outcome.words) in page
        assert escape(FAULTS[outcome.fault]) in page
        assert "free" in page
        assert not Transfer.objects.filter(code="charge").exists()

    def test_an_end_that_no_node_may_give_is_the_node_s_fault(self, browser, alice):
        job = make_job(alice, status=JobStatus.RENDERING, worker=make_worker(make_user("wanda")), frames="1")
        report(lease_of(job.tasks.get()), protocol.Failed, reason="by_creator")
        page = text_of(browser.get(reverse("rendering:frame-detail", args=[job.pk, 1])))
        assert escape(FAULTS[Fault.WORKER]) in page
        job.refresh_from_db()
        assert job.status in {JobStatus.RENDERING, JobStatus.QUEUED}
