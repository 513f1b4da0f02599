"""/files/<token>: scenes out in ranges, frames in by chunks, nothing kept that is not what was announced."""

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client, override_settings

from common import clock
from common.file_urls import sign_file_url
from workers import transfers

BODY = b"0123456789" * 10


@pytest.fixture
def store(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "files"}}
    }
    with override_settings(STORAGES=settings.STORAGES):
        yield default_storage


def url(method: str, *, key: str = "frames/1.png", body: bytes = BODY, **changes) -> str:
    sha256 = hashlib.sha256(body).hexdigest()
    row = {"method": method, "storage_key": key, "sha256": sha256, "size_bytes": len(body), "now": clock.now()} | changes
    return sign_file_url(**row).removeprefix("http://testserver")


def patch(address: str, body: bytes, offset: int):
    return Client(enforce_csrf_checks=True).patch(
        address, body, content_type="application/offset+octet-stream", headers={"Upload-Offset": str(offset)}
    )


class DownloadTests:
    def test_a_file_is_sent_whole(self, store):
        store.save("scenes/a", ContentFile(BODY))
        answer = Client().get(url("GET", key="scenes/a"))
        assert (answer.status_code, b"".join(answer.streaming_content)) == (200, BODY)

    @pytest.mark.parametrize(
        ("asked", "status", "body"),
        [
            ("bytes=95-", 206, b"56789"),
            ("bytes=0-4", 206, b"01234"),
            ("bytes=98-500", 206, b"89"),
            ("bytes=100-", 416, None),
            ("nonsense", 200, BODY),
        ],
    )
    def test_a_broken_download_goes_on_where_it_stopped(self, store, asked, status, body):
        store.save("scenes/a", ContentFile(BODY))
        answer = Client().get(url("GET", key="scenes/a"), headers={"Range": asked})
        assert answer.status_code == status
        assert body is None or b"".join(answer.streaming_content) == body

    def test_a_missing_file_is_not_found(self, store):
        assert Client().get(url("GET", key="scenes/none")).status_code == 404

    def test_a_token_for_sending_does_not_fetch(self, store):
        assert Client().get(url("PATCH")).status_code == 403

    def test_a_forged_token_opens_nothing(self, store):
        assert Client().get(url("GET")[:-3] + "abc").status_code == 403


class UploadTests:
    def test_a_frame_arrives_in_chunks_and_is_kept(self, store):
        address = url("PATCH")
        assert patch(address, BODY[:60], 0).headers["Upload-Offset"] == "60"
        assert Client().head(address).headers["Upload-Offset"] == "60"
        assert not store.exists("frames/1.png")
        assert patch(address, BODY[60:], 60).status_code == 204
        assert store.open("frames/1.png").read() == BODY
        assert Client().head(address).headers["Upload-Offset"] == "100"

    def test_the_last_chunk_may_be_repeated(self, store):
        address = url("PATCH")
        patch(address, BODY, 0)
        assert patch(address, b"", 100).status_code == 204
        assert patch(address, BODY[60:], 60).headers["Upload-Offset"] == "100"
        assert store.listdir("frames")[1] == ["1.png"]

    def test_a_renewed_url_goes_on_with_the_same_upload(self, store):
        patch(url("PATCH"), BODY[:60], 0)
        assert patch(url("PATCH", attempt=1), BODY[60:], 60).status_code == 204
        assert store.exists("frames/1.png")

    def test_a_chunk_at_the_wrong_place_is_told_the_right_one(self, store):
        patch(url("PATCH"), BODY[:60], 0)
        answer = patch(url("PATCH"), BODY[50:], 50)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "60")

    def test_bytes_with_another_hash_are_not_kept(self, store):
        address = url("PATCH")
        assert patch(address, b"x" * 100, 0).status_code == 422
        assert not store.exists("frames/1.png")
        assert Client().head(address).headers["Upload-Offset"] == "0"

    def test_more_bytes_than_announced_are_refused(self, store):
        assert patch(url("PATCH"), BODY + b"!", 0).status_code == 413
        assert not store.exists("frames/1.png")

    def test_a_token_for_fetching_does_not_send(self, store):
        assert patch(url("GET"), BODY, 0).status_code == 403

    def test_a_chunk_without_an_offset_is_refused(self, store):
        assert Client().patch(url("PATCH"), BODY).status_code == 400

    def test_uploads_that_nobody_finishes_are_swept(self, store):
        patch(url("PATCH"), BODY[:60], 0)
        assert transfers.drop_stale_partials() == 0
        assert transfers.drop_stale_partials(now_seconds=clock.now().timestamp() + 2 * 86_400) == 1
