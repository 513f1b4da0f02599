"""Gauges over time: minutes as the gateways write them, hours and days that a sweep adds up from them.

An hour is always written as the whole sum of its minutes, a day as that of its hours, so adding up again changes nothing.
Hours are added up once they are over, and again for LATE: a minute that comes late still counts. What is newer than the last
hour that was added up is read from the minutes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from workers.minutes import GpuMinute, Minute, figures_of, keeps_larger
from workers.telemetry_rows import Rolled

MINUTE_DAYS = 8  # kept: a week to look back at, to the minute
HOUR_DAYS = 100
DAY_DAYS = 1_100  # three years

SETTLES = timedelta(minutes=2)  # a gateway writes a minute within seconds of its end
HELD = timedelta(minutes=10)  # so long a gateway keeps minutes that it could not write
LATE = timedelta(hours=1)  # hours are added up again until they have been over so long: more than HELD
HOURS_A_RUN = 48


@dataclass(frozen=True, slots=True)
class Subject:
    """What has a row of its own: a node, or one GPU of it. `key` leads the primary key, the time ends it."""

    table: str  # without the grain
    key: tuple[str, ...]
    figures: tuple[str, ...]


MACHINES = Subject("workers_worker", ("worker_id",), figures_of(Minute))
GPUS = Subject("workers_gpu", ("worker_id", "gpu_index"), figures_of(GpuMinute))
SUBJECTS = (MACHINES, GPUS)


# Minutes --------------------------------------------------------------------------------------------------------------


def write_minutes(minutes: Mapping[tuple[int, datetime], Minute]) -> None:
    """Add finished minutes, by (node, start of the minute), in one statement for the nodes and one for their GPUs."""
    machines = [(worker_id, at, minute) for (worker_id, at), minute in sorted(minutes.items(), key=lambda item: item[0])]
    gpus = [(worker_id, index, at, each) for worker_id, at, minute in machines for index, each in sorted(minute.gpus.items())]
    with transaction.atomic():
        _write(MACHINES, machines)
        _write(GPUS, gpus)


def _write(subject: Subject, rows: Sequence[tuple]) -> None:
    if not rows:
        return
    keys = [list(column) for column in zip(*(row[:-1] for row in rows), strict=True)]
    figures = [[getattr(row[-1], figure) for row in rows] for figure in subject.figures]
    with connection.cursor() as cursor:
        cursor.execute(_write_statement(subject), [*keys, *figures])


def _write_statement(subject: Subject) -> str:
    """Two gateways may hold parts of one minute: they come together."""
    names = [*subject.key, "minute_at", *subject.figures]
    types = [*("bigint" for _ in subject.key), "timestamptz", *(_type_of(figure) for figure in subject.figures)]
    given = ", ".join(f"%s::{kind}[]" for kind in types)
    together = ", ".join(f"{figure} = {_join(figure)}" for figure in subject.figures)
    return f"""
        INSERT INTO {subject.table}minute AS kept ({", ".join(names)}) SELECT * FROM unnest({given})
        ON CONFLICT ({", ".join(subject.key)}, minute_at) DO UPDATE SET {together}"""


def _type_of(figure: str) -> str:
    fields = {**Minute.__dataclass_fields__, **GpuMinute.__dataclass_fields__}
    return "float8" if fields[figure].type is float else "bigint"


def _join(figure: str) -> str:
    return f"greatest(kept.{figure}, EXCLUDED.{figure})" if keeps_larger(figure) else f"kept.{figure} + EXCLUDED.{figure}"


# Hours and days -------------------------------------------------------------------------------------------------------


@transaction.atomic
def roll(*, now: datetime) -> int:
    """Add up the hours that are over and not added up yet, HOURS_A_RUN at most, and their days; returns how many.

    Locks: the one row of Rolled, so that two sweeps do not write the same hours at once.
    """
    first = _hour_of(now) - timedelta(days=MINUTE_DAYS)
    Rolled.objects.get_or_create(pk=1, defaults={"until_at": first})
    rolled = Rolled.objects.select_for_update().get(pk=1)
    begins = max(rolled.until_at, first)
    until = min(_hour_of(now - SETTLES), begins + timedelta(hours=HOURS_A_RUN))
    if until <= begins:
        return 0
    again = begins - LATE
    for subject in SUBJECTS:
        _roll_hours(subject, again, until)
        _roll_days(subject, again.replace(hour=0), until)
    rolled.until_at = until
    rolled.save(update_fields=["until_at"])
    return int((until - begins) / timedelta(hours=1))


def _roll_hours(subject: Subject, since: datetime, until: datetime) -> None:
    hour = "date_trunc('hour', minute_at, 'UTC')"
    _execute(_roll_statement(subject, "hour", "hour_at", hour, "count(*)", "minute", "minute_at"), since, until)


def _roll_days(subject: Subject, since: datetime, until: datetime) -> None:
    day = "(hour_at AT TIME ZONE 'UTC')::date"
    _execute(_roll_statement(subject, "day", "day_on", day, "sum(minutes)", "hour", "hour_at"), since, until)


def _roll_statement(subject: Subject, grain: str, at: str, when: str, minutes: str, finer: str, finer_at: str) -> str:
    """A row is written anew only where samples have come: each adds to `samples`."""
    columns = ["minutes", *subject.figures]
    sums = [minutes, *(f"{'max' if keeps_larger(figure) else 'sum'}({figure})" for figure in subject.figures)]
    key = ", ".join(subject.key)
    return f"""
        INSERT INTO {subject.table}{grain} AS kept ({key}, {at}, {", ".join(columns)})
        SELECT {key}, {when} AS at, {", ".join(sums)} FROM {subject.table}{finer}
        WHERE {finer_at} >= %s AND {finer_at} < %s GROUP BY {key}, at
        ON CONFLICT ({key}, {at}) DO UPDATE SET {", ".join(f"{column} = EXCLUDED.{column}" for column in columns)}
        WHERE kept.samples <> EXCLUDED.samples OR kept.minutes <> EXCLUDED.minutes"""


def _execute(statement: str, *values) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def rolled_until() -> datetime | None:
    """Up to when hours and days hold all; what is newer stands in the minutes. None: nothing has been added up yet."""
    return Rolled.objects.values_list("until_at", flat=True).first()


# Partitions -----------------------------------------------------------------------------------------------------------


def rotate_partitions(*, now: datetime) -> int:
    """Make room for the coming days, months and years and drop what is too old; the database's owner does it for us."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT workers_rotate_telemetry(%s, %s, %s, %s)", [now.date(), MINUTE_DAYS, HOUR_DAYS, DAY_DAYS])
        return cursor.fetchone()[0]
