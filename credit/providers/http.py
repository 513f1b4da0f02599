"""Requests to a payment provider: bounded in time and size, no redirects, JSON objects only."""

import httpx

from common import asking
from credit.providers.base import ProviderUnavailable

TIMEOUT = httpx.Timeout(10, connect=5)
ANSWER_BYTES_MAX = 512 << 10


def send(method: str, url: str, **request) -> httpx.Response:
    """The whole answer, whatever its status. Raises ProviderUnavailable when there is none, or no end of it."""
    try:
        return asking.ask(method, url, bytes_max=ANSWER_BYTES_MAX, timeout=TIMEOUT, **request)
    except asking.NoAnswer as error:
        raise ProviderUnavailable(str(error)) from error


def json_of(response: httpx.Response) -> dict:
    """The object in an answer; an empty body is an empty object."""
    if not response.content:
        return {}
    try:
        answer = asking.json_of(response)
    except asking.NoAnswer as error:
        raise ProviderUnavailable(str(error)) from error
    if not isinstance(answer, dict):
        raise ProviderUnavailable("not an object")
    return answer
