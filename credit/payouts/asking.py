"""One request to a node: timed, bounded, and either an answer or Unreachable."""

from dataclasses import dataclass
from functools import partial

import httpx

from common import answers, asking
from credit.payouts.lanes import Unreachable

ANSWER_BYTES_MAX = 1 << 20
U64 = 64  # bits: of numbers and of a chain's own amounts
whole = partial(answers.whole, error=Unreachable)
moment = partial(answers.moment, error=Unreachable)
mapping = partial(answers.mapping, error=Unreachable)
listing = partial(answers.listing, error=Unreachable)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: object


def ask(method: str, url: str, **request) -> Answer:
    """Whatever status it has. Raises Unreachable: no answer, an endless one, no JSON, or a server in trouble."""
    try:
        response = asking.ask(method, url, bytes_max=ANSWER_BYTES_MAX, **request)
        if response.status_code >= 500 or response.status_code == 429:
            raise Unreachable(f"{response.status_code} {response.content[:200]!r}")
        return Answer(response.status_code, response.headers, asking.json_of(response) if response.content else None)
    except asking.NoAnswer as error:
        raise Unreachable(str(error)) from error
