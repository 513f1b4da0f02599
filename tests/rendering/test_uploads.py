"""A scene on its way to us: announced with hashes, in parts that go on anywhere, its owner's alone."""

import hashlib
import json
import threading
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.urls import reverse

from rendering import quotas, uploads
from rendering.models import Job, Upload
from rendering.states import JobStatus
from rendering.uploads import UnfitUpload, partial_path, start_upload
from tests.builders import make_scene, make_user

pytestmark = pytest.mark.django_db
CONTENT = b"BLENDER17-01v0500" + bytes(range(256)) * 40 + b"ENDB"
SIZE = len(CONTENT)
PART = 4_000  # bytes, where a test makes parts small


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def browser(signed_in, alice):
    return signed_in(alice)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(uploads, "PART_BYTES", PART)


def create(browser, *, name="carousel.blend", size_bytes=SIZE, content=CONTENT):
    return announce(browser, [[name, size_bytes, sha256(content)]])


def announce(browser, files, **more):
    body = json.dumps({"files": files, **more})
    return browser.post(reverse("rendering:upload-create"), body, content_type="application/json")


def send(browser, url, content, *, file=0, part=0, offset=0):
    return browser.patch(
        f"{url}{file}/{part}/", content, content_type="application/offset+octet-stream", headers={"Upload-Offset": str(offset)}
    )


def finish(browser, url):
    return browser.post(f"{url}finish/")


def offset_of(browser, url, *, file=0, part=0) -> int:
    wanted = {item["number"]: item["parts"] for item in browser.get(url).json()["send"]}
    return wanted[file].get(str(part), 0)


