"""A scene on its way to us: in chunks, resumable, its owner's alone."""

import json
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from rendering import uploads
from rendering.models import Job, Upload
from rendering.states import JobStatus
from rendering.uploads import UnfitUpload, partial_path, start_upload
from tests.builders import make_user

pytestmark = pytest.mark.django_db
CONTENT = b"BLENDER17-01v0501" + bytes(range(256)) * 40
SIZE = len(CONTENT)


@pytest.fixture
def browser(signed_in, alice):
    return signed_in(alice)


def create(browser, *, name="carousel.blend", size_bytes=SIZE):
    body = json.dumps({"name": name, "size_bytes": size_bytes})
    return browser.post(reverse("rendering:upload-create"), body, content_type="application/json")


def append(browser, url, content, *, offset):
    return browser.patch(url, content, content_type="application/offset+octet-stream", headers={"Upload-Offset": str(offset)})


class HostileCreateTests:
    @pytest.mark.parametrize("name", ["a\0.blend", "a\ud800.blend", "a\u202e.blend", "../tex/a.blend", "C:\\x\\a.blend"])
    def test_a_name_is_made_plain(self, browser, name):
        assert create(browser, name=name).status_code == 201
        assert Upload.objects.get().name == "a.blend"

    @pytest.mark.parametrize("size", ["1e999", "[]", "null", "-1", "99" * 40])
    def test_a_size_that_is_none_is_refused(self, browser, size):
        body = '{"name": "a.blend", "size_bytes": ' + size + "}"
        answer = browser.post(reverse("rendering:upload-create"), body, content_type="application/json")
        assert answer.status_code in {400, 422}

    def test_unfinished_uploads_of_one_account_are_bounded(self, browser, settings):
        settings.UPLOAD_BYTES_MAX = 1_000
        assert [create(browser, size_bytes=900).status_code for _ in range(5)] == [201] * 4 + [422]


class ResumableTests:
    def test_chunks_become_a_job_that_is_inspected(self, browser, alice):
        url = create(browser).json()["url"]
        first = append(browser, url, CONTENT[:4000], offset=0)
        assert (first.status_code, first["Upload-Offset"]) == (204, "4000")
        last = append(browser, url, CONTENT[4000:], offset=4000)
        job = Job.objects.get(owner=alice)
        assert last.json()["job_url"] == job.get_absolute_url()
        assert (job.name, job.status) == ("carousel", JobStatus.INSPECTING)

    def test_a_sender_that_comes_back_asks_where_it_stopped(self, browser):
        url = create(browser).json()["url"]
        append(browser, url, CONTENT[:123], offset=0)
        head = browser.head(url)
        assert (head["Upload-Offset"], head["Upload-Length"]) == ("123", str(len(CONTENT)))
        assert "no-store" in head["Cache-Control"]

    @pytest.mark.parametrize("offset", [0, 122, 124, 9_999_999])
    def test_a_chunk_at_the_wrong_place_changes_nothing(self, browser, offset):
        url = create(browser).json()["url"]
        append(browser, url, CONTENT[:123], offset=0)
        refused = append(browser, url, CONTENT[123:], offset=offset)
        assert (refused.status_code, refused["Upload-Offset"]) == (409, "123")
        assert browser.head(url)["Upload-Offset"] == "123"

    @pytest.mark.parametrize("offset", ["", "-", "ten"])
    def test_an_offset_that_is_no_number_is_refused(self, browser, offset):
        assert append(browser, create(browser).json()["url"], CONTENT, offset=offset).status_code == 400

    def test_more_than_was_announced_is_refused_and_forgotten(self, browser):
        url = create(browser, size_bytes=100).json()["url"]
        assert append(browser, url, CONTENT, offset=0).status_code == 413
        assert browser.head(url)["Upload-Offset"] == "0"

    def test_a_chunk_larger_than_a_chunk_may_be_is_refused(self, browser, settings):
        settings.CHUNK_BYTES_MAX = 1000
        url = create(browser).json()["url"]
        assert append(browser, url, CONTENT, offset=0).status_code == 413

    def test_the_answer_to_the_last_byte_may_be_lost(self, browser):
        url = create(browser).json()["url"]
        made = append(browser, url, CONTENT, offset=0).json()["job_url"]
        assert append(browser, url, CONTENT, offset=0).json()["job_url"] == made
        assert browser.head(url)["Job-Url"] == made
        assert Job.objects.count() == 1

    def test_a_file_that_is_no_scene_is_refused_in_words(self, browser):
        url = create(browser, size_bytes=5).json()["url"]
        refused = append(browser, url, b"hello", offset=0)
        assert refused.status_code == 422
        assert refused.json()["error"]
        assert not Job.objects.exists()


