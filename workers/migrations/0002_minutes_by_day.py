"""Telemetry by the minute in a table partitioned by day, so that old days are dropped, not deleted row by row.

The application's role may not create or drop tables: it calls `workers_rotate_minutes`, which runs as the owner.
"""

from django.db import migrations, models

CREATE = """
CREATE TABLE workers_workerminute (
    worker_id bigint NOT NULL,
    minute_at timestamptz NOT NULL,
    samples integer NOT NULL,
    cpu_load_sum double precision NOT NULL,
    gpu_load_sum double precision NOT NULL,
    ram_used_bytes_max bigint NOT NULL,
    gpu_celsius_max double precision NOT NULL,
    network_down_bytes bigint NOT NULL,
    network_up_bytes bigint NOT NULL,
    PRIMARY KEY (worker_id, minute_at)
) PARTITION BY RANGE (minute_at);
-- Rows of a day without its own partition land here, so that a late sweep loses nothing.
CREATE TABLE workers_workerminute_rest PARTITION OF workers_workerminute DEFAULT;

CREATE FUNCTION workers_rotate_minutes(today date, keep_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    day date;
    old record;
    changed integer := 0;
BEGIN
    FOR day IN SELECT today + n FROM generate_series(1, 2) n LOOP
        IF to_regclass('workers_workerminute_' || to_char(day, 'YYYYMMDD')) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF workers_workerminute FOR VALUES FROM (%L) TO (%L)',
                'workers_workerminute_' || to_char(day, 'YYYYMMDD'),
                day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
            changed := changed + 1;
        END IF;
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'workers_workerminute'::regclass AND c.relname ~ '_[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < today - greatest(keep_days, 1)
    LOOP
        EXECUTE format('DROP TABLE %I', old.relname);
        changed := changed + 1;
    END LOOP;
    DELETE FROM workers_workerminute_rest
        WHERE minute_at < (today - greatest(keep_days, 1))::timestamp AT TIME ZONE 'UTC';
    RETURN changed;
END $$;
"""

DROP = "DROP FUNCTION workers_rotate_minutes(date, integer); DROP TABLE workers_workerminute;"


class Migration(migrations.Migration):
    dependencies = [("workers", "0001_first")]

    operations = [
        migrations.RunSQL(
            CREATE,
            DROP,
            state_operations=[
                migrations.CreateModel(
                    name="WorkerMinute",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "worker_id", "minute_at", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("worker_id", models.BigIntegerField()),
                        ("minute_at", models.DateTimeField()),
                        ("samples", models.IntegerField()),
                        ("cpu_load_sum", models.FloatField()),
                        ("gpu_load_sum", models.FloatField()),
                        ("ram_used_bytes_max", models.BigIntegerField()),
                        ("gpu_celsius_max", models.FloatField()),
                        ("network_down_bytes", models.BigIntegerField()),
                        ("network_up_bytes", models.BigIntegerField()),
                    ],
                ),
            ],
        )
    ]
