"""What a creator may type, and what is said when it cannot be meant."""

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from rendering.forms import CapForm, CreditsField, JobFilterForm, UploadForm
from rendering.verb_forms import RequeueForm
from tests.builders import make_job

pytestmark = pytest.mark.django_db


class CapFormTests:
    def test_a_cap_below_what_is_charged_is_refused(self):
        job = make_job()
        job.charged_micros = 2_000_000
        assert "2.00" in CapForm(job, {"cap": "1.99"}).errors["cap"][0]
        assert CapForm(job, {"cap": "2"}).is_valid()

    def test_an_empty_cap_takes_it_away(self):
        raised = CapForm(make_job(), {"cap": " "})
        assert raised.is_valid()
        assert raised.cleaned_data["cap"] is None


class RequeueFormTests:
    def test_frames_are_read_as_everywhere(self):
        assert RequeueForm({"which": "frames", "frames": "2-3, 9"}).is_valid()
        assert "frames" in RequeueForm({"which": "frames", "frames": "many"}).errors
        assert RequeueForm({"which": "failed", "frames": "nonsense"}).is_valid()
        assert not RequeueForm({"which": "all"}).is_valid()


class JobFilterFormTests:
    @pytest.mark.parametrize("asked", [{"status": "nonsense"}, {"sort": "'; drop"}, {"q": "x" * 500}, {}])
    def test_nonsense_is_ignored(self, asked):
        filters = JobFilterForm(asked)
        assert filters.chosen("status") == ""
        assert filters.order == "-id"


class UploadFormTests:
    @pytest.mark.parametrize("name", ["scene.exe", "blend", "scene.blend1", "scene.blend.png"])
    def test_another_kind_of_file_is_refused(self, name):
        sent = UploadForm({}, {"file": SimpleUploadedFile(name, b"x")})
        assert ".blend" in sent.errors["file"][0]

    def test_no_file_says_so(self):
        assert "Choose" in UploadForm({}, {}).errors["file"][0]


def test_money_is_never_a_decimal():
    assert not isinstance(CreditsField().clean("1.5"), (float, Decimal))
