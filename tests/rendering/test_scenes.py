"""Uploads become scenes; archives are taken apart without trust."""

import gzip
import io
import stat
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import zstandard
from django.core.files.storage import default_storage

from rendering import scenes, services, uploads
from rendering.errors import BadScene
from rendering.models import Asset, Upload
from rendering.scenes import kind_of, main_of, members_of, safe_path
from rendering.states import JobStatus
from rendering.uploads import UnfitUpload

OLD, NEW = b"BLENDER-v402" + bytes(500), b"BLENDER17-01v0500" + bytes(500)


def archive_of(*files, **attributes) -> zipfile.ZipFile:
    """An archive in memory of (name, content) pairs."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            info = zipfile.ZipInfo(name) if isinstance(name, str) else name
            archive.writestr(info, content, compress_type=zipfile.ZIP_DEFLATED)
    file.seek(0)
    return zipfile.ZipFile(file)


def paths(*files) -> list[str]:
    return [member.path for member in members_of(archive_of(*files), packed_bytes=1000)]


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


class SafePathTests:
    @pytest.mark.parametrize(
        "name", ["../a", "/a", "a/../../b", "C:\\a", "c:/a", "..\\a", "", "/", "a\x00b", "a\nb", "a/" * 40 + "b"]
    )
    def test_a_path_that_leaves_the_folder_is_refused(self, name):
        with pytest.raises(BadScene):
            safe_path(name)

    @pytest.mark.parametrize(
        ("name", "path"), [("a\\b.png", "a/b.png"), ("./a//b", "a/b"), ("ä.png", "ä.png"), ("a/..b/c", "a/..b/c")]
    )
    def test_a_harmless_one_is_made_plain(self, name, path):
        assert safe_path(name) == path


class MembersTests:
    def test_what_systems_add_is_left_out(self):
        assert paths(("a.blend", b"x"), ("__MACOSX/a", b"x"), ("t/.DS_Store", b"x"), ("t/", b""), ("t/b.png", b"x")) == [
            "a.blend",
            "t/b.png",
        ]

    def test_a_file_without_a_name_is_refused(self):
        archive = archive_of(("a.blend", b"x"))
        archive.infolist()[0].filename = ""
        with pytest.raises(BadScene, match="outside"):
            members_of(archive, packed_bytes=1000)

    def test_a_link_is_refused(self):
        link = zipfile.ZipInfo("tex")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        with pytest.raises(BadScene, match="link"):
            paths((link, b"/etc/passwd"))

    def test_a_bomb_is_refused_by_its_announcement(self):
        with pytest.raises(BadScene, match="far more"):
            members_of(archive_of(("a.blend", bytes(70 * 1024**2))), packed_bytes=70_000)

    def test_a_bomb_that_lies_is_stopped_while_unpacking(self, tmp_path):
        archive = archive_of(("a.blend", bytes(100_000)))
        archive.infolist()[0].file_size = 10
        [member] = members_of(archive, packed_bytes=1000)
        with pytest.raises(BadScene, match="damaged"):
            scenes.unpack(archive, member, tmp_path / "a")

    def test_the_same_path_twice_is_refused_whatever_its_case(self):
        with pytest.raises(BadScene, match="twice"):
            paths(("tex/A.png", b"x"), ("TEX/a.png", b"x"))

    def test_a_file_where_another_needs_a_folder_is_refused(self):
        with pytest.raises(BadScene, match="file and a folder"):
            paths(("tex", b"x"), ("tex/a.png", b"x"))

    def test_too_many_files_are_refused(self, monkeypatch):
        monkeypatch.setattr(scenes, "FILES_MAX", 3)
        with pytest.raises(BadScene, match="more than 3 files"):
            paths(*((f"{number}.png", b"x") for number in range(4)))

    def test_a_table_of_contents_that_would_fill_the_memory_is_not_read(self, monkeypatch, tmp_path):
        monkeypatch.setattr(scenes, "DIRECTORY_BYTES_MAX", 200)
        full = tmp_path / "full.zip"
        full.write_bytes(zip_bytes(*((f"{number}.png", b"") for number in range(9))))
        with pytest.raises(BadScene, match="files"):
            scenes.open_archive(full)

    @pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
    def test_unusual_compression_is_refused(self, method):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr("a.blend", b"x" * 100)
        with pytest.raises(BadScene, match="unusual"):
            members_of(zipfile.ZipFile(file), packed_bytes=1000)

    def test_a_flipped_bit_is_noticed(self, tmp_path):
        raw = bytearray(archive_of(("a.blend", b"hello world" * 99)).fp.getvalue())
        raw[45] ^= 0xFF
        broken = tmp_path / "b.zip"
        broken.write_bytes(raw)
        with scenes.open_archive(broken) as archive:
            [member] = members_of(archive, packed_bytes=len(raw))
            with pytest.raises(BadScene, match="damaged"):
                scenes.unpack(archive, member, tmp_path / "a")


class MainTests:
    def test_the_blend_nearest_to_the_top_is_rendered(self):
        assert main_of(["a/b/x.blend", "a/z.blend", "a/c.blend", "a/t.png"]) == "a/c.blend"

    def test_without_one_there_is_nothing_to_render(self):
        with pytest.raises(BadScene, match=r"no \.blend"):
            main_of(["a.png"])


# With the store -------------------------------------------------------------------------------------------------------


def uploaded(owner, content: bytes, name: str = "carousel.blend") -> Upload:
    upload = uploads.start_upload(owner=owner, name=name, size_bytes=len(content))
    uploads.append_to_upload(upload, offset=0, stream=io.BytesIO(content))
    return upload


def zip_bytes(*files) -> bytes:
    return archive_of(*files).fp.getvalue()


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
