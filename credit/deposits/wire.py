"""One question to a node, with an end in time and in size. Nothing a node says is believed before it has the right shape."""

import httpx

from common import asking


class NodeDown(Exception):
    """The node does not answer, or not as a node of this chain would. What it was asked is asked again later."""


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


def whole(value: object) -> int:
    """A number as nodes write it: 12, "12" or "0xc". Raises NodeDown."""
    try:
        if isinstance(value, str):
            return int(value, 16 if value.startswith("0x") else 10)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    except ValueError:
        pass
    raise NodeDown(f"not a number: {value!r:.60}")


def mapping(value: object) -> dict:
    if not isinstance(value, dict):
        raise NodeDown(f"not an object: {value!r:.60}")
    return value


def listing(value: object) -> list:
    if not isinstance(value, list):
        raise NodeDown(f"not a list: {value!r:.60}")
    return value


def hash_of(value: object) -> str:
    """32 bytes in hex, as rows hold them. Raises NodeDown."""
    try:
        if isinstance(value, str) and value.startswith("0x") and len(bytes.fromhex(value[2:])) == 32:
            return value.lower()
    except ValueError:
        pass
    raise NodeDown(f"not a hash: {value!r:.80}")
