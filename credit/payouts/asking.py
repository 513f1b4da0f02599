"""One request to a node: timed, bounded, and either an answer or Unreachable."""

from dataclasses import dataclass

import httpx

from common import asking
from credit.payouts.lanes import Unreachable

ANSWER_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: object


def mapping(body: object) -> dict:
    """The object that was asked for. Raises Unreachable: it is something else."""
    if not isinstance(body, dict):
        raise Unreachable(f"not an object: {body!r:.60}")
    return body


def ask(method: str, url: str, **request) -> Answer:
    """Whatever status it has. Raises Unreachable: no answer, an endless one, no JSON, or a server in trouble."""
    try:
        response = asking.ask(method, url, bytes_max=ANSWER_BYTES_MAX, **request)
        if response.status_code >= 500 or response.status_code == 429:
            raise Unreachable(f"{response.status_code} {response.content[:200]!r}")
        return Answer(response.status_code, response.headers, asking.json_of(response) if response.content else None)
    except asking.NoAnswer as error:
        raise Unreachable(str(error)) from error
