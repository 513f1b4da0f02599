"""What the controls of a node mean to its agent."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from pictor_agent import protocol
from workers.control_models import Controls

MBIT = 1_000_000 // 8  # bytes a second
ANY_RELEASE = 2**53  # what a message can hold
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AT = "COALESCE(floor(extract(epoch FROM controls.changed_at) * 1000), 0)::bigint"  # SQL of `_at`


def limits_of(worker_ids: Collection[int]) -> dict[int, protocol.Limits]:
    """Of those nodes that have controls."""
    rows = Controls.objects.filter(worker__in=worker_ids)
    return {row.pk: _limits(row) for row in rows} if worker_ids else {}


def _limits(row: Controls) -> protocol.Limits:
    return protocol.Limits(
        at=_at(row.changed_at),
        idle_seconds=row.idle_minutes * 60,
        celsius_max=row.temperature_max_celsius or 0,
        watts_max=row.power_max_watts or 0,
        cache_bytes=row.disk_quota_bytes or 0,
        bytes_per_second=(row.bandwidth_max_mbit or 0) * MBIT,
        update_max=ANY_RELEASE if row.updates_itself else row.release_allowed,
    )


def _at(changed_at: datetime | None) -> int:
    """Names the limits of a row, in milliseconds."""
    return (changed_at - EPOCH) // timedelta(milliseconds=1) if changed_at else 0
