"""Archives of strangers: what is refused, and that nothing they say is believed."""

import io
import stat
import zipfile

import pytest

from rendering import unpacking
from rendering.errors import BadScene
from rendering.unpacking import members_of, safe_path


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
            unpacking.unpack(archive, member, tmp_path / "a")

    def test_the_same_path_twice_is_refused_whatever_its_case(self):
        with pytest.raises(BadScene, match="twice"):
            paths(("tex/A.png", b"x"), ("TEX/a.png", b"x"))

    def test_a_file_where_another_needs_a_folder_is_refused(self):
        with pytest.raises(BadScene, match="file and a folder"):
            paths(("tex", b"x"), ("tex/a.png", b"x"))

    def test_too_many_files_are_refused(self, monkeypatch):
        monkeypatch.setattr(unpacking, "FILES_MAX", 3)
        with pytest.raises(BadScene, match="more than 3 files"):
            paths(*((f"{number}.png", b"x") for number in range(4)))

    def test_a_table_of_contents_that_would_fill_the_memory_is_not_read(self, monkeypatch, tmp_path):
        monkeypatch.setattr(unpacking, "DIRECTORY_BYTES_MAX", 200)
        full = tmp_path / "full.zip"
        full.write_bytes(archive_of(*((f"{number}.png", b"") for number in range(9))).fp.getvalue())
        with pytest.raises(BadScene, match="files"):
            unpacking.open_archive(full)

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
        with unpacking.open_archive(broken) as archive:
            [member] = members_of(archive, packed_bytes=len(raw))
            with pytest.raises(BadScene, match="damaged"):
                unpacking.unpack(archive, member, tmp_path / "a")

    def test_an_encrypted_archive_is_refused(self):
        archive = archive_of(("a.blend", b"x"))
        archive.infolist()[0].flag_bits |= 1
        with pytest.raises(BadScene, match="password"):
            members_of(archive, packed_bytes=1000)

    def test_names_in_utf8_that_do_not_say_so_are_read_as_such(self):
        archive = archive_of(("a.blend", b"x"))
        archive.infolist()[0].filename = "hölzern.blend".encode().decode("cp437")
        assert [member.path for member in members_of(archive, packed_bytes=1000)] == ["hölzern.blend"]

    def test_names_in_an_old_code_page_stay_as_they_are(self):
        assert paths(("plain.blend", b"x")) == ["plain.blend"]

    def test_an_unpacked_size_beyond_the_limit_is_refused(self, monkeypatch):
        monkeypatch.setattr(unpacking, "UNPACKED_BYTES_MAX", 10)
        with pytest.raises(BadScene, match="unpacks to more"):
            paths(("a.blend", bytes(11)))

    @pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04" + bytes(100)])
    def test_what_only_is_called_zip_is_refused(self, tmp_path, content):
        path = tmp_path / "a.zip"
        path.write_bytes(content)
        with pytest.raises(BadScene, match="damaged"):
            unpacking.open_archive(path)
