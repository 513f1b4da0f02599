"""What the page shows: everything escaped, no secret, no link but to the web."""

import html
import re
from html.parser import HTMLParser

import pytest

from pictor_agent import checklist, protocol
from pictor_agent.app import files, pages
from pictor_agent.app.filling import FOLDER, Markup, fill
from pictor_agent.findings import Finding
from pictor_agent.status import Status, Task

MARKUP = "\"'><script>alert(1)</script>"
GPU = protocol.GpuInfo(index=0, model=f"RTX {MARKUP}", vram_bytes=24 << 30)
MACHINE = protocol.Inventory(
    hostname="h", os="o", cpu_model="c", cpu_cores=16, ram_bytes=64 << 30, disk_free_bytes=1 << 40, gpus=[GPU]
)
SAMPLE = protocol.GpuSample(
    index=0, load=0.94, vram_used_bytes=17 << 30, temperature_celsius=67, power_watts=338, clock_mhz=2610
)
BEAT = protocol.Heartbeat(cpu_load=0.4, ram_used_bytes=20 << 30, disk_free_bytes=3 * 10**12, gpus=[SAMPLE])
ON = {"name": "Attic", "is_connected": True}


def shown(status: dict, **view) -> str:
    return pages.node_page(pages.View(**({"status": Status(**(ON | status)), "machine": MACHINE} | view)))


def text(markup: str) -> str:
    """As a reader sees it, in one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", markup)))


class EscapedTests:
    @pytest.fixture
    def hostile(self) -> str:
        site = protocol.Overview(stands=MARKUP, why=MARKUP, is_open=False, url="https://x/" + MARKUP)
        tasks = [Task(MARKUP, MARKUP, 0.5), Task(MARKUP, MARKUP, is_next=True)]
        status = {"name": MARKUP, "problem": MARKUP, "is_connected": False, "tasks": tasks, "overview": site}
        steps = [checklist.Step(MARKUP, "failed", MARKUP, MARKUP)]
        return shown(status, beat=BEAT, steps=steps, findings=[Finding(MARKUP)], notices=[("bad", MARKUP)])

    def test_no_stranger_s_string_becomes_markup(self, hostile):
        assert "<script>" not in hostile
        assert html.escape(MARKUP) in hostile

    def test_nor_does_what_the_import_or_an_obstacle_says(self):
        assert "<script>" not in pages.import_page(MARKUP, problem=MARKUP) + pages.words_page(MARKUP, MARKUP, MARKUP)

    def test_no_attribute_is_left_by_a_quote(self, hostile):
        found = []

        class Look(HTMLParser):
            def handle_starttag(self, tag, attributes):
                found.extend(
                    name for name, _ in attributes if name.startswith("on") or not re.fullmatch(r"[a-z-]+[A-Za-z0-9]*", name)
                )

        Look().feed(hostile)
        assert [name for name in found if name not in ("viewbox", "pathlength", "preserveaspectratio")] == []

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example/", "file:///etc/passwd", ""])
    def test_the_site_is_linked_by_an_address_of_the_web_alone(self, url):
        page = shown({"overview": protocol.Overview(stands="x", url=url)})
        assert "Its page on the site" not in page

    def test_templates_are_text_with_names_and_nothing_inline(self):
        for path in FOLDER.glob("*.html"):
            assert not re.search(r"<script(?! type=\"module\" src=)|<style|style=|\son[a-z]+=", path.read_text()), path.name

    def test_a_name_that_is_not_given_is_an_error(self):
        with pytest.raises(KeyError):
            fill("row", label="x")

    def test_markup_stays_markup(self):
        assert "<b>x</b>" in fill("row", label="&", value=Markup("<b>x</b>"))
        assert "&amp;" in fill("row", label="&", value="")


class ShownTests:
    def test_a_task_has_its_progress(self):
        page = shown({"tasks": [Task("frame 12 of carousel.blend", "sample 15 of 24", 0.63)]})
        assert 'aria-valuenow="63"' in page
        assert "frame 12 of carousel.blend 63 % sample 15 of 24" in text(page)

    def test_gauges_are_those_of_the_last_report(self):
        words = text(shown({}, beat=BEAT))
        for figure in (
            "40 % processor",
            "20.0 of 64 GB",
            "94 % load",
            "17.0 of 24 GB",
            "67 °C temperature",
            "Power 338 W",
            "2,610 MHz",
        ):
            assert figure in words

    def test_before_the_first_report_it_says_when_they_come(self):
        assert "Gauges come with the first report" in shown({})

    def test_earnings_are_those_that_the_site_told(self):
        site = protocol.Overview(stands="Online, idle", earned_today_micros=1_200_000, earned_week_micros=98_765_432)
        words = text(shown({"overview": site}))
        assert "Earned today 1.20 credits" in words
        assert "Earned, 7 days 98.765432 credits" in words

    def test_what_the_site_has_not_said_is_not_zero(self):
        assert "0.00" not in text(shown({}))

    @pytest.mark.parametrize(
        ("status", "verbs"),
        [
            ({}, ["pause", "stop"]),
            ({"tasks": [Task("t", "w")]}, ["pause", "pause-now", "stop"]),
            ({"is_paused": True}, ["resume", "stop"]),
            ({"is_paused": True, "tasks": [Task("t", "w")]}, ["resume", "pause-now", "stop"]),
            ({"is_draining": True}, []),
        ],
    )
    def test_only_verbs_that_make_sense_are_offered(self, status, verbs):
        found = re.findall(r'<form[^>]* action="([a-z-]+)"', shown(status))
        assert [verb for verb in found if verb != "examine"] == verbs

    def test_health_is_the_checklist_with_what_to_do_next(self):
        steps = checklist.steps(checklist.Seen(signed_on=True, ever=True))
        words = text(shown({}, steps=steps))
        assert "Signed on" in words
        assert checklist.BUBBLEWRAP in words

    def test_the_doctor_s_worst_comes_first_with_its_code_and_remedy(self):
        page = text(shown({}, findings=[Finding("fine"), Finding("no bubblewrap", "E-SANDBOX-1")]))
        assert page.index("E-SANDBOX-1 no bubblewrap Install bubblewrap") < page.index("fine")

    def test_while_it_looks_nobody_can_ask_again(self):
        assert 'action="examine"' not in shown({}, examining=True)


def test_every_file_that_a_page_names_is_served():
    names = set(re.findall(r'(?:href|src)="([a-z][\w./-]+)"', shown({}) + pages.import_page("p")))
    for name in names:
        assert files.file_of(name.partition("#")[0]) is not None, name


@pytest.mark.parametrize(
    "name", ["css/../../pyproject.toml", "../app.py", "pages.py", "css/pages/home.css", "/etc/passwd", "app.css/"]
)
def test_no_other_file_is(name):
    assert files.file_of(name) is None
