"""Tables full of gauges, made by PostgreSQL itself."""

from datetime import datetime, timedelta

from django.db import connection

from workers.rollups import GPUS, MACHINES, SUBJECTS, Subject, keeps_larger

SAMPLES_A_MINUTE = 12
COLUMNS = {"minute": "minute_at", "hour": "hour_at", "day": "day_on"}
MINUTES = {"hour": 60, "day": 1_440}


def fill(grain: str, nodes: int, *, since: datetime, until: datetime) -> None:
    """A row for each of the nodes 1..`nodes`, and one for its only GPU, in every step between."""
    for subject in SUBJECTS:
        _fill(subject, grain, nodes, since, until - timedelta(microseconds=1))
    with connection.cursor() as cursor:
        for subject in SUBJECTS:
            cursor.execute(f"ANALYZE {subject.table}{grain}")


def _fill(subject: Subject, grain: str, nodes: int, since: datetime, until: datetime) -> None:
    minutes = MINUTES.get(grain, 1)
    values = {
        "worker_id": "node",
        "gpu_index": "0",
        COLUMNS[grain]: "at",
        **({"minutes": str(minutes)} if grain in MINUTES else {}),
        "samples": str(minutes * SAMPLES_A_MINUTE),
    }
    columns = [*subject.key, *(name for name in values if name not in {"worker_id", "gpu_index"})]
    figures = [figure for figure in subject.figures if figure != "samples"]
    amounts = [_amount(figure, minutes) for figure in figures]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {subject.table}{grain} ({", ".join([*columns, *figures])})
                SELECT {", ".join([*(values[name] for name in columns), *amounts])}
                FROM generate_series(1, %s) AS node, generate_series(%s::timestamptz, %s, interval '1 {grain}') AS at""",
            [nodes, since, until],
        )


def _amount(figure: str, minutes: int) -> str:
    """Something of the right size: a mean near a half, or a byte count."""
    most = 2**34 if "bytes" in figure else 300 if figure == "watts_sum" else 70 if "celsius" in figure else 1
    return f"{most if keeps_larger(figure) else most * minutes * SAMPLES_A_MINUTE} * random()"


def empty() -> None:
    with connection.cursor() as cursor:
        for subject in (MACHINES, GPUS):
            for grain in COLUMNS:
                cursor.execute(f"TRUNCATE {subject.table}{grain}")
        cursor.execute("TRUNCATE workers_rolled")
