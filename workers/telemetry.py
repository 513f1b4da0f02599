"""A node's newest gauges and a task's newest progress, in Redis (losable). Gauges over time: workers.rollups."""

from collections.abc import Iterable

import msgspec
import redis

from common import realtime
from pictor_agent import protocol

SAMPLE_SECONDS = 60  # an older sample says nothing of now
PROGRESS_SECONDS = 600

Progress = tuple[float, str]  # fraction 0..1, note


def sample_key(worker_id: int) -> str:
    return f"node:{worker_id}:sample"


def progress_key(work_id: int) -> str:
    return f"work:{work_id}:progress"


def gauges(beat: protocol.Heartbeat) -> bytes:
    """A heartbeat as the page draws it: small, JSON."""
    said = {
        "cpu_load": round(beat.cpu_load, 3),
        "ram_used_bytes": beat.ram_used_bytes,
        "disk_free_bytes": beat.disk_free_bytes,
        "network_down_bytes": beat.network_down_bytes,
        "network_up_bytes": beat.network_up_bytes,
        "gpus": beat.gpus,
    }
    return msgspec.json.encode(said)


def get_sample(worker_id: int) -> dict | None:
    """The newest gauges of a node, or None when it has sent none within SAMPLE_SECONDS."""
    return get_samples([worker_id]).get(worker_id)


def get_samples(worker_ids: Iterable[int]) -> dict[int, dict]:
    ids = list(worker_ids)
    found = _mget([sample_key(worker_id) for worker_id in ids])
    return {worker_id: msgspec.json.decode(raw) for worker_id, raw in zip(ids, found, strict=True) if raw}


def get_progresses(work_ids: Iterable[int]) -> dict[int, Progress]:
    """How far running attempts are, as the switchboard keeps it; (0, "") where nothing is known."""
    ids = list(work_ids)
    found = _mget([progress_key(work_id) for work_id in ids])
    return {w: tuple(msgspec.json.decode(raw)) if raw else (0.0, "") for w, raw in zip(ids, found, strict=True)}


def _mget(keys: list[str]) -> list[bytes | None]:
    try:
        return realtime.connection().mget(keys) if keys else []
    except redis.RedisError:
        return [None] * len(keys)
