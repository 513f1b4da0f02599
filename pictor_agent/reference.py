"""The canary frame and the reference that its seconds are compared with, and the sizes of the challenges: the same on node and server."""

from pictor_agent import gpu_challenge

CANARY_VERSION = "5.0.1"  # all nodes by the same Blender, or their seconds do not compare
WIDTH, HEIGHT, FRAME = 640, 360, 1
SAMPLES = {"cpu": 24, "gpu": 512}  # a GPU's seconds are then long enough to be told from the line's
REFERENCE_MS_PER_SAMPLE = 220  # measured: 0.44 s of processor time a sample, on two cores
SCORE_MIN, SCORE_MAX = 50, 100_000  # thousandths

SIDE, BLOCKS = 256, 1_024  # of the challenge: 64 MiB, and a second or so of one core
GPU_WIDTH = 16_384  # of the GPUs' challenge: a layer is 64 MiB
GPU_RESERVE_BYTES = 3 << 29  # for the screen, and what a driver keeps for itself
DISK_BYTES = 128 << 20


def gpu_layers(vram_bytes: int) -> int:
    """How many fill a GPU's memory but for a tenth, or 1.5 GiB, or half of a very small one."""
    left = max(vram_bytes // 10, min(GPU_RESERVE_BYTES, vram_bytes // 2))
    layers = (vram_bytes - left) // (GPU_WIDTH * (gpu_challenge.BLOCK_BYTES + gpu_challenge.DIGEST_BYTES))
    return min(gpu_challenge.LAYERS_MAX, max(2, layers))


def score_milli(samples: int, took_ms: int) -> int:
    """Reference seconds of the canary per thousand seconds of the machine, bounded on both sides."""
    return min(SCORE_MAX, max(SCORE_MIN, samples * REFERENCE_MS_PER_SAMPLE * 1000 // max(1, took_ms)))
