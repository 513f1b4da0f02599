"""The seed of every frame is mandated by the network, so that anybody with the job's secret can render it again. PURE."""

import hashlib


def frame_seed(secret: bytes, frame: int) -> int:
    """The first 31 bits of SHA-256 over the job's secret and the frame as eight bytes, big endian, signed."""
    digest = hashlib.sha256(bytes(secret) + frame.to_bytes(8, "big", signed=True)).digest()
    return int.from_bytes(digest[:4], "big") >> 1
