"""Requests to a payment provider: bounded in time and size, no redirects, JSON objects only."""

import httpx

from credit.providers.base import ProviderUnavailable

TIMEOUT = httpx.Timeout(10, connect=5)
ANSWER_BYTES_MAX = 512 << 10


def send(method: str, url: str, **request) -> httpx.Response:
    """The whole answer, whatever its status. Raises ProviderUnavailable when there is none, or no end of it."""
    content = b""
    try:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client, client.stream(method, url, **request) as response:
            for block in response.iter_bytes():
                content += block
                if len(content) > ANSWER_BYTES_MAX:
                    raise ProviderUnavailable("an endless answer")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderUnavailable(type(error).__name__) from error
    return httpx.Response(response.status_code, headers={"Content-Type": "application/json"}, content=content)


def json_of(response: httpx.Response) -> dict:
    """The object in an answer; an empty body is an empty object."""
    if not response.content:
        return {}
    try:
        answer = response.json()
    except ValueError as error:
        raise ProviderUnavailable("not JSON") from error
    if not isinstance(answer, dict):
        raise ProviderUnavailable("not an object")
    return answer
