"""One question to a node, with an end in time and in size. Nothing a node says is believed before it has the right shape."""

import re
from functools import partial

import httpx

from common import answers, asking

HASH = re.compile("0x[0-9a-fA-F]{64}")


class NodeDown(Exception):
    """The node does not answer, or not as a node of this chain would. What it was asked is asked again later."""


whole = partial(answers.whole, error=NodeDown)
moment = partial(answers.moment, error=NodeDown)
mapping = partial(answers.mapping, error=NodeDown)
listing = partial(answers.listing, error=NodeDown)


def ask(method: str, url: str, *, bytes_max: int, missing_is: int | None = None, **request) -> tuple[httpx.Headers, object]:
    """The JSON that a node answers; None for the status `missing_is`. Raises NodeDown."""
    try:
        response = asking.ask(method, url, bytes_max=bytes_max, **request)
        if missing_is is not None and response.status_code == missing_is:
            return response.headers, None
        if not response.is_success:
            raise NodeDown(f"status {response.status_code}")
        return response.headers, asking.json_of(response)
    except asking.NoAnswer as error:
        raise NodeDown(str(error)) from error


def hash_of(value: object) -> str:
    """32 bytes in hex, as rows hold them. Raises NodeDown."""
    if isinstance(value, str) and HASH.fullmatch(value):
        return value.lower()
    raise NodeDown(f"not a hash: {value!r:.80}")
