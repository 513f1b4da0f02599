"""One request to a node: timed, bounded, and either an answer or Unreachable."""

import json
from dataclasses import dataclass
from functools import cache

import httpx

from credit.payouts.lanes import Unreachable

TIMEOUT = httpx.Timeout(10)
ANSWER_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: object


@cache
def certificates():
    """Read once: that takes longer than most requests."""
    return httpx.create_ssl_context()


def ask(method: str, url: str, **request) -> Answer:
    """Whatever status it has. Raises Unreachable: no answer, an endless one, no JSON, or a server in trouble."""
    try:
        with httpx.Client(timeout=TIMEOUT, verify=certificates()) as client, client.stream(method, url, **request) as response:
            content = b""
            for block in response.iter_bytes():
                content += block
                if len(content) > ANSWER_BYTES_MAX:
                    raise Unreachable("an endless answer")
        if response.status_code >= 500 or response.status_code == 429:
            raise Unreachable(f"{response.status_code} {content[:200]!r}")
        return Answer(response.status_code, response.headers, json.loads(content or b"null"))
    except (httpx.HTTPError, ValueError, RecursionError) as error:
        raise Unreachable(f"{type(error).__name__}: {error}"[:300]) from error