class CreateTests:
    @pytest.mark.parametrize(
        ("name", "size_bytes"), [("scene.exe", 10), ("scene.blend", 0), ("scene.blend", -1), ("scene.blend", 10**15)]
    )
    def test_what_cannot_become_a_scene_is_refused_before_a_byte_is_sent(self, browser, name, size_bytes):
        refused = create(browser, name=name, size_bytes=size_bytes)
        assert refused.status_code == 422
        assert not Upload.objects.exists()

    @pytest.mark.parametrize(
        "body", ["", "[]", "{}", '{"name": "a.blend"}', '{"name": "a.blend", "size_bytes": "much"}', "null"]
    )
    def test_nonsense_is_refused(self, browser, body):
        sent = browser.post(reverse("rendering:upload-create"), body, content_type="application/json")
        assert sent.status_code == 400

    def test_a_path_in_the_name_is_cut_off(self, alice):
        upload = start_upload(owner=alice, name=r"C:\secret\..\scene.blend", size_bytes=1)
        assert upload.name == "scene.blend"
        assert partial_path(upload).name == f"upload-{upload.pk}"

    def test_many_uploads_within_an_hour_are_too_many(self, browser, monkeypatch):
        monkeypatch.setattr("rendering.views.uploads.UPLOADS_PER_HOUR", 2)
        assert [create(browser).status_code for _ in range(3)] == [201, 201, 429]

    def test_the_plain_form_counts_too(self, browser, monkeypatch):
        monkeypatch.setattr("rendering.views.uploads.UPLOADS_PER_HOUR", 1)
        create(browser)
        refused = browser.post(reverse("rendering:job-new"), {"file": SimpleUploadedFile("scene.blend", CONTENT)})
        assert refused.status_code == 422
        assert b"many uploads" in refused.content


class StrangerTests:
    def test_a_strangers_upload_does_not_exist(self, browser, signed_in, mallory, sam):
        url = create(browser).json()["url"]
        for other in (mallory, sam):
            assert signed_in(other).head(url).status_code == 404
            assert append(signed_in(other), url, CONTENT, offset=0).status_code == 404
        assert Upload.objects.get().received_bytes == 0

    def test_nobody_is_sent_to_sign_in(self, client):
        assert create(client).status_code == 302
        assert not Upload.objects.exists()

    def test_get_is_not_a_way_to_read_it_back(self, browser):
        assert browser.get(create(browser).json()["url"]).status_code == 405


class PlainFormTests:
    def test_one_form_is_enough_without_a_script(self, browser, alice):
        sent = browser.post(reverse("rendering:job-new"), {"file": SimpleUploadedFile("carousel.blend", CONTENT)})
        job = Job.objects.get(owner=alice)
        assert sent["Location"] == job.get_absolute_url()
        assert partial_path(job.scene.upload).read_bytes() == CONTENT

    def test_a_file_in_several_blocks_arrives_whole(self, monkeypatch):
        from rendering.views.uploads import receive_whole

        monkeypatch.setattr("rendering.views.uploads.CHUNK_BYTES", 1000)
        job = receive_whole(make_user("alice"), SimpleUploadedFile("carousel.blend", CONTENT))
        assert partial_path(job.scene.upload).read_bytes() == CONTENT

    @pytest.mark.parametrize(("name", "content"), [("scene.txt", b"x"), ("scene.blend", b""), ("scene.blend", b"no blend")])
    def test_a_refusal_is_shown_beside_the_field(self, browser, name, content):
        sent = browser.post(reverse("rendering:job-new"), {"file": SimpleUploadedFile(name, content)})
        assert sent.status_code == 422
        assert b"upload-problem" in sent.content
        assert not Job.objects.exists()


def test_the_partial_file_is_the_truth(alice):
    upload = start_upload(owner=alice, name="a.blend", size_bytes=10)
    uploads.append_to_upload(upload, offset=0, stream=BytesIO(b"12345"))
    Upload.objects.filter(pk=upload.pk).update(received_bytes=0)
    assert uploads.offset_of(upload) == 5


def test_an_upload_larger_than_the_limit_says_the_limit(alice, settings):
    settings.UPLOAD_BYTES_MAX = 10 * 1024**2
    with pytest.raises(UnfitUpload, match="10 MiB"):
        start_upload(owner=alice, name="a.blend", size_bytes=11 * 1024**2)
