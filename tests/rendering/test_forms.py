"""What a creator may type, and what is said when it cannot be meant."""

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from rendering.forms import CapForm, CreditsField, JobFilterForm, RequeueForm, SettingsForm, UploadForm, initial_of, size_of
from tests.builders import make_job, make_scene, make_user

pytestmark = pytest.mark.django_db

AS_IN_THE_FILE = {
    "name": "Carousel",
    "frames": "1-3",
    "width": "32",
    "height": "18",
    "percentage": "100",
    "samples": "1",
    "format": "PNG",
    "denoise": "",
    "camera": "",
    "software": "cycles:5.0.1",
    "tier": "standard",
    "cap": "",
}


def form(**changes) -> SettingsForm:
    return SettingsForm(make_job(), AS_IN_THE_FILE | changes)


class SettingsFormTests:
    def test_what_is_not_touched_stays_as_in_the_file(self):
        job = make_job()
        untouched = {name: str(value) for name, value in initial_of(job).items()}
        filled = SettingsForm(job, untouched)
        assert filled.is_valid(), filled.errors
        settings = filled.settings
        assert (settings.width, settings.height, settings.samples, settings.frames) == (32, 18, 1, "1-3")
        assert settings.denoise is None
        assert settings.cap_micros is None

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", "  "),
            ("frames", ""),
            ("frames", "10-1"),
            ("frames", "1-10x0"),
            ("frames", "one to ten"),
            ("frames", "1-10001"),
            ("frames", "1-999999999"),
            ("frames", "1048575"),
            ("width", "-640"),
            ("width", "0"),
            ("width", "16385"),
            ("width", "9" * 400),
            ("height", "3"),
            ("height", "1e3"),
            ("percentage", "0"),
            ("percentage", "-50"),
            ("samples", "0"),
            ("samples", "-1"),
            ("samples", "65537"),
            ("format", "TIFF"),
            ("camera", "Nobody"),
            ("software", "eevee:5.0.1"),
            ("software", "cycles:4.5.15"),
            ("software", "redshift"),
            ("tier", "free"),
            ("cap", "0"),
            ("cap", "-5"),
            ("cap", "5.0000001"),
            ("cap", "1,000"),
            ("cap", "1e9"),
            ("cap", "NaN"),
            ("cap", "99999999"),
        ],
    )
    def test_what_cannot_be_rendered_is_refused_at_its_field(self, field, value):
        refused = form(**{field: value})
        assert not refused.is_valid()
        assert set(refused.errors) == {field}

    def test_a_size_that_scales_below_the_least_is_refused(self):
        assert "width" in form(width="100", height="100", percentage="1").errors

    def test_a_frame_may_be_long_but_not_too_many_pixels(self):
        assert "pixels" in form(width="16384", height="16384").errors["width"][0]

    def test_all_mistakes_show_at_once(self):
        assert {"frames", "samples", "width"} <= set(form(frames="x", samples="0", width="").errors)

    def test_the_scale_is_applied_as_blender_does(self):
        scaled = form(width="1921", height="1081", percentage="50")
        assert scaled.is_valid()
        assert (scaled.settings.width, scaled.settings.height) == (960, 540)

    def test_negative_frames_are_frames(self):
        assert form(frames="-10--5, 0").is_valid()

    @pytest.mark.parametrize(("text", "micros"), [("5", 5_000_000), ("2.50", 2_500_000), ("2,5", 2_500_000), ("0.0005", 500)])
    def test_a_cap_is_read_to_the_last_micro(self, text, micros):
        capped = form(cap=text)
        assert capped.is_valid()
        assert capped.settings.cap_micros == micros

    def test_a_small_cap_survives_being_shown_and_sent_again(self):
        job = make_job(cap_micros=500)
        assert initial_of(job)["cap"] == "0.0005"
        assert CreditsField().clean(initial_of(job)["cap"]) == 500

    def test_the_form_shows_the_size_as_the_file_has_it(self):
        alice = make_user("alice", credits=10)
        scene = make_scene(alice, width=1920, height=1080, percentage=50)
        assert size_of(make_job(alice, scene=scene, width=960, height=540)) == (1920, 1080, 50)
        assert size_of(make_job(alice, scene=scene, width=640, height=360)) == (640, 360, 100)


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
