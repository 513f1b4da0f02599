"""The canary frame and the reference that its seconds are compared with: the same on node and server."""

CANARY_VERSION = "5.0.1"  # all nodes by the same Blender, or their seconds do not compare
WIDTH, HEIGHT, FRAME = 640, 360, 1
SAMPLES = {"cpu": 24, "gpu": 512}  # a GPU's seconds are then long enough to be told from the line's
REFERENCE_MS_PER_SAMPLE = 220  # measured: 0.44 s of processor time a sample, on two cores
SCORE_MIN, SCORE_MAX = 50, 100_000  # thousandths

SIDE, BLOCKS = 256, 1_024  # of the challenge: 64 MiB, and a second or so of one core
DISK_BYTES = 128 << 20


def score_milli(samples: int, took_ms: int) -> int:
    """Reference seconds of the canary per thousand seconds of the machine, bounded on both sides."""
    return min(SCORE_MAX, max(SCORE_MIN, samples * REFERENCE_MS_PER_SAMPLE * 1000 // max(1, took_ms)))
