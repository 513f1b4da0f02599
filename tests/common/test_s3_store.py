"""The store in a bucket, against an S3 server of our own: it reads in ranges and fails as a folder does."""

import io
import secrets
import socket

import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.files import File
from django.core.files.base import ContentFile

from common import s3_store
from common.s3_store import PART_BYTES, S3Store
from tests.s3 import options, s3_server

__all__ = ["s3_server"]
BODY = bytes(range(256)) * 4_000  # about a megabyte, no two blocks of 100 alike


@pytest.fixture
def store(s3_server) -> S3Store:
    return S3Store(**options(s3_server, location=secrets.token_hex(4)))


class ReadTests:
    def test_what_was_saved_is_read(self, store):
        assert store.save("frames/7/1-1.png", ContentFile(BODY)) == "frames/7/1-1.png"
        assert store.exists("frames/7/1-1.png")
        assert store.size("frames/7/1-1.png") == len(BODY)
        with store.open("frames/7/1-1.png") as file:
            assert file.read() == BODY

    def test_a_range_is_fetched_without_the_rest(self, store):
        store.save("a", ContentFile(BODY))
        fetched = []
        store.connection.meta.client.meta.events.register(
            "before-send.s3.GetObject", lambda request, **_: fetched.append(request.headers["Range"])
        )
        with store.open("a") as file:
            file.seek(5_000)
            assert file.read(300) == BODY[5_000:5_300]
        assert [value.decode() for value in fetched] == ["bytes=5000-"]

    def test_the_end_is_known_to_whoever_seeks_it(self, store):
        store.save("a", ContentFile(BODY))
        with store.open("a") as file:
            assert file.seek(0, io.SEEK_END) == len(BODY)
            file.seek(-3, io.SEEK_END)
            assert file.read() == BODY[-3:]

    def test_an_empty_file_is_one(self, store):
        store.save("empty", ContentFile(b""))
        with store.open("empty") as file:
            assert file.read() == b""


class WriteTests:
    def test_a_key_keeps_its_name_and_takes_the_newer_bytes(self, store):
        store.save("a.webp", ContentFile(b"old"))
        assert store.save("a.webp", ContentFile(b"new")) == "a.webp"
        with store.open("a.webp") as file:
            assert file.read() == b"new"

    def test_the_callers_file_stays_open(self, store, tmp_path):
        """It holds the lock on a partial file until the store has it."""
        path = tmp_path / "partial"
        path.write_bytes(BODY)
        with path.open("rb") as file:
            store.save("a", File(file))
            assert not file.closed

    def test_a_large_file_goes_up_in_parts_and_is_never_held_whole(self, store, tmp_path):
        path, size_bytes = tmp_path / "scene.blend", 5 * PART_BYTES
        with path.open("wb") as file:
            file.truncate(size_bytes)
        sent = []
        store.connection.meta.client.meta.events.register(
            "before-send.s3.UploadPart", lambda request, **_: sent.append(int(request.headers["Content-Length"]))
        )
        with path.open("rb") as file:
            store.save("scenes/1/large", File(file))
        assert store.size("scenes/1/large") == size_bytes
        assert sent == [PART_BYTES] * 5

    def test_what_is_deleted_is_gone_and_may_be_deleted_again(self, store):
        store.save("a", ContentFile(b"x"))
        store.delete("a")
        store.delete("a")
        assert not store.exists("a")

    def test_nothing_is_written_outside_the_prefix(self, store):
        with pytest.raises(SuspiciousOperation):
            store.save("../other/a", ContentFile(b"x"))


class ListTests:
    def test_a_folder_lists_what_lies_directly_in_it(self, store):
        for key in ["frames/1/a.png", "frames/1/b.png", "frames/2/c.png"]:
            store.save(key, ContentFile(b"x"))
        assert store.listdir("frames") == (["1", "2"], [])
        assert store.listdir("frames/1") == ([], ["a.png", "b.png"])

    def test_the_time_of_a_file_is_aware(self, store):
        store.save("a", ContentFile(b"x"))
        assert store.get_modified_time("a").utcoffset() is not None


class FailureTests:
    @pytest.mark.parametrize("verb", ["open", "size", "get_modified_time"])
    def test_a_missing_file_is_told_at_once(self, store, verb):
        with pytest.raises(FileNotFoundError):
            getattr(store, verb)("not/here")

    def test_a_server_that_is_away_is_an_os_error(self, monkeypatch):
        monkeypatch.setattr(s3_store, "ATTEMPTS_MAX", 1)
        with socket.socket() as nobody_listens:
            nobody_listens.bind(("127.0.0.1", 0))
            away = S3Store(**options(f"http://127.0.0.1:{nobody_listens.getsockname()[1]}"))
            with pytest.raises(OSError, match="store failed"):
                away.exists("a")

    def test_a_bucket_that_is_not_there_is_an_os_error(self, s3_server):
        elsewhere = S3Store(**options(s3_server) | {"bucket_name": "nowhere"})
        with pytest.raises(OSError, match="store failed"):
            elsewhere.save("a", ContentFile(b"x"))
