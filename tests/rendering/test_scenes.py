"""Uploads become scenes; archives are taken apart without trust."""

import gzip
import hashlib
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import zstandard
from django.core.files.storage import default_storage

from rendering import scenes, services, uploads
from rendering.errors import BadScene
from rendering.models import Asset, Upload
from rendering.scenes import kind_of, main_of
from rendering.states import JobStatus
from rendering.uploads import UnfitUpload

OLD, NEW = b"BLENDER-v402" + bytes(500) + b"ENDB", b"BLENDER17-01v0500" + bytes(500) + b"ENDB"


def zip_bytes(*files) -> bytes:
    """An archive of (name, content) pairs."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return file.getvalue()


class KindTests:
    @pytest.mark.parametrize(
        "head",
        [
            OLD,
            NEW,
            b"BLENDER_V279" + bytes(9),
            gzip.compress(OLD, mtime=0),
            zstandard.compress(NEW),
            zstandard.compress(OLD * 5000)[:4096],
        ],
    )
    def test_a_blend_is_known_by_its_first_bytes_also_compressed(self, head):
        assert kind_of(head) == "blend"

    @pytest.mark.parametrize(
        "head",
        [b"", b"BLENDER", b"BLENDERxyz", b"%PDF", gzip.compress(b"tar", mtime=0), zstandard.compress(b"x"), b"\x1f\x8bbroken"],
    )
    def test_anything_else_is_not(self, head):
        assert kind_of(head) == ""

    def test_a_bomb_in_its_first_bytes_is_not_unpacked(self):
        block = ((128 * 1024) << 3 | 1 << 1).to_bytes(3, "little") + b"B"  # 128 KiB of one letter in four bytes
        bomb = b"\x28\xb5\x2f\xfd\x00\x58" + block * 2_000  # 8 KB hold 250 MB
        tracemalloc.start()
        try:
            assert kind_of(bomb) == ""
            assert tracemalloc.get_traced_memory()[1] < 16 * 1024**2
        finally:
            tracemalloc.stop()

    def test_an_archive_is_known(self):
        assert kind_of(b"PK\x03\x04...") == "zip"


class MainTests:
    def test_the_blend_nearest_to_the_top_is_rendered(self):
        assert main_of(["a/b/x.blend", "a/z.blend", "a/c.blend", "a/t.png"]) == "a/c.blend"

    def test_the_one_that_its_creator_chose_is_rendered(self):
        assert main_of(["a/z.blend", "b.blend"], first="a/z.blend") == "a/z.blend"

    def test_an_archive_in_an_archive_is_not_opened_and_that_is_said(self):
        with pytest.raises(BadScene, match=r"another archive: inner\.zip"):
            main_of(["inner.zip", "a.png"])

    def test_without_one_there_is_nothing_to_render(self):
        with pytest.raises(BadScene, match=r"no \.blend"):
            main_of(["a.png"])


# With the store -------------------------------------------------------------------------------------------------------


def uploaded(owner, content: bytes, name: str = "carousel.blend") -> Upload:
    upload = uploads.start_upload(owner=owner, name=name, size_bytes=len(content))
    uploads.append_to_upload(upload, offset=0, stream=io.BytesIO(content))
    return upload


@pytest.mark.django_db
class StoreSceneTests:
    def test_a_blend_is_stored_under_its_hash_and_its_owner(self, alice):
        job = services.create_job_from_upload(uploaded(alice, NEW))
        assert (job.status, job.name) == (JobStatus.INSPECTING, "carousel")
        scenes.store_scene(job.scene)
        [file] = job.scene.files.all()
        assert file.path == job.scene.main_path == "carousel.blend"
        assert default_storage.open(f"scenes/{alice.pk}/{file.asset.sha256}").read() == NEW

    def test_the_upload_is_gone_afterwards_and_storing_again_is_harmless(self, alice):
        upload = uploaded(alice, NEW)
        partial = uploads.partial_path(upload)
        job = services.create_job_from_upload(upload)
        scenes.store_scene(job.scene)
        job.scene.refresh_from_db()
        scenes.store_scene(job.scene)
        assert not Upload.objects.exists()
        assert not Path(partial).exists()
        assert job.scene.files.count() == 1

    def test_an_unchanged_file_is_kept_once_per_owner_and_never_shared(self, alice, mallory):
        for owner in (alice, alice, mallory):
            scenes.store_scene(services.create_job_from_upload(uploaded(owner, NEW)).scene)
        assert Asset.objects.filter(owner=alice).count() == 1
        assert Asset.objects.filter(owner=mallory).count() == 1
        assert len(set(Asset.objects.values_list("storage_key", flat=True))) == 2

    def test_an_archive_brings_its_files_along(self, alice):
        content = zip_bytes(("show/main.blend", NEW), ("show/tex/wood.png", b"wood"))
        job = services.create_job_from_upload(uploaded(alice, content, "show.zip"))
        scenes.store_scene(job.scene)
        assert list(job.scene.files.values_list("path", flat=True)) == ["show/main.blend", "show/tex/wood.png"]
        assert job.scene.main_path == "show/main.blend"
        assert len(job.scene.scene_key) == 64

    def test_two_calls_for_one_upload_make_one_job(self, alice):
        upload = uploaded(alice, NEW)
        assert services.create_job_from_upload(upload) == services.create_job_from_upload(upload)

    @pytest.mark.parametrize("content", [b"%PDF-1.7", b"BLENDER"])
    def test_a_wrong_file_is_refused_at_once(self, alice, content):
        with pytest.raises(UnfitUpload, match="neither"):
            services.create_job_from_upload(uploaded(alice, content))

    def test_half_an_upload_makes_no_job(self, alice):
        upload = uploads.start_upload(owner=alice, name="a.blend", size_bytes=100)
        with pytest.raises(UnfitUpload, match="not complete"):
            services.create_job_from_upload(upload)

    def test_too_many_unsubmitted_jobs_are_refused(self, alice, monkeypatch):
        monkeypatch.setattr("rendering.quotas.DRAFTS_MAX", 1)
        services.create_job_from_upload(uploaded(alice, NEW))
        with pytest.raises(UnfitUpload, match="not submitted"):
            services.create_job_from_upload(uploaded(alice, OLD))

    def test_several_files_keep_their_places(self, alice):
        files = [
            ("show/tex/wood.png", b"wood"),
            ("show/main.blend", NEW),
            ("show/lib/tree.blend", OLD),
            ("show/empty.txt", b""),
        ]
        job = services.create_job_from_upload(uploaded_files(alice, files, main="show/main.blend"))
        scenes.store_scene(job.scene)
        assert (job.name, job.scene.main_path) == ("main", "show/main.blend")
        assert set(job.scene.files.values_list("path", flat=True)) == {path for path, _ in files}

    def test_what_is_known_is_not_sent_again_and_never_a_strangers(self, alice, mallory):
        files = [("a.blend", NEW), ("wood.png", b"wood")]
        scenes.store_scene(services.create_job_from_upload(uploaded_files(alice, files)).scene)
        again = uploads.begin_upload(alice, announced(files))
        assert (uploads.missing(again), again.size_bytes) == ([], 0)
        scene = services.create_job_from_upload(again).scene
        scenes.store_scene(scene)
        assert scene.files.count() == 2
        assert uploads.missing(uploads.begin_upload(mallory, announced(files))) == [0, 1]

    def test_an_archive_that_came_before_is_not_sent_again(self, alice):
        content = zip_bytes(("main.blend", NEW), ("tex/wood.png", b"wood"))
        scenes.store_scene(services.create_job_from_upload(uploaded(alice, content, "show.zip")).scene)
        again = uploads.begin_upload(alice, announced([("other.zip", content)]))
        assert uploads.missing(again) == []
        scene = services.create_job_from_upload(again).scene
        scenes.store_scene(scene)
        assert (scene.main_path, scene.files.count()) == ("main.blend", 2)

    def test_what_was_deleted_while_the_upload_ran_is_asked_for_again(self, alice):
        files = [("a.blend", NEW)]
        first = services.create_job_from_upload(uploaded_files(alice, files)).scene
        scenes.store_scene(first)
        job = services.create_job_from_upload(uploads.begin_upload(alice, announced(files)))
        first.files.all().delete()
        services.drop_assets(Asset.objects.values_list("pk", flat=True))
        with pytest.raises(BadScene, match="Upload it again"):
            scenes.store_scene(job.scene)

    def test_bytes_that_are_not_those_announced_are_refused(self, alice):
        upload = uploads.begin_upload(alice, announced([("a.blend", NEW)]))
        uploads.append_to_upload(upload, offset=0, stream=io.BytesIO(NEW[:90] + b"x" + NEW[91:]))
        job = services.create_job_from_upload(upload)
        with pytest.raises(BadScene, match="changed on its way"):
            scenes.store_scene(job.scene)
        assert not Asset.objects.exists()

    def test_parts_are_joined_also_after_a_crash_between_them(self, alice, monkeypatch):
        monkeypatch.setattr(uploads, "PART_BYTES", 100)
        upload = uploaded_files(alice, [("a.blend", NEW)])
        job = services.create_job_from_upload(upload)
        with open(uploads.partial_path(upload), "r+b") as whole:  # one part was moved and not removed yet
            uploads._move_behind(whole, uploads.partial_path(upload, 0, 1), at=100)
        scenes.store_scene(job.scene)
        assert default_storage.open(job.scene.files.get().asset.storage_key).read() == NEW

    def test_an_archive_that_unpacks_past_the_quota_is_refused_in_words(self, alice, settings):
        settings.STORED_BYTES_MAX = 2_000
        content = zip_bytes(("main.blend", NEW + bytes(5_000)))
        job = services.create_job_from_upload(uploaded(alice, content, "show.zip"))
        with pytest.raises(BadScene, match="Unpacked"):
            scenes.store_scene(job.scene)


def announced(files) -> list[uploads.Announced]:
    return [uploads.Announced(path, len(content), hashlib.sha256(content).hexdigest()) for path, content in files]


def uploaded_files(owner, files, main: str = "") -> Upload:
    """Announced with their hashes, and every part sent."""
    upload = uploads.begin_upload(owner, announced(files), main=main)
    contents = dict(files)
    for number, file in enumerate(uploads.files_of(upload)):
        for part, start in enumerate(range(0, file.size_bytes, uploads.PART_BYTES)):
            block = io.BytesIO(contents[file.path][start : start + uploads.PART_BYTES])
            uploads.append_to_upload(upload, file=number, part=part, offset=0, stream=block)
    return upload
