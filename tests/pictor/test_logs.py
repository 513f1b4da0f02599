import io
import json
import logging
import logging.config

import pytest
import structlog
from django.http import HttpResponse

from pictor.logs import configured, request_log


def lines_of(stream) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def stream(settings):
    """Where production's log goes."""
    config = configured(level="INFO", json=True)
    config["handlers"]["console"]["stream"] = io.StringIO()
    logging.config.dictConfig(config)
    yield config["handlers"]["console"]["stream"]
    logging.config.dictConfig(settings.LOGGING)


def answer(rf, path="/rendering/", status=200, **headers):
    return request_log(lambda request: HttpResponse(status=status))(rf.get(path, headers=headers))


class RequestLogTests:
    def test_one_line_says_what_happened(self, rf, stream):
        answer(rf, "/rendering/?q=secret")
        (line,) = lines_of(stream)
        assert {name: line[name] for name in ["event", "method", "path", "status", "level"]} == {
            "event": "request", "method": "GET", "path": "/rendering/", "status": 200, "level": "info",
        }  # fmt: skip

    def test_every_line_of_a_request_carries_its_id(self, rf, stream):
        def view(request):
            structlog.get_logger("a").info("ours", task=7)
            logging.getLogger("b").warning("theirs %s", 8)
            return HttpResponse()

        response = request_log(view)(rf.get("/", headers={"X-Request-ID": "from-the-proxy"}))
        lines = lines_of(stream)
        assert [line["event"] for line in lines] == ["ours", "theirs 8", "request"]
        assert {line["request_id"] for line in lines} == {"from-the-proxy"}
        assert response["X-Request-ID"] == "from-the-proxy"

    def test_a_strange_id_is_replaced(self, rf):
        assert answer(rf, X_Request_ID="a b\\n{}")["X-Request-ID"].isalnum()

    def test_the_token_of_a_file_stays_out_of_the_log(self, rf, stream):
        answer(rf, "/files/very-secret-token")
        assert lines_of(stream)[0]["path"] == "/files/…"

    def test_probes_are_not_worth_a_line_unless_they_fail(self, rf, stream):
        answer(rf, "/health/ready")
        answer(rf, "/health/ready", status=503)
        assert [line["status"] for line in lines_of(stream)] == [503]

    def test_an_error_comes_with_its_trace_in_one_line(self, stream):
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            logging.getLogger("a").exception("alas")
        (line,) = lines_of(stream)
        assert "ZeroDivisionError" in line["exception"]
