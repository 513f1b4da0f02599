"""Bytes over HTTP that go on where a cut left them: scene files in, frames out."""

import asyncio
import contextlib
import random
from pathlib import Path

import httpx

from pictor_agent.bandwidth import Bandwidth
from pictor_agent.kept_line import BROKEN, KeptLine

CHUNK_BYTES = 4 << 20  # one PATCH; a cut costs at most this
PIECE_BYTES = 64 << 10  # at least so much of it, however little bandwidth is allowed
SMALL_BYTES = 512 << 10
TRIES = 8
BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_MAX = 0.2, 20.0
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
GONE = (401, 403, 404, 410)  # the URL has expired or was never right: ask for another
ELSEWHERE = 409  # the file ends at another offset, which the answer names


class UrlExpired(Exception):
    """The server no longer honours this file URL."""


class UploadFailed(Exception):
    """The file did not get there after every try."""


def make_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=True, limits=httpx.Limits(max_connections=8))


def pause_seconds(number: int) -> float:
    """How long to wait before try `number` (from 1), with jitter so that nodes do not come back together."""
    return random.uniform(0.5, 1.0) * min(BACKOFF_SECONDS_MIN * 2**number, BACKOFF_SECONDS_MAX)


async def download(client: httpx.AsyncClient, url: str, partial: Path, size_bytes: int, bandwidth: Bandwidth) -> None:
    """Append to `partial` what it lacks of `size_bytes`. What has arrived before a cut stays.

    Raises:
        UrlExpired: ask for another URL.
        httpx.HTTPError, OSError: cut, refused, more bytes than promised, or no room.
    """
    have = partial.stat().st_size if partial.exists() else 0
    if have > size_bytes:
        partial.unlink()
        have = 0
    if have == size_bytes and have:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    async with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code in GONE:
            raise UrlExpired
        answer.raise_for_status()
        resumed = have and answer.status_code == 206
        await _write(answer, partial, "ab" if resumed else "wb", size_bytes - (have if resumed else 0), bandwidth)


async def _write(answer: httpx.Response, partial: Path, mode: str, left: int, bandwidth: Bandwidth) -> None:
    with partial.open(mode) as target:
        async for block in answer.aiter_raw():  # as it comes, not in larger pieces
            left -= len(block)
            if left < 0:
                raise OSError("more bytes than promised")
            target.write(block)
            await bandwidth.moved(len(block))
    if left:
        raise OSError(f"cut {left} bytes before the end")


async def upload(client: httpx.AsyncClient, path: Path, url: str, line: KeptLine, bandwidth: Bandwidth) -> None:
    """Send a file to a granted URL, going on where an earlier try was cut, as the server says in answer to the first bytes.

    Raises:
        UrlExpired: ask for a new grant.
        UploadFailed: not there after every try.
    """
    size_bytes, cuts, offset = path.stat().st_size, 0, 0
    sender: KeptLine | httpx.AsyncClient = line if line.is_usable else client
    while cuts < TRIES:
        try:
            if cuts:
                offset = await _offset(client, url)
            while offset < size_bytes:
                before, offset = offset, await _patch(sender, path, url, offset, bandwidth.piece(CHUNK_BYTES, PIECE_BYTES))
                cuts = 0
                await bandwidth.moved(offset - before)
            return
        except (httpx.HTTPError, *BROKEN):
            cuts, sender = cuts + 1, client
            await asyncio.sleep(pause_seconds(cuts))
    raise UploadFailed(f"{size_bytes} bytes did not arrive in {TRIES} tries")


async def _offset(client: httpx.AsyncClient, url: str) -> int:
    answer = await client.head(url)
    if answer.status_code in GONE:
        raise UrlExpired
    answer.raise_for_status()
    with contextlib.suppress(KeyError, ValueError):
        return int(answer.headers["Upload-Offset"])
    raise httpx.HTTPError("the server does not say its offset")


async def _patch(sender: KeptLine | httpx.AsyncClient, path: Path, url: str, offset: int, size_bytes: int) -> int:
    """Send one chunk; returns the server's new offset."""
    block = await _block(path, offset, size_bytes)
    headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    answer = await sender.patch(url, content=block, headers=headers)
    if answer.status_code in GONE:
        raise UrlExpired
    reached = int(answer.headers.get("Upload-Offset", offset + len(block)))
    if answer.status_code == ELSEWHERE and offset == 0 < reached:
        return reached  # an earlier try brought so much
    if not 200 <= answer.status_code < 300:
        raise OSError(f"the server answered {answer.status_code}")
    return reached


async def _block(path: Path, offset: int, size_bytes: int) -> bytes:
    """The next chunk; a small one, which was written a moment ago, comes faster than a thread would."""
    if path.stat().st_size <= SMALL_BYTES:
        return _read_block(path, offset, size_bytes)
    return await asyncio.to_thread(_read_block, path, offset, size_bytes)


def _read_block(path: Path, offset: int, size_bytes: int) -> bytes:
    with path.open("rb") as source:
        source.seek(offset)
        return source.read(size_bytes)
