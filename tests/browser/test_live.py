"""static/js/live.js in a real Chromium, with a scripted server: every reply and every hint is the test's own."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

pytestmark = pytest.mark.browser

STATIC = Path(__file__).parents[2] / "static"
PATIENCE_MS = 60_000
SITE, LIVE = "http://pictor.test", "ws://live.test"
ELEMENT = (
    '<section id="{id}" data-live="job:1" data-live-on="{on}" hx-get="/part/{id}" hx-trigger="live-refresh" hx-swap="outerHTML">'
    "{inside}</section>"
)
DOCUMENT = """<!doctype html><html><head><meta charset="utf-8"><meta name="live-url" content="ws://live.test">
<meta name="htmx-config" content='{{"includeIndicatorStyles":false,"defaultSettleDelay":0}}'>
<script src="/static/vendor/htmx/htmx.min.js" defer></script><script type="module" src="/static/js/live.js"></script></head>
<body>{body}</body></html>"""


# A flash is over before a slow machine looks: the page itself notes whose it was.
NOTE_FLASHES = """() => {
    window.flashed = new Set();
    new MutationObserver((changes) => changes.forEach(({ target }) => {
        if (target.classList.contains("live-changed")) window.flashed.add(target.id);
    })).observe(document.body, { attributeFilter: ["class"], subtree: true });
}"""


class Server:
    """Pages, fragments and the socket's other end."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.inside = {"frames": "<p>1 frame</p>", "cost": "<p>1 credit</p>"}
        self.asked: list[str] = []
        self.sockets: list[WebSocketRoute] = []
        self.heard: list[dict] = []
        self.has_sockets = True
        page.route(f"{SITE}/**", self._answer)
        page.route_web_socket(f"{LIVE}/live", self._socket)

    def _answer(self, route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path.startswith("/static/"):
            route.fulfill(path=STATIC / path.removeprefix("/static/"))
        elif path.startswith("/part/"):
            self.asked.append(path.removeprefix("/part/"))
            route.fulfill(body=self.element(self.asked[-1]), content_type="text/html")
        else:
            body = "".join(self.element(name) for name in self.inside)
            route.fulfill(body=DOCUMENT.format(body=body), content_type="text/html")

    def element(self, name: str) -> str:
        return ELEMENT.format(id=name, on=name, inside=self.inside[name])

    def _socket(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        if not self.has_sockets:
            socket.close(code=1013)
            return
        socket.on_message(lambda text: self._hear(socket, json.loads(text)))

    def _hear(self, socket: WebSocketRoute, message: dict) -> None:
        self.heard.append(message)
        if "join" in message:
            socket.send(json.dumps({"joined": message["join"]}))

    def say(self, **message) -> None:
        self.sockets[-1].send(json.dumps(message))

    def hint(self, *changed: str) -> None:
        self.say(topic="job:1", changed=list(changed))

    def until_asked(self, count: int, name: str = "frames") -> None:
        """Wait until a fragment was fetched so often."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while self.asked.count(name) < count:
            assert time.monotonic() < deadline, f"{name} was asked for {self.asked.count(name)} times"
            self.page.wait_for_timeout(25)


@pytest.fixture
def page(chromium):
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def server(page):
    """A page that follows job:1 and has fetched once, as it does when the topic is joined."""
    server = Server(page)
    page.goto(SITE)
    server.until_asked(1)
    server.until_asked(1, "cost")
    page.wait_for_function("!document.querySelector('.htmx-request')")  # else the answer undoes what a test changes
    return server


class HintTests:
    def test_one_socket_joins_each_topic_once(self, server):
        assert server.heard == [{"join": "job:1"}]
        assert len(server.sockets) == 1
        expect(server.page.locator("html")).to_have_attribute("data-live-state", "on")

    def test_a_hint_brings_the_element_that_it_names_and_no_other(self, server, page):
        server.inside["frames"] = "<p>2 frames</p>"
        server.hint("frames")
        expect(page.locator("#frames")).to_have_text("2 frames")
        assert server.asked.count("cost") == 1

    def test_a_burst_is_one_fetch(self, server, page):
        """The page's clock stands still until all of it has come, however long that takes."""
        page.evaluate("document.addEventListener('live-gauges', () => { window.burst = true; })")
        page.clock.install()
        page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
        for _ in range(20):
            server.hint("frames")
        server.say(topic="job:1", gauges={"load": 0.5})
        page.wait_for_function("window.burst")
        page.clock.run_for(1_000)
        server.until_asked(2)
        page.clock.run_for(1_000)
        assert server.asked.count("frames") == 2

    def test_anything_may_have_changed_means_all_of_them(self, server):
        server.hint("*")
        server.until_asked(2)
        server.until_asked(2, "cost")

    def test_another_topics_hint_is_nothing(self, server):
        server.say(topic="job:2", changed=["frames"])
        server.hint("cost")
        server.until_asked(2, "cost")
        assert server.asked.count("frames") == 1

    def test_an_element_may_follow_several_topics(self, server, page):
        page.evaluate("document.querySelector('#cost').dataset.live = 'job:1 node:7'")
        server.inside["frames"] = "<p>2 frames</p>"
        server.hint("frames")
        server.until_asked(2, "cost")  # the new topic is joined after the swap, and its element fetched once
        server.say(topic="node:7", changed=["cost"])
        server.until_asked(3, "cost")

    def test_gauges_become_an_event(self, server, page):
        page.evaluate("document.addEventListener('live-gauges', (event) => { window.gauges = event.detail; })")
        server.say(topic="job:1", gauges={"load": 0.5})
        page.wait_for_function("window.gauges?.gauges.load === 0.5")


class SwapTests:
    def test_equal_content_is_not_swapped_in(self, server, page):
        page.evaluate("document.querySelector('#frames').sameElement = true")
        server.hint("frames")
        server.until_asked(2)
        server.inside["cost"] = "<p>2 credits</p>"
        server.hint("cost")
        expect(page.locator("#cost")).to_have_text("2 credits")
        assert page.evaluate("document.querySelector('#frames').sameElement")

    def test_a_changed_element_flashes_and_no_other(self, server, page):
        page.evaluate(NOTE_FLASHES)
        server.inside["frames"] = "<p>2 frames</p>"
        server.hint("*")
        expect(page.locator("#frames")).to_have_text("2 frames")
        page.wait_for_function("window.flashed.size > 0")
        server.until_asked(2, "cost")
        expect(page.locator(".live-changed")).to_have_count(0)
        assert page.evaluate("[...window.flashed]") == ["frames"]

    def test_focus_stays_on_the_button_it_was_on(self, server, page):
        server.inside["frames"] = "<button>Pause</button><p>2</p>"
        server.hint("frames")
        page.focus("#frames button")
        server.inside["frames"] = "<button>Pause</button><p>3</p>"
        server.hint("frames")
        expect(page.locator("#frames p")).to_have_text("3")
        assert page.evaluate("document.activeElement.textContent") == "Pause"

    def test_an_opened_detail_stays_open(self, server, page):
        server.inside["frames"] = "<details><summary>Log</summary>1</details>"
        server.hint("frames")
        page.click("#frames summary")
        server.inside["frames"] = "<details><summary>Log</summary>2</details>"
        server.hint("frames")
        expect(page.locator("#frames details[open]")).to_contain_text("2")

    def test_news_wait_while_somebody_types_in_them(self, server, page):
        server.inside["frames"] = '<input aria-label="cap">'
        server.hint("frames")
        page.fill("#frames input", "12")
        server.inside["frames"] = '<input aria-label="cap"><p>news</p>'
        server.hint("frames")
        server.until_asked(3)
        page.wait_for_timeout(100)
        assert page.input_value("#frames input") == "12"
        page.evaluate("document.activeElement.blur()")
        expect(page.locator("#frames p")).to_have_text("news")


class WithoutSocketTests:
    def test_the_page_polls(self, page):
        server = Server(page)
        server.has_sockets = False
        page.clock.install()
        page.goto(SITE)
        expect(page.locator("html")).to_have_attribute("data-live-state", "polling")
        server.inside["frames"] = "<p>2 frames</p>"
        page.clock.run_for(3_100)
        expect(page.locator("#frames")).to_have_text("2 frames")

    def test_it_comes_back_and_looks_again(self, server, page):
        server.inside["frames"] = "<p>missed</p>"
        server.sockets[-1].close(code=1012)
        expect(page.locator("#frames")).to_have_text("missed")
        assert len(server.sockets) == 2
        assert server.heard == [{"join": "job:1"}] * 2

    def test_once_signed_out_it_does_not_come_back(self, server, page):
        page.clock.install()
        server.sockets[-1].close(code=4401)
        expect(page.locator("html")).to_have_attribute("data-live-state", "off")
        page.clock.run_for(60_000)
        assert len(server.sockets) == 1
