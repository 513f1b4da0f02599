"""The form of a job's settings: what may be typed, what it means, and what the page says the file says."""

from dataclasses import replace
from datetime import timedelta

import pytest

from common import clock
from rendering.forms import CreditsField
from rendering.job_settings import problems, settings_of
from rendering.settings_defaults import in_the_file, initial_of, size_of
from rendering.settings_form import SettingsForm
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
        untouched = {name: "" if value is None else str(value) for name, value in initial_of(job).items()}
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
            ("software", "eevee:9.9.9"),
            ("software", "cycles:2.79"),
            ("software", "redshift"),
            ("tier", "free"),
            ("cap", "0"),
            ("cap", "-5"),
            ("cap", "5.0000001"),
            ("cap", "1,000"),
            ("cap", "1e9"),
            ("cap", "NaN"),
            ("cap", "99999999"),
            ("depth_bits", "12"),
            ("quality_percent", "101"),
            ("quality_percent", "-1"),
            ("render_order", "random"),
            ("device", "tpu"),
            ("location", "atlantis"),
            ("nodes", "everybody"),
            ("reliability_min_percent", "101"),
            ("gpu_vendor", "voodoo"),
            ("gpus_min", "-1"),
            ("gpus_min", "17"),
            ("pause_percent", "0"),
            ("gate_step", "1"),
            ("gate_step", "-5"),
            ("needed_by", "tomorrow"),
            ("needed_by", "2001-01-01T12:00"),
            ("zone_minutes", "99999"),
        ],
    )
    def test_what_cannot_be_rendered_is_refused_at_its_field(self, field, value):
        refused = form(**{field: value})
        assert not refused.is_valid()
        assert set(refused.errors) == {field}

    @pytest.mark.parametrize("name", ["Carousel\nshot 4", "Carousel\u202e shot\u2066 4"])
    def test_a_name_is_cleaned_to_one_line_of_what_can_be_seen(self, name):
        filled = form(name=name)
        assert filled.is_valid(), filled.errors
        assert filled.settings.name == "Carousel shot 4"

    @pytest.mark.parametrize("name", ["two\nlines", "reads\u202esdrawkcab", "\u202e"])
    def test_no_other_way_in_takes_a_name_that_reads_otherwise_than_it_is(self, name):
        assert "name" in problems(replace(settings_of(make_job()), name=name))

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
        assert size_of(make_job(alice, scene=scene, width=640, height=361)) == (640, 361, 100)

    @pytest.mark.parametrize("percentage", [1, 25, 33, 67, 100, 150])
    def test_a_scale_that_was_chosen_is_shown_again(self, percentage):
        scene = make_scene(make_user("alice", credits=10), width=1921, height=1081, percentage=50)
        width, height = 1921 * percentage // 100, 1081 * percentage // 100
        assert size_of(make_job(scene=scene, width=width, height=height)) == (1921, 1081, percentage)

    def test_an_untouched_page_sent_as_it_is_changes_nothing(self):
        job = make_job(**CHOSEN, needed_by_at=(clock.now() + timedelta(days=2)).replace(second=0, microsecond=0))
        sent = SettingsForm(job, SettingsForm(job).shown())
        assert sent.is_valid(), sent.errors
        assert sent.settings == settings_of(job)

    @pytest.mark.parametrize(("moment", "zone"), [("9999-12-31T23:59", "-900"), ("0001-01-01T00:00", "900")])
    def test_a_moment_that_no_calendar_has_is_refused_in_words(self, moment, zone):
        assert "needed_by" in form(needed_by=moment, zone_minutes=zone).errors

    def test_a_time_is_read_in_the_zone_of_the_browser(self):
        moment = (clock.now() + timedelta(days=3)).replace(second=0, microsecond=0)
        local = (moment + timedelta(minutes=330)).strftime("%Y-%m-%dT%H:%M")
        filled = form(needed_by=local, zone_minutes="330")
        assert filled.is_valid(), filled.errors
        assert filled.settings.needed_by_at == moment


CHOSEN = {
    "depth_bits": 16,
    "render_order": "nth",
    "order_step": 7,
    "device": "gpu",
    "gpu_vendor": "nvidia",
    "gpu_model": "4090",
    "gpus_min": 2,
    "location": "DE",
    "nodes": "own",
    "reliability_min_percent": 90,
    "one_device_class": True,
    "cap_micros": 5_000_000,
    "pause_percent": 80,
    "gate_step": 10,
}


class RowsTests:
    def test_each_field_says_whether_it_is_as_in_the_file(self):
        job = make_job(scene=make_scene(make_user("alice", credits=10), samples=64), samples=32)
        rows = {row.field.name: row for row in SettingsForm(job).render_rows}
        assert not rows["samples"].is_as_in_the_file
        assert rows["samples"].file_words == "64"
        assert rows["width"].is_as_in_the_file

    def test_collapsed_settings_are_open_when_one_is_used_or_wrong(self):
        job = make_job()
        assert not SettingsForm(job).network_more_open
        assert not SettingsForm(job).render_more_open
        assert SettingsForm(make_job(gpus_min=2)).network_more_open
        wrong = SettingsForm(job, AS_IN_THE_FILE | {"order_step": "0"})
        wrong.is_valid()
        assert wrong.render_more_open

    def test_the_file_is_quoted_as_it_is_whatever_the_job_says(self):
        job = make_job(scene=make_scene(make_user("alice", credits=10), frame_start=3, frame_end=9, samples=64), samples=1)
        assert (in_the_file(job)["frames"], in_the_file(job)["samples"]) == ("3-9", 64)

    @pytest.mark.parametrize(
        ("values", "seen"),
        [
            ({"format": "PNG"}, {"depth_bits"}),
            ({"format": "JPEG"}, {"quality_percent"}),
            (
                {"format": "JPEG", "depth_bits": "16"},
                {"quality_percent", "depth_bits"},
            ),  # what stands in the way stays in sight
            ({"frames": "7"}, {"depth_bits", "tiles"}),
            ({"frames": "7", "software": "eevee:5.0.1"}, {"depth_bits"}),
            ({"frames": "1-9", "tiles": "2x2"}, {"depth_bits", "tiles", "render_order", "gate_step", "one_device_class"}),
            ({"frames": "-4, 9"}, {"depth_bits", "render_order", "gate_step", "one_device_class"}),
            (
                {"frames": "1-9", "render_order": "nth"},
                {"depth_bits", "render_order", "order_step", "gate_step", "one_device_class"},
            ),
            ({"cap": "0.50"}, {"depth_bits", "pause_percent"}),
            ({"device": "gpu"}, {"depth_bits", "gpu_vendor", "gpu_model", "gpus_min"}),
        ],
    )
    def test_what_would_change_nothing_need_not_be_seen(self, values, seen):
        untouched = {"frames": "1", "software": "eevee:5.0.1", "device": "cpu", "format": "PNG", "order_step": "10"}
        untouched |= {"software": "cycles:5.0.1"} if "tiles" in seen else {}
        filled = SettingsForm(make_job(), AS_IN_THE_FILE | untouched | values)
        filled.is_valid()
        rows = [*filled.render_rows, *filled.render_more, *filled.network_more, *filled.payment_rows]
        assert {row.field.name for row in rows if row.applies and not row.is_idle} == seen
