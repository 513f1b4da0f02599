import json
import logging

import pytest
import structlog
from django.http import HttpResponse

from pictor.logs import configured, request_log


def lines_of(capsys, *, as_json: bool = True) -> list:
    text = capsys.readouterr().err
    return [json.loads(line) for line in text.splitlines()] if as_json else text.splitlines()


@pytest.fixture
def in_production(settings, capsys):  # after capsys, so that lines go there
    logging.config.dictConfig(configured(level="INFO", json=True))
    yield
    logging.config.dictConfig(settings.LOGGING)


def answer(rf, path="/rendering/", status=200, **headers):
    return request_log(lambda request: HttpResponse(status=status))(rf.get(path, headers=headers))


class RequestLogTests:
    def test_one_line_says_what_happened(self, rf, in_production, capsys):
        answer(rf, "/rendering/?q=secret")
        (line,) = lines_of(capsys)
        assert {name: line[name] for name in ["event", "method", "path", "status", "level"]} == {
            "event": "request", "method": "GET", "path": "/rendering/", "status": 200, "level": "info",
        }  # fmt: skip

    def test_every_line_of_a_request_carries_its_id(self, rf, in_production, capsys):
        def view(request):
            structlog.get_logger("a").info("ours", task=7)
            logging.getLogger("b").warning("theirs %s", 8)
            return HttpResponse()

        response = request_log(view)(rf.get("/", headers={"X-Request-ID": "from-the-proxy"}))
        lines = lines_of(capsys)
        assert [line["event"] for line in lines] == ["ours", "theirs 8", "request"]
        assert {line["request_id"] for line in lines} == {"from-the-proxy"}
        assert response["X-Request-ID"] == "from-the-proxy"

    def test_a_strange_id_is_replaced(self, rf, in_production):
        assert answer(rf, X_Request_ID="a b\\n{}")["X-Request-ID"].isalnum()

    def test_the_token_of_a_file_stays_out_of_the_log(self, rf, in_production, capsys):
        answer(rf, "/files/very-secret-token")
        assert lines_of(capsys)[0]["path"] == "/files/…"

    def test_probes_are_not_worth_a_line_unless_they_fail(self, rf, in_production, capsys):
        answer(rf, "/health/ready")
        answer(rf, "/health/ready", status=503)
        assert [line["status"] for line in lines_of(capsys)] == [503]

    def test_an_error_comes_with_its_trace_in_one_line(self, in_production, capsys):
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            logging.getLogger("a").exception("alas")
        (line,) = lines_of(capsys)
        assert "ZeroDivisionError" in line["exception"]
