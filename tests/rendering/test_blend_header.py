"""Every .blend since 2.8 says its version, range and scene without Blender; nonsense and bombs say nothing, cheaply."""

import gzip
import io
import struct
from random import Random

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from rendering.blend_header import UNPACKED_BYTES, BadBlend, check, kind_of, read_header

PACKERS = {"": bytes, "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


def blend(version=402, *, bits=64, order="<", start=1, end=250, scene="Scene", ended=True, before=b"") -> bytes:
    """A .blend with a REND block and an ENDB block, laid out as that release writes it."""
    is_new = version >= 500
    letter = "v" if order == "<" else "V"
    first = f"BLENDER17-01{letter}{version:04d}" if is_new else f"BLENDER{'-' if bits == 64 else '_'}{letter}{version}"
    body = struct.pack(order + "ii64s", start, end, scene.encode())
    parts = [first.encode(), before, block(b"REND", body, is_new, bits, order)]
    return b"".join(parts) + (block(b"ENDB", b"", is_new, bits, order) if ended else b"")


def block(code: bytes, body: bytes, is_new: bool, bits: int, order: str) -> bytes:
    if is_new:
        return struct.pack(order + "4siQqq", code, 0, 1, len(body), 1) + body
    return struct.pack(order + ("4siQii" if bits == 64 else "4siIii"), code, len(body), 1, 0, 1) + body


def opened(whole: bytes, packing: str = "") -> io.BytesIO:
    return io.BytesIO(PACKERS[packing](whole))


class ReadHeaderTests:
    @pytest.mark.parametrize("packing", PACKERS)
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize(("version", "bits"), [(280, 64), (293, 32), (306, 64), (402, 32), (405, 64), (500, 64), (510, 64)])
    def test_every_layout_is_read(self, version, bits, order, packing):
        header = read_header(opened(blend(version, bits=bits, order=order, start=-7, end=48, scene="Haus"), packing))
        assert header.version == (version // 100, version % 100)
        assert (header.frame_start, header.frame_end, header.scene) == (-7, 48, "Haus")
        assert (header.compression, header.pointer_bits, header.big_endian) == (packing, bits, order == ">")

    def test_old_versions_keep_their_two_digits(self):
        assert read_header(opened(blend(280))).version_words == "2.80"
        assert read_header(opened(blend(402))).version_words == "4.2"

    def test_a_file_whose_scene_comes_later_still_says_its_version(self):
        far = block(b"DATA", b"x" * UNPACKED_BYTES, False, 64, "<")
        header = read_header(opened(blend(402, before=far)))
        assert (header.version_words, header.frame_start) == ("4.2", None)

    def test_a_block_before_it_is_skipped(self):
        header = read_header(opened(blend(402, before=block(b"TEST", b"12345678", False, 64, "<"))))
        assert header.frame_end == 250

    @pytest.mark.parametrize(
        "content", [b"", b"BLENDER", b"BLENDER-v4", b"PK\3\4", b"\x1f\x8bjunk", b"\x28\xb5\x2f\xfdjunk", b"\x89PNG"]
    )
    def test_what_is_no_blend_is_refused_in_words(self, content):
        with pytest.raises(BadBlend, match="This is not a"):
            read_header(io.BytesIO(content))

    def test_a_bomb_is_unpacked_no_further_than_the_head(self):
        """Gigabytes of zeros behind a good head, in a few kilobytes."""
        packer = zstandard.ZstdCompressor().compressobj()
        bomb = (
            packer.compress(blend(402, ended=False))
            + b"".join(packer.compress(bytes(2**24)) for _ in range(64))
            + packer.flush()
        )
        assert len(bomb) < 2**20
        assert read_header(io.BytesIO(bomb)).version == (4, 2)

    @given(st.binary(max_size=400), st.sampled_from([402, 500]), st.integers(0, 120))
    @settings(max_examples=150, deadline=None)
    def test_garbage_anywhere_never_breaks_the_reader(self, garbage, version, at):
        whole = bytearray(blend(version))
        whole[at : at + len(garbage)] = garbage
        try:
            read_header(io.BytesIO(bytes(whole)))
            check(io.BytesIO(bytes(whole)))
        except BadBlend:
            pass

    @given(st.binary(max_size=300))
    @settings(max_examples=150, deadline=None)
    def test_garbage_behind_each_magic_never_breaks_the_reader(self, garbage):
        for magic in (b"BLENDER17-01v0500", b"BLENDER-v402", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"):
            try:
                check(io.BytesIO(magic + garbage))
            except BadBlend:
                pass


class CheckTests:
    @pytest.mark.parametrize("packing", PACKERS)
    @pytest.mark.parametrize("version", [280, 306, 402, 405, 500])
    def test_a_whole_file_passes(self, version, packing):
        assert check(opened(blend(version), packing)).version == (version // 100, version % 100)

    @pytest.mark.parametrize("packing", ["", "zstd"])
    def test_a_file_that_is_cut_off_is_refused_at_once(self, packing):
        whole = PACKERS[packing](blend(402, ended=False) + Random(1).randbytes(400_000) + blend(402)[-24:])
        for cut in (len(whole) - 40, len(whole) * 3 // 4):
            with pytest.raises(BadBlend, match="cut off"):
                check(io.BytesIO(whole[:cut]))

    def test_blender_s_seek_table_is_proof_of_an_end(self):
        table = struct.pack("<IIIIIB", 0x184D2A5E, 17, 1, 2, 1, 0) + b"\xb1\xea\x92\x8f"
        assert check(io.BytesIO(PACKERS["zstd"](blend(402)) + table)).version == (4, 2)

    def test_frames_without_end_are_not_walked_for_ever(self):
        endless = PACKERS["zstd"](blend(402))[:5]
        with pytest.raises(BadBlend):
            check(io.BytesIO(endless + bytes(12_000_000)))

    def test_a_newer_file_is_refused_with_what_to_do(self):
        with pytest.raises(BadBlend, match=r"saved by Blender 6\.1.*Save it from Blender 5\.0 or older"):
            check(opened(blend(601)))


class KindTests:
    def test_kinds(self):
        assert kind_of(b"PK\3\4rest") == "zip"
        assert kind_of(b"neither") == ""
        assert {kind_of(pack(blend(version))) for pack in PACKERS.values() for version in (280, 402, 500)} == {"blend"}
