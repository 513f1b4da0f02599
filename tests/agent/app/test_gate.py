"""Who may speak with the page on the machine: strangers' sites in the owner's browser and other users of the machine may not."""

import pytest

from pictor_agent.app.gate import HEADERS, Gate
from pictor_agent.app.lines import Request

GATE = Gate(8471, "the-token")
HOST = {"host": "127.0.0.1:8471"}
ORIGIN = {"origin": "http://127.0.0.1:8471"}
PAGE = "/the-token/"


def status(method: str = "GET", path: str = PAGE, **headers: str) -> int:
    refusal = GATE.refusal(Request(method, path, HOST | headers))
    return refusal.status if refusal else 200


def test_whoever_has_the_link_sees_the_page():
    assert GATE.link == "http://127.0.0.1:8471/the-token/"
    assert status() == 200


def test_a_form_of_the_page_is_taken():
    assert status("POST", PAGE + "pause", **ORIGIN) == 200


@pytest.mark.parametrize("path", ["/", "/the-toke/", "/the-token-and-more/", "//the-token/", "/the-tökén/", ""])
def test_without_the_token_there_is_nothing(path):
    assert status(path=path) == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8471", "localhost:8471", "127.0.0.1", "127.0.0.1:80", ""])
def test_another_name_for_this_machine_is_refused_even_with_the_token(host):
    """DNS rebinding: a stranger's name that resolves to 127.0.0.1 makes the browser see one origin."""
    assert status(host=host) == 421


@pytest.mark.parametrize(
    "origin", [{}, {"origin": "null"}, {"origin": "https://evil.example"}, {"origin": "http://127.0.0.1:9999"}]
)
def test_a_form_of_another_page_is_refused_even_with_the_token(origin):
    assert status("POST", PAGE + "pause", **origin) == 403


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "HEAD", "TRACE"])
def test_other_methods_are_not_known_so_that_no_preflight_ever_passes(method):
    assert status(method, **ORIGIN) == 405


def test_every_start_has_a_token_of_its_own_that_nobody_guesses():
    tokens = {Gate(1).token for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 43  # 32 bytes


def test_the_token_does_not_show_in_a_traceback():
    assert "the-token" not in repr(GATE)


def test_the_policy_allows_no_inline_script_no_frame_and_no_other_site():
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert {"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} <= set(policy.split("; "))
    assert HEADERS["X-Frame-Options"] == "DENY"
    assert not [name for name in HEADERS if name.startswith("Access-Control")]
    assert HEADERS["Referrer-Policy"] == "same-origin"
