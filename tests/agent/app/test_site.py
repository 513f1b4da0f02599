"""The page of a real node, over a real line: what it shows, what its forms do, and what nobody else can make it do."""

import asyncio
import io
import json
import sys

import httpx
import pytest
import pytest_asyncio

from pictor_agent import protocol
from pictor_agent.app import door, examination, pages
from pictor_agent.app.examination import Examination
from pictor_agent.app.opening import opened
from pictor_agent.app.site import Site
from pictor_agent.terminal import Terminal
from tests.agent.conftest import until
from tests.agent.test_shift import LONG, _quick, gateway, node, server  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def site(node, tmp_path):  # noqa: F811
    made = Site(Terminal(io.StringIO()))
    made.shift = node.shift
    async with opened(made, 0, tmp_path / "page"):
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def browser(site):
    """Somebody who opened the link, on the page itself."""
    async with httpx.AsyncClient(base_url=site.gate.link, headers={"Origin": f"http://{site.gate.host}"}) as client:
        yield client


class ShownTests:
    async def test_it_shows_the_node_as_it_stands(self, browser, node):  # noqa: F811
        page = (await browser.get("")).text
        assert "<h1>Attic</h1>" in page
        assert "Signed on; it waits for work." in page

    async def test_what_renders_has_its_progress(self, browser, node, gateway):  # noqa: F811
        await node.assign(node.assignment(1, **LONG))
        await gateway.hear(protocol.Progress, 1)
        page = (await browser.get("")).text
        assert "frame 1 of plain.blend" in page
        assert 'role="progressbar"' in page

    async def test_looking_asks_the_site_and_shows_what_it_says(self, browser, node, gateway):  # noqa: F811
        await browser.get("")
        await gateway.hear(protocol.AskOverview)
        await gateway.say(
            protocol.Overview(stands="Online, idle", earned_today_micros=1_500_000, url="https://site.example/w/1/")
        )
        await until(lambda: node.shift.overview)
        page = (await browser.get("")).text
        assert "<b>1.50</b>" in page
        assert 'href="https://site.example/w/1/"' in page

    async def test_neither_token_nor_key_is_ever_shown(self, browser, node):  # noqa: F811
        page = (await browser.get("")).text
        assert node.shift.config.token not in page
        assert bytes(node.state.signing_key()).hex() not in page

    async def test_a_page_that_is_the_same_is_not_sent_again(self, browser):
        await browser.get("")
        answer = await browser.get("")
        again = await browser.get("", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    async def test_nothing_of_it_may_be_kept_framed_or_read_by_others(self, browser):
        headers = (await browser.get("")).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Frame-Options"] == "DENY"
        assert "Access-Control-Allow-Origin" not in headers
        assert "Set-Cookie" not in headers

    async def test_a_fault_of_ours_is_a_line_in_the_terminal_and_shows_nothing(self, browser, site, monkeypatch):
        monkeypatch.setattr(pages, "node_page", lambda view: 1 / 0)
        answer = await browser.get("")
        assert (answer.status_code, "division" in answer.text) == (500, False)
        assert "division" in site.terminal.stream.getvalue()


class VerbTests:
    async def test_a_pause_reaches_the_server_and_is_lifted_again(self, browser, gateway):  # noqa: F811
        answer = await browser.post("pause")
        assert (answer.status_code, answer.headers["Location"]) == (303, browser.base_url.path)
        await gateway.until(lambda: [m.resting for m in gateway.heard if isinstance(m, protocol.Heartbeat)] == ["paused_here"])
        assert "Paused on this machine" in (await browser.get("")).text
        await browser.post("resume")
        await gateway.until(lambda: [m.resting for m in gateway.heard if isinstance(m, protocol.Heartbeat)][1:] == [""])

    async def test_paused_at_once_a_frame_goes_back(self, browser, node, gateway):  # noqa: F811
        await node.assign(node.assignment(1, **LONG))
        await gateway.hear(protocol.Progress, 1)
        await browser.post("pause-now")
        assert (await gateway.hear(protocol.Failed, 1)).reason == "paused"

    async def test_stopped_the_node_ends_and_the_browser_has_its_answer(self, browser, node):  # noqa: F811
        assert "then the agent ends" in (await browser.post("stop")).text
        assert await node.end() == 0

    async def test_stopped_twice_it_still_finishes_what_it_renders(self, browser, node, gateway):  # noqa: F811
        node.runner.gate.clear()
        await node.assign(node.assignment(1))
        await gateway.hear(protocol.Started, 1)
        for _ in range(2):
            await browser.post("stop")
        node.runner.gate.set()
        await node.finish(1)
        assert await node.end() == 0

    async def test_a_disk_that_keeps_no_pause_is_said_on_the_page(self, browser, node):  # noqa: F811
        (node.state.folder / "paused").symlink_to("/nowhere/paused")
        await browser.post("pause")
        page = (await browser.get("")).text
        assert "That could not be kept: No such file or directory." in page

    @pytest.mark.parametrize("path", ["pausing", "import", ""])
    async def test_a_verb_that_is_none_does_nothing(self, browser, node, path):  # noqa: F811
        assert (await browser.post(path)).status_code in (303, 404)
        assert not node.shift.takes_nothing


class StrangerTests:
    """Whatever a stranger's page, program or name does, the node is not paused."""

    @pytest.fixture(autouse=True)
    def _untouched(self, node):  # noqa: F811
        yield
        assert not node.shift.takes_nothing

    async def test_a_form_on_another_site_cannot_pause_it(self, browser):
        for origin in ("https://evil.example", "null", "http://127.0.0.1:9"):
            assert (await browser.post("pause", headers={"Origin": origin})).status_code == 403

    async def test_nor_a_name_that_was_bound_to_this_machine(self, browser, site):
        host = f"evil.example:{site.gate.port}"
        answer = await browser.post("pause", headers={"Host": host, "Origin": f"http://{host}"})
        assert answer.status_code == 421

    async def test_nor_another_user_of_this_machine_without_the_link(self, site):
        async with httpx.AsyncClient(headers={"Origin": f"http://{site.gate.host}"}) as stranger:
            for path in ("", "pause", "x/pause", f"{site.gate.token[:-1]}/pause"):
                assert (await stranger.post(f"http://{site.gate.host}/{path}")).status_code == 404

    async def test_nor_anybody_with_the_link_of_an_earlier_start(self, site, tmp_path):
        async with opened(Site(Terminal(io.StringIO())), site.gate.port, tmp_path / "other"):
            assert door.left(tmp_path / "other") != site.gate.link
        async with httpx.AsyncClient() as stranger:
            link = site.gate.link.replace(site.gate.token, "e" * 43)
            assert (await stranger.get(link)).status_code == 404


class OpeningTests:
    async def test_where_the_port_is_taken_it_has_another(self, site, tmp_path):
        second = Site(Terminal(io.StringIO()))
        async with opened(second, site.gate.port, tmp_path / "second"):
            assert second.gate.port not in (0, site.gate.port)

    async def test_without_a_place_for_the_link_the_node_does_without_a_page(self, tmp_path):
        (tmp_path / "file").write_text("")
        alone = Site(Terminal(io.StringIO()))
        async with opened(alone, 0, tmp_path / "file"):
            pass
        assert "This node has no page" in alone.terminal.stream.getvalue()


FOUND = [
    {"tone": "ok", "code": "", "words": "Isolation by bubblewrap", "remedy": ""},
    {"tone": "warn", "code": "W-GPU-1", "words": "No GPU", "remedy": "x"},
]


class DoctorTests:
    async def examined(self, browser, site, script: str) -> str:
        site.examination = Examination([sys.executable, "-c", script])
        await browser.post("examine")
        await until(lambda: not site.examination.is_running)
        return (await browser.get("")).text

    async def test_it_says_what_it_found_and_what_to_do(self, browser, site):
        page = await self.examined(browser, site, f"print({json.dumps(json.dumps(FOUND))})")
        assert "Isolation by bubblewrap" in page
        assert "<b>W-GPU-1</b>" in page

    @pytest.mark.parametrize("script", ["print('no JSON')", "raise SystemExit(9)", "import time; time.sleep(600)"])
    async def test_one_that_does_not_end_well_says_so(self, browser, site, script, monkeypatch):
        monkeypatch.setattr(examination, "SECONDS_MAX", 2.0)
        assert "The doctor did not end." in await self.examined(browser, site, script)

    async def test_when_the_program_ends_it_ends_too(self, browser, site):
        site.examination = Examination([sys.executable, "-c", "import time; time.sleep(600)"])
        await browser.post("examine")
        await asyncio.sleep(0)
        await site.examination.stop()
        assert not site.examination.is_running