class PartsTests:
    def test_parts_come_in_any_order_and_become_a_job(self, browser, alice, small_parts):
        url = create(browser).json()["url"]
        for part in (2, 0, 1):
            assert send(browser, url, CONTENT[part * PART : (part + 1) * PART], part=part).status_code == 204
        answer = finish(browser, url)
        job = Job.objects.get(owner=alice)
        assert answer.json()["job_url"] == job.get_absolute_url()
        assert (job.name, job.status) == ("carousel", JobStatus.INSPECTING)
        assert uploads.joined(job.scene.upload, 0).read_bytes() == CONTENT

    def test_a_cut_upload_goes_on_at_any_byte(self, browser, small_parts):
        url = create(browser).json()["url"]
        send(browser, url, CONTENT[PART : PART + 123], part=1)
        again = create(browser).json()
        assert (again["url"], again["send"][0]["parts"]) == (url, {"1": 123})
        send(browser, url, CONTENT[PART + 123 : 2 * PART], part=1, offset=123)
        send(browser, url, CONTENT[:PART])
        send(browser, url, CONTENT[2 * PART :], part=2)
        assert finish(browser, url).status_code == 200

    def test_a_file_in_parts_is_looked_at_as_one(self, alice, small_parts):
        upload = start_upload(owner=alice, name="a.blend", size_bytes=SIZE)
        for part in range(3):
            uploads.append_to_upload(upload, part=part, offset=0, stream=BytesIO(CONTENT[part * PART : (part + 1) * PART]))
        with uploads.opened(upload, 0) as file:
            assert file.read() == CONTENT
            file.seek(PART - 5)
            assert file.read(10) == CONTENT[PART - 5 : PART + 5]
            file.seek(-4, 2)
            assert file.read() == b"ENDB"

    def test_a_line_that_breaks_in_the_middle_leaves_what_arrived(self, alice):
        class Broken(BytesIO):
            def read(self, size=-1):
                if self.tell():
                    raise OSError("the line broke")
                return super().read(123)

        upload = start_upload(owner=alice, name="a.blend", size_bytes=SIZE)
        with pytest.raises(OSError, match="broke"):
            uploads.append_to_upload(upload, offset=0, stream=Broken(CONTENT))
        assert uploads.arrived(upload) == {(0, 0): 123}

    @pytest.mark.parametrize("offset", [0, 122, 124, 9_999_999])
    def test_bytes_at_the_wrong_place_change_nothing(self, browser, offset):
        url = create(browser).json()["url"]
        send(browser, url, CONTENT[:123])
        refused = send(browser, url, CONTENT[123:], offset=offset)
        assert (refused.status_code, refused["Upload-Offset"]) == (409, "123")
        assert offset_of(browser, url) == 123

    @pytest.mark.parametrize("offset", ["", "-", "ten"])
    def test_an_offset_that_is_no_number_is_refused(self, browser, offset):
        assert send(browser, create(browser).json()["url"], CONTENT, offset=offset).status_code == 400

    def test_more_than_was_announced_is_refused_and_forgotten(self, browser):
        url = create(browser, size_bytes=100).json()["url"]
        assert send(browser, url, CONTENT).status_code == 413
        assert offset_of(browser, url) == 0

    @pytest.mark.parametrize(("file", "part"), [(0, 1), (1, 0), (99_999, 99_999)])
    def test_a_part_that_was_not_announced_is_refused(self, browser, file, part):
        assert send(browser, create(browser).json()["url"], b"x", file=file, part=part).status_code == 413

    def test_a_request_larger_than_one_may_be_is_refused(self, browser, settings):
        settings.CHUNK_BYTES_MAX = 1000
        assert send(browser, create(browser).json()["url"], CONTENT).status_code == 413

    def test_it_is_not_finished_while_parts_are_missing(self, browser, small_parts):
        url = create(browser).json()["url"]
        send(browser, url, CONTENT[:PART])
        refused = finish(browser, url)
        assert refused.status_code == 409
        assert refused.json()["send"][0]["parts"] == {"0": PART}
        assert not Job.objects.exists()

    def test_the_last_answer_may_be_lost_even_when_the_upload_is_gone(self, browser):
        url = create(browser).json()["url"]
        send(browser, url, CONTENT)
        made = finish(browser, url).json()
        assert finish(browser, url).json() == made
        uploads.forget_upload(Upload.objects.get())
        assert finish(browser, url).json() == made == browser.get(url).json()
        assert Job.objects.count() == 1

    def test_a_file_that_is_no_scene_is_refused_in_words_and_forgotten(self, browser):
        url = create(browser, size_bytes=5, content=b"hello").json()["url"]
        send(browser, url, b"hello")
        refused = finish(browser, url)
        assert refused.status_code == 422
        assert "neither" in refused.json()["error"]
        assert not Job.objects.exists()
        assert not Upload.objects.exists()

    def test_a_limit_of_the_account_does_not_cost_the_upload(self, browser, monkeypatch):
        url = create(browser).json()["url"]
        send(browser, url, CONTENT)
        monkeypatch.setattr(quotas, "DRAFTS_MAX", 0)
        assert finish(browser, url).status_code == 422
        assert Upload.objects.exists()


class TwoTabsTests:
    def test_the_same_files_are_one_upload(self, browser):
        first, second = create(browser).json()["url"], create(browser).json()["url"]
        assert first == second
        assert Upload.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_two_senders_of_one_part_leave_it_whole(self, alice):
        """One writes, the other is told to come back; whoever loses every time has nothing left to do."""
        upload = start_upload(owner=alice, name="a.blend", size_bytes=SIZE, sha256=sha256(CONTENT))

        def insist():
            try:
                while (offset := uploads.arrived(upload).get((0, 0), 0)) < SIZE:
                    try:
                        uploads.append_to_upload(upload, offset=offset, stream=BytesIO(CONTENT[offset : offset + 700]))
                    except uploads.resumable.OffsetMismatch:
                        continue
            finally:
                connections.close_all()

        tabs = [threading.Thread(target=insist) for _ in range(2)]
        for tab in tabs:
            tab.start()
        for tab in tabs:
            tab.join()
        assert partial_path(upload).read_bytes() == CONTENT


