"""What moves on a node's page by itself: gauges, and the charts of the same gauges over time."""

import msgspec
import pytest
from playwright.sync_api import expect

from pictor_agent import protocol
from tests.browser.conftest import VIEW, same_document, settled
from tests.browser.puppet import INVENTORY, Puppet
from tests.chaos.farm import enrol
from tests.stories.creator import Person

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]

GIB = 2**30
GPU = protocol.GpuInfo(index=0, model="GeForce RTX 4090", vram_bytes=24 * GIB)
NEWEST = "key => document.getElementById('chart-' + key)?.data?.[0].y.at(-1)"


def gauges(load: float) -> dict:
    gpu = protocol.GpuSample(index=0, load=load, vram_used_bytes=17 * GIB, temperature_celsius=67.0, power_watts=338.0)
    return {"cpu_load": load, "ram_used_bytes": 8 * GIB, "gpus": [gpu]}


@pytest.fixture(scope="module")
def owner(stack) -> Person:
    return Person(stack, "owner")


@pytest.fixture(scope="module")
def node(owner, tmp_path_factory):
    inventory = msgspec.structs.replace(INVENTORY, gpus=[GPU])
    with Puppet(*enrol(owner, "gauges", tmp_path_factory.mktemp("gauges") / "node"), inventory=inventory) as node:
        node.gauges = gauges(0.94)
        yield node


REPORTED = """WITH machine AS (INSERT INTO workers_workerminute VALUES (%(node)s, now() - interval '2 minutes', 12, 6, 6, 1, 60, 1, 1))
    INSERT INTO workers_gpuminute VALUES (%(node)s, 0, now() - interval '2 minutes', 12, 6, 1, 60, 1200) RETURNING 1"""


@pytest.fixture(scope="module")
def path(owner, node) -> str:
    """It has reported for a minute; the next one counts when it is over, which no test waits for."""
    number = owner.ask("SELECT id FROM workers_worker WHERE uid = %s", node.config.worker_uid)[0][0]
    owner.ask_named(REPORTED, node=number)
    return f"/workers/{number}/"


@pytest.fixture
def cookies(owner) -> list[dict]:
    return [{"name": name, "value": value, "url": owner.stack.url} for name, value in owner.http.cookies.items()]


@pytest.fixture
def page(chromium, stack, cookies, complaints):
    """Signed in as the node's owner; nothing is loaded twice, nothing complains."""
    context = chromium.new_context(base_url=stack.url, **VIEW)
    context.add_cookies(cookies)
    page = context.new_page()
    complaints.follow(page)
    yield page
    assert same_document(page), "the page was loaded again"
    assert complaints == []
    context.close()


def newest(page, key: str) -> float | None:
    """The last value of a chart."""
    return page.evaluate(NEWEST, key)


def await_newest(page, key: str, condition: str) -> None:
    page.wait_for_function(f"key => {{ const value = ({NEWEST})(key); return {condition}; }}", arg=key)


def test_gauges_move(page, path, node):
    page.goto(path)
    settled(page)
    load = page.locator("#gauge-load-0 b")
    expect(load).to_have_text("94 %")
    expect(page.get_by_role("img", name="GPU memory used, GB: 17.0")).to_be_visible()
    node.gauges = gauges(0.12)
    expect(load).to_have_text("12 %")
    expect(page.get_by_role("img", name="Processor load: 12 %")).to_be_visible()


def test_charts_come_when_they_are_in_sight_and_go_on_in_place(page, path, node):
    node.gauges = gauges(0.5)
    page.goto(path)
    settled(page)
    assert page.evaluate("window.Plotly === undefined"), "a megabyte for what nobody has looked at"
    page.locator("#worker-charts").scroll_into_view_if_needed()
    page.locator("#worker-charts").get_by_role("link", name="1 h", exact=True).click()
    await_newest(page, "celsius", "value === 67")
    node.gauges = gauges(1.0)
    await_newest(page, "load", "value > 50")
    assert newest(page, "watts") == pytest.approx(338)


def test_a_chart_follows_the_theme(page, path, node):
    page.goto(f"{path}charts/?period=1h")
    settled(page)
    await_newest(page, "load", "value !== undefined")
    colour = "document.getElementById('chart-load').data[0].line.color"
    light = page.evaluate(colour)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"light => {colour} !== light", arg=light)


def test_without_a_script_a_table_says_the_same(chromium, stack, cookies, path):
    context = chromium.new_context(base_url=stack.url, java_script_enabled=False, **VIEW)
    context.add_cookies(cookies)
    plain = context.new_page()
    plain.goto(f"{path}charts/?period=1h")
    expect(plain.get_by_role("row", name="GPU power")).to_contain_text("W")
    context.close()
