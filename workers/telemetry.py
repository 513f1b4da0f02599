"""A node's gauges and a task's progress: the newest in Redis (losable), a row per node and minute in PostgreSQL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
import redis
from django.db import connection

from common import realtime
from pictor_agent import protocol

SAMPLE_SECONDS = 60  # an older sample says nothing of now
PROGRESS_SECONDS = 600
KEEP_DAYS = 30

BYTES_A_MINUTE_MAX = 2**50  # a claim beyond it is nonsense, and its sum must fit the column

Progress = tuple[float, str]  # fraction 0..1, note


def sample_key(worker_id: int) -> str:
    return f"node:{worker_id}:sample"


def progress_key(work_id: int) -> str:
    return f"work:{work_id}:progress"


def gauges(beat: protocol.Heartbeat) -> dict:
    """A heartbeat as the page draws it: small, JSON."""
    return {
        "cpu_load": round(beat.cpu_load, 3),
        "ram_used_bytes": beat.ram_used_bytes,
        "disk_free_bytes": beat.disk_free_bytes,
        "network_down_bytes": beat.network_down_bytes,
        "network_up_bytes": beat.network_up_bytes,
        "gpus": [msgspec.to_builtins(gpu) for gpu in beat.gpus],
    }


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


# Minutes --------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Minute:
    """Sums of one node's heartbeats within a minute, kept in the gateway until it is over."""

    samples: int = 0
    cpu_load_sum: float = 0.0
    gpu_load_sum: float = 0.0  # of the mean over its GPUs
    ram_used_bytes_max: int = 0
    gpu_celsius_max: float = 0.0
    network_down_bytes: int = 0
    network_up_bytes: int = 0

    def add(self, beat: protocol.Heartbeat) -> None:
        self.samples += 1
        self.cpu_load_sum += beat.cpu_load
        self.gpu_load_sum += sum(gpu.load for gpu in beat.gpus) / len(beat.gpus) if beat.gpus else 0.0
        self.ram_used_bytes_max = max(self.ram_used_bytes_max, beat.ram_used_bytes)
        self.gpu_celsius_max = max([self.gpu_celsius_max, *(gpu.temperature_celsius for gpu in beat.gpus)])
        self.network_down_bytes = min(self.network_down_bytes + beat.network_down_bytes, BYTES_A_MINUTE_MAX)
        self.network_up_bytes = min(self.network_up_bytes + beat.network_up_bytes, BYTES_A_MINUTE_MAX)


COLUMNS = tuple(Minute.__dataclass_fields__)

WRITE = """
    INSERT INTO workers_workerminute AS minute (worker_id, minute_at, samples, cpu_load_sum, gpu_load_sum,
        ram_used_bytes_max, gpu_celsius_max, network_down_bytes, network_up_bytes)
    SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::int[], %s::float8[], %s::float8[],
        %s::bigint[], %s::float8[], %s::bigint[], %s::bigint[])
    ON CONFLICT (worker_id, minute_at) DO UPDATE SET
        samples = minute.samples + EXCLUDED.samples,
        cpu_load_sum = minute.cpu_load_sum + EXCLUDED.cpu_load_sum,
        gpu_load_sum = minute.gpu_load_sum + EXCLUDED.gpu_load_sum,
        ram_used_bytes_max = greatest(minute.ram_used_bytes_max, EXCLUDED.ram_used_bytes_max),
        gpu_celsius_max = greatest(minute.gpu_celsius_max, EXCLUDED.gpu_celsius_max),
        network_down_bytes = minute.network_down_bytes + EXCLUDED.network_down_bytes,
        network_up_bytes = minute.network_up_bytes + EXCLUDED.network_up_bytes
"""


def write_minutes(minutes: Mapping[tuple[int, datetime], Minute]) -> None:
    """Add finished minutes, by (node, start of the minute), in one statement."""
    if not minutes:
        return
    keys = sorted(minutes)
    columns = [[getattr(minutes[key], name) for key in keys] for name in COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [[key[0] for key in keys], [key[1] for key in keys], *columns])


def rotate_minutes(*, now: datetime) -> int:
    """Make room for the coming days and drop what is older than KEEP_DAYS; the database's owner does it for us."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workers_rotate_minutes(%s, %s)", [now.date(), KEEP_DAYS])
        return cursor.fetchone()[0]
