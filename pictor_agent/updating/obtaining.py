"""A release from the server: its manifest, then its wheel. Nothing of the wheel is unpacked before size and hash are right."""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx

from pictor_agent.updating.manifest import ANSWER_BYTES_MAX, Manifest, NotUpdated, opened

TIMEOUT = httpx.Timeout(30.0, connect=10.0)


def newest(url: str, key: str, *, floor: int) -> Manifest:
    """What the server offers now.

    Raises:
        NotUpdated: it cannot be asked, its word is not signed by `key`, or it offers less than this node had.
    """
    answer = b""
    with _asked(url) as pieces:
        for piece in pieces:
            answer += piece
            if len(answer) > ANSWER_BYTES_MAX:
                raise NotUpdated("the server's word on its release is too long")
    manifest = opened(answer, key)
    if manifest.number < floor:
        raise NotUpdated(f"the server offers release {manifest.number}, and this node has had release {floor}")
    if sys.version_info[:2] < manifest.python:
        raise NotUpdated(f"release {manifest.number} needs Python {'.'.join(map(str, manifest.python))}")
    return manifest


def wheel(url: str, manifest: Manifest, target: Path) -> None:
    """The file of the manifest, which lies beside it, as `target`.

    Raises:
        NotUpdated: it is not the one that was signed, or cannot be had.
        OSError: no room.
    """
    digest, size = hashlib.sha256(), 0
    try:
        # The name is the same for every build of a version: the hash keeps caches on the way from answering with another.
        with _asked(f"{urljoin(url, manifest.wheel)}?sha256={manifest.sha256}") as pieces, target.open("wb") as file:
            for piece in pieces:
                size += len(piece)
                if size > manifest.size_bytes:
                    raise NotUpdated("the file is larger than the one that was signed")
                digest.update(piece)
                file.write(piece)
        if size < manifest.size_bytes:
            raise NotUpdated("the file is cut off")
        if digest.hexdigest() != manifest.sha256:
            raise NotUpdated("the file is not the one that was signed")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def _asked(url: str) -> Iterator[Iterator[bytes]]:
    try:
        with (
            httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            answer.raise_for_status()
            yield answer.iter_bytes(64 << 10)
    except httpx.HTTPStatusError as error:
        raise NotUpdated(f"{url.partition('?')[0]} answers {error.response.status_code}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotUpdated(f"{url.partition('?')[0]} cannot be fetched: {error or type(error).__name__}") from None