class AnnounceTests:
    @pytest.mark.parametrize("name", ["a\0.blend", "a\ud800.blend", "a\u202e.blend"])
    def test_a_name_is_made_plain(self, browser, name):
        assert create(browser, name=name).status_code == 201
        assert Upload.objects.get().name == "a.blend"

    @pytest.mark.parametrize("name", ["../tex/a.blend", "/etc/a.blend", "C:\\x\\a.blend", "a/../../b.blend"])
    def test_a_path_that_leaves_the_scene_is_refused(self, browser, name):
        refused = create(browser, name=name)
        assert refused.status_code == 422
        assert "outside" in refused.json()["error"]

    @pytest.mark.parametrize(
        ("name", "size_bytes"), [("scene.exe", 10), ("scene.blend", 0), ("scene.blend", -1), ("scene.blend", 10**15)]
    )
    def test_what_cannot_become_a_scene_is_refused_before_a_byte_is_sent(self, browser, name, size_bytes):
        assert create(browser, name=name, size_bytes=size_bytes).status_code == 422
        assert not Upload.objects.exists()

    @pytest.mark.parametrize(
        "body",
        ["", "[]", "{}", "null", '{"files": []}', '{"files": [1]}', '{"files": [["a.blend", "much", ""]]}']
        + [f'{{"files": [["a.blend", {size}, ""]]}}' for size in ("1e999", "[]", "null")]
        + ["[" * 100_000],
        ids=range(11),
    )
    def test_nonsense_is_refused(self, browser, body):
        sent = browser.post(reverse("rendering:upload-create"), body, content_type="application/json")
        assert sent.status_code == 400

    @pytest.mark.parametrize("digest", ["x" * 64, "ab", "../" * 21 + "a"])
    def test_a_hash_that_is_none_is_refused(self, browser, digest):
        assert announce(browser, [["a.blend", 9, digest]]).status_code == 422

    @pytest.mark.parametrize("names", [["a.blend", "A.blend"], ["a.blend", "a.blend/b.png"], ["a.blend", "b.zip"]])
    def test_files_that_do_not_fit_together_are_refused(self, browser, names):
        assert announce(browser, [[name, 9, sha256(b"x")] for name in names]).status_code == 422

    def test_too_many_files_are_refused(self, browser, monkeypatch):
        monkeypatch.setattr(uploads, "FILES_MAX", 2)
        refused = announce(browser, [[f"{number}.blend", 9, sha256(b"x")] for number in range(3)])
        assert refused.status_code == 422

    def test_only_unknown_files_are_asked_for_and_a_strangers_are_unknown(self, browser, signed_in, alice, mallory):
        make_scene(alice, content=CONTENT)
        files = [["a.blend", SIZE, sha256(CONTENT)], ["wood.png", 4, sha256(b"wood")]]
        assert [item["path"] for item in announce(browser, files).json()["send"]] == ["wood.png"]
        assert len(announce(signed_in(mallory), files).json()["send"]) == 2

    def test_the_same_file_again_is_a_new_job_without_a_byte(self, browser, alice):
        make_scene(alice, content=CONTENT)
        answer = create(browser).json()
        assert answer["send"] == []
        assert finish(browser, answer["url"]).json()["job_url"] == Job.objects.get().get_absolute_url()

    def test_the_chosen_file_is_rendered(self, browser):
        files = [["show/a.blend", 9, sha256(b"a")], ["show/b.blend", 9, sha256(b"b")]]
        announce(browser, files, main="show/b.blend")
        assert Upload.objects.get().files[0][0] == "show/b.blend"


