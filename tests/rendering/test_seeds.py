"""Mandated seeds: anybody with the secret computes the same."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from rendering.seeds import frame_seed

FRAMES = st.integers(-1_048_574, 1_048_574)


class FrameSeedTests:
    def test_it_is_the_first_31_bits_of_the_hash(self):
        digest = hashlib.sha256(b"secret" + bytes([0, 0, 0, 0, 0, 0, 0, 7])).digest()
        assert frame_seed(b"secret", 7) == int.from_bytes(digest[:4], "big") >> 1

    @given(st.binary(min_size=32, max_size=32), FRAMES)
    def test_it_fits_what_blender_takes(self, secret, frame):
        assert 0 <= frame_seed(secret, frame) < 2**31

    @given(FRAMES)
    def test_other_jobs_have_other_seeds(self, frame):
        assert frame_seed(b"a" * 32, frame) != frame_seed(b"b" * 32, frame)

    def test_a_buffer_from_the_database_will_do(self):
        assert frame_seed(memoryview(b"secret"), 1) == frame_seed(b"secret", 1)
