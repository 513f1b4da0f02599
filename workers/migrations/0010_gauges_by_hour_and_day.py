"""Gauges per GPU, and hours and days beside the minutes: tables partitioned by day, month and year, no index but the key.

The application's role may not create or drop tables: it calls `workers_rotate_telemetry`, which runs as the owner. The
function before it, for minutes alone, goes at once: a process of the former release that calls it once more in this hour
fails without harm, for partitions reach two days ahead.
"""

import importlib

from django.db import migrations, models

MACHINE = """
    worker_id bigint NOT NULL,
    {at},
    {minutes}samples integer NOT NULL,
    cpu_load_sum double precision NOT NULL,
    gpu_load_sum double precision NOT NULL,
    ram_used_bytes_max bigint NOT NULL,
    gpu_celsius_max double precision NOT NULL,
    network_down_bytes bigint NOT NULL,
    network_up_bytes bigint NOT NULL,
    PRIMARY KEY (worker_id, {key})"""

GPU = """
    worker_id bigint NOT NULL,
    gpu_index smallint NOT NULL,
    {at},
    {minutes}samples integer NOT NULL,
    load_sum double precision NOT NULL,
    vram_used_bytes_max bigint NOT NULL,
    celsius_max double precision NOT NULL,
    watts_sum double precision NOT NULL,
    PRIMARY KEY (worker_id, gpu_index, {key})"""

# Rows of a time without its own partition land in the rest, so that a late sweep loses nothing.
TABLE = """
CREATE TABLE {name} ({columns}) PARTITION BY RANGE ({key});
CREATE TABLE {name}_rest PARTITION OF {name} DEFAULT;
"""


def table(name: str, columns: str, key: str) -> str:
    kind = "date" if key.endswith("_on") else "timestamptz"
    minutes = "" if key == "minute_at" else "minutes integer NOT NULL,\n    "
    return TABLE.format(name=name, key=key, columns=columns.format(at=f"{key} {kind} NOT NULL", key=key, minutes=minutes))


TABLES = "".join(
    [
        table("workers_workerhour", MACHINE, "hour_at"),
        table("workers_workerday", MACHINE, "day_on"),
        table("workers_gpuminute", GPU, "minute_at"),
        table("workers_gpuhour", GPU, "hour_at"),
        table("workers_gpuday", GPU, "day_on"),
    ]
)

FUNCTIONS = """
-- The partition of this unit of time and of the next two, unless the rest has taken rows of it already; none that has been
-- over for `keep_days`.
CREATE FUNCTION workers_rotate_table(parent text, at text, unit text, today date, keep_days integer) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    begins timestamp;
    bounds text[];
    part text;
    taken boolean;
    old record;
    changed integer := 0;
BEGIN
    FOR n IN 0..2 LOOP
        begins := date_trunc(unit, today::timestamp) + n * ('1 ' || unit)::interval;
        bounds := ARRAY[begins || '+00', begins + ('1 ' || unit)::interval || '+00'];
        part := parent || '_' || to_char(begins, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE %I >= %L AND %I < %L)',
            parent || '_rest', at, bounds[1], at, bounds[2]) INTO taken;
        CONTINUE WHEN taken;
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent, bounds[1], bounds[2]);
        changed := changed + 1;
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = parent::regclass AND c.relname ~ '_[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') + ('1 ' || unit)::interval <= today - greatest(keep_days, 1)
    LOOP
        EXECUTE format('DROP TABLE %I', old.relname);
        changed := changed + 1;
    END LOOP;
    EXECUTE format('DELETE FROM %I WHERE %I < %L',
        parent || '_rest', at, (today - greatest(keep_days, 1))::timestamp || '+00');
    RETURN changed;
END $$;

CREATE FUNCTION workers_rotate_telemetry(today date, minute_days integer, hour_days integer, day_days integer) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT workers_rotate_table('workers_workerminute', 'minute_at', 'day', today, minute_days)
         + workers_rotate_table('workers_gpuminute', 'minute_at', 'day', today, minute_days)
         + workers_rotate_table('workers_workerhour', 'hour_at', 'month', today, hour_days)
         + workers_rotate_table('workers_gpuhour', 'hour_at', 'month', today, hour_days)
         + workers_rotate_table('workers_workerday', 'day_on', 'year', today, day_days)
         + workers_rotate_table('workers_gpuday', 'day_on', 'year', today, day_days)
$$;

DROP FUNCTION workers_rotate_minutes(date, integer);
"""

before = importlib.import_module("workers.migrations.0002_minutes_by_day").CREATE
ROTATE_BEFORE = before[before.index("CREATE FUNCTION") :]

BACK = """
DROP FUNCTION workers_rotate_telemetry(date, integer, integer, integer);
DROP FUNCTION workers_rotate_table(text, text, text, date, integer);
DROP TABLE workers_workerhour, workers_workerday, workers_gpuminute, workers_gpuhour, workers_gpuday;
""" + ROTATE_BEFORE


def rows(name: str, *key: str, figures: list) -> migrations.CreateModel:
    """The table as Django knows it."""
    at = models.DateField() if key[-1].endswith("_on") else models.DateTimeField()
    minutes = [] if key[-1] == "minute_at" else [("minutes", models.IntegerField())]
    primary = models.CompositePrimaryKey(*key, blank=True, editable=False, primary_key=True, serialize=False)
    samples = ("samples", models.IntegerField())
    return migrations.CreateModel(
        name, fields=[("worker_id", models.BigIntegerField()), samples, *figures, ("pk", primary), (key[-1], at), *minutes]
    )


def machine_figures() -> list:
    return [
        ("cpu_load_sum", models.FloatField()),
        ("gpu_load_sum", models.FloatField()),
        ("ram_used_bytes_max", models.BigIntegerField()),
        ("gpu_celsius_max", models.FloatField()),
        ("network_down_bytes", models.BigIntegerField()),
        ("network_up_bytes", models.BigIntegerField()),
    ]


def gpu_figures() -> list:
    return [
        ("gpu_index", models.SmallIntegerField()),
        ("load_sum", models.FloatField()),
        ("vram_used_bytes_max", models.BigIntegerField()),
        ("celsius_max", models.FloatField()),
        ("watts_sum", models.FloatField()),
    ]


class Migration(migrations.Migration):
    dependencies = [("workers", "0009_protocol_of_the_agent")]

    operations = [
        migrations.RunSQL(
            TABLES + FUNCTIONS,
            BACK,
            state_operations=[
                rows("WorkerHour", "worker_id", "hour_at", figures=machine_figures()),
                rows("WorkerDay", "worker_id", "day_on", figures=machine_figures()),
                rows("GpuMinute", "worker_id", "gpu_index", "minute_at", figures=gpu_figures()),
                rows("GpuHour", "worker_id", "gpu_index", "hour_at", figures=gpu_figures()),
                rows("GpuDay", "worker_id", "gpu_index", "day_on", figures=gpu_figures()),
            ],
        ),
        migrations.CreateModel(
            "Rolled",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("until_at", models.DateTimeField()),
            ],
        ),
    ]