class LimitTests:
    def test_many_uploads_within_an_hour_are_too_many(self, browser, monkeypatch):
        monkeypatch.setattr("rendering.views.uploads.UPLOADS_PER_HOUR", 2)
        assert [create(browser).status_code for _ in range(3)] == [201, 201, 429]

    def test_the_plain_form_counts_too(self, browser, monkeypatch):
        monkeypatch.setattr("rendering.views.uploads.UPLOADS_PER_HOUR", 1)
        create(browser)
        refused = browser.post(reverse("rendering:job-new"), {"file": SimpleUploadedFile("scene.blend", CONTENT)})
        assert refused.status_code == 422
        assert b"many uploads" in refused.content

    def test_unfinished_uploads_of_one_account_are_bounded(self, browser, monkeypatch):
        monkeypatch.setattr(quotas, "UPLOADS_MAX", 2)
        answers = [create(browser, content=bytes([number])) for number in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 422]
        assert "unfinished" in answers[-1].json()["error"]

    @pytest.mark.django_db(transaction=True)
    def test_announced_at_once_they_are_bounded_too(self, alice, monkeypatch):
        monkeypatch.setattr(quotas, "UPLOADS_MAX", 1)
        together, refused = threading.Barrier(4), []

        def announce_one(number: int) -> None:
            try:
                together.wait(60)
                start_upload(owner=alice, name=f"{number}.blend", size_bytes=SIZE)
            except UnfitUpload as error:
                refused.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=announce_one, args=[number]) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (Upload.objects.count(), len(refused)) == (1, 3)

    def test_a_full_account_says_what_to_delete(self, browser, alice, settings):
        make_scene(alice, name="old.blend", content=b"BLENDER17-01v0500" + bytes(900))
        settings.STORED_BYTES_MAX = 1_000
        refused = create(browser)
        assert refused.status_code == 422
        assert "old.blend" in refused.json()["error"]

    def test_the_page_shows_what_is_used(self, browser, alice, settings):
        settings.STORED_BYTES_MAX = 2_000_000
        make_scene(alice, content=b"BLENDER17-01v0500" + bytes(999_983))
        page = browser.get(reverse("rendering:job-new")).content.decode()
        assert "1.0 MB of 2.0 MB" in page

    def test_an_upload_larger_than_the_limit_says_the_limit(self, alice, settings):
        settings.UPLOAD_BYTES_MAX = 10 * 1024**2
        with pytest.raises(UnfitUpload, match="10 MiB"):
            start_upload(owner=alice, name="a.blend", size_bytes=11 * 1024**2)


class ForgetTests:
    def test_an_unfinished_upload_is_listed_and_can_be_forgotten(self, browser):
        url = create(browser).json()["url"]
        send(browser, url, CONTENT[: SIZE // 2 + 1])
        folder = uploads.folder_of(Upload.objects.get())
        assert b"50 % of" in browser.get(reverse("rendering:job-new")).content
        browser.post(f"{url}forget/")
        assert not Upload.objects.exists()
        assert not folder.exists()


class StrangerTests:
    def test_a_strangers_upload_does_not_exist(self, browser, signed_in, mallory, sam):
        url = create(browser).json()["url"]
        for other in (mallory, sam):
            assert signed_in(other).get(url).status_code == 404
            assert send(signed_in(other), url, CONTENT).status_code == 404
            assert finish(signed_in(other), url).status_code == 404
        assert Upload.objects.get().received_bytes == 0

    def test_nobody_is_sent_to_sign_in(self, client):
        assert create(client).status_code == 302
        assert not Upload.objects.exists()


class PlainFormTests:
    def test_one_form_is_enough_without_a_script(self, browser, alice):
        sent = browser.post(reverse("rendering:job-new"), {"file": SimpleUploadedFile("carousel.blend", CONTENT)})
        job = Job.objects.get(owner=alice)
        assert sent["Location"] == job.get_absolute_url()
        assert uploads.joined(job.scene.upload, 0).read_bytes() == CONTENT

    def test_a_file_in_several_blocks_arrives_whole(self, small_parts):
        from rendering.views.uploads import receive_whole

        job = receive_whole(make_user("alice"), SimpleUploadedFile("carousel.blend", CONTENT))
        assert uploads.joined(job.scene.upload, 0).read_bytes() == CONTENT

    @pytest.mark.parametrize(("name", "content"), [("scene.txt", b"x"), ("scene.blend", b""), ("scene.blend", b"no blend")])
    def test_a_refusal_is_shown_beside_the_field(self, browser, name, content):
        sent = browser.post(reverse("rendering:job-new"), {"file": SimpleUploadedFile(name, content)})
        assert sent.status_code == 422
        assert b"upload-problem" in sent.content
        assert not Job.objects.exists()


def test_the_partial_files_are_the_truth(alice):
    upload = start_upload(owner=alice, name="a.blend", size_bytes=10)
    uploads.append_to_upload(upload, offset=0, stream=BytesIO(b"12345"))
    Upload.objects.filter(pk=upload.pk).update(received_bytes=0)
    assert uploads.received_bytes(upload) == 5
