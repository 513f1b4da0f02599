"""Logs: one event per line, JSON in production, readable elsewhere; every line of a request carries its id."""

import logging
import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

QUIET_PATHS = ("/health/", "/metrics", "/static/")
FILE_TOKEN = re.compile(r"^/files/.+")  # a token is a key to a file until it expires: never in a log
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")

SHARED = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

log = structlog.get_logger(__name__)


def configured(*, level: str, json: bool) -> dict:
    """Set structlog up and return Django's LOGGING, so that both kinds of logger print the same lines."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "event": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*SHARED, structlog.stdlib.PositionalArgumentsFormatter()],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering(json)],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "event"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"level": "WARNING", "propagate": True, "handlers": []},
            "django.request": {"level": "ERROR"},
            "httpx": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
        },
    }


def rendering(json: bool) -> list:
    """The last steps: an exception as text, then the line."""
    if json:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [structlog.dev.ConsoleRenderer(colors=False, pad_event_to=28, exception_formatter=structlog.dev.plain_traceback)]


def request_log(get_response: Callable) -> Callable:
    """Middleware: give the request an id (or keep the proxy's), log its outcome, return the id to the browser."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.id = request_id(request.headers.get("X-Request-ID", ""))
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request.id):
            response = get_response(request)
            record(request, response, seconds=time.perf_counter() - started)
        response["X-Request-ID"] = request.id
        return response

    return middleware


def request_id(given: str) -> str:
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def record(request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
    """One line per request; a server error is louder. No query string: it may hold what people search for."""
    if request.path.startswith(QUIET_PATHS) and response.status_code < 500:
        return
    level = logging.ERROR if response.status_code >= 500 else logging.INFO
    log.log(
        level,
        "request",
        method=request.method,
        path=FILE_TOKEN.sub("/files/…", request.path),
        status=response.status_code,
        milliseconds=round(seconds * 1000),
        user=viewer(request),
    )


def viewer(request: HttpRequest) -> int | None:
    """The id of a user that the view has already looked at; logging alone must not cause a query."""
    user = getattr(request, "_cached_user", None)
    return user.pk if user is not None else None
