"""What nodes did before their days were kept counts for them: the time online by their shifts, and their tasks.

When they were expected is not known of that time, so nothing is held against them. Without this every node would begin at
60 %, and work that asks for more would find none for days. One row per node, of the day before yesterday: the sweep writes
the days after it.
"""

from django.db import migrations

DAYS = 120  # older ones count for less than a sixteenth

FILL = f"""
    WITH last AS (SELECT (now() AT TIME ZONE 'UTC')::date - 2 AS day_on),
    online AS (
        SELECT worker_id, day::date AS day_on, sum(extract(epoch FROM
                   least(coalesce(ended_at AT TIME ZONE 'UTC', day + interval '1 day'), day + interval '1 day')
                   - greatest(started_at AT TIME ZONE 'UTC', day))) AS seconds
        FROM last, workers_shift, generate_series(
            greatest(date_trunc('day', started_at AT TIME ZONE 'UTC'), last.day_on::timestamp - interval '{DAYS} days'),
            least(coalesce(ended_at AT TIME ZONE 'UTC', last.day_on), last.day_on::timestamp), interval '1 day') AS day
        GROUP BY 1, 2),
    time AS (
        SELECT worker_id, sum(seconds * 0.5 ^ ((last.day_on - online.day_on) / 30::float8)) AS faded, sum(seconds) AS whole
        FROM last, online GROUP BY 1),
    tasks AS (
        SELECT worker_id, sum(tasks_accepted * 0.5 ^ ((last.day_on - tally.day_on) / 30::float8)) AS accepted,
               sum(tasks_failed * 0.5 ^ ((last.day_on - tally.day_on) / 30::float8)) AS failed, sum(tasks_accepted) AS whole
        FROM last, workers_tally tally WHERE tally.day_on BETWEEN last.day_on - {DAYS} AND last.day_on GROUP BY 1)
    INSERT INTO workers_reliabilityday (
        worker_id, day_on, offer_seconds, offer_up_seconds, work_seconds, work_up_seconds,
        faded_offer_seconds, faded_offer_up_seconds, faded_work_seconds, faded_work_up_seconds,
        faded_accepted, faded_failed, faded_left, faded_unbegun, known_up_seconds, known_accepted)
    SELECT worker_id, last.day_on, 0, 0, 0, 0, coalesce(time.faded, 0), coalesce(time.faded, 0), 0, 0,
           coalesce(tasks.accepted, 0), coalesce(tasks.failed, 0), 0, 0, coalesce(time.whole, 0), coalesce(tasks.whole, 0)
    FROM last, time FULL JOIN tasks USING (worker_id)
    ON CONFLICT DO NOTHING;
"""
SINCE = """
    UPDATE workers_worker worker SET hardware_at = first.at
    FROM (SELECT worker_id, min(started_at) AS at FROM workers_shift GROUP BY 1) first
    WHERE first.worker_id = worker.id AND worker.hardware_at IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("workers", "0017_reliability_by_day")]
    operations = [migrations.RunSQL(FILL + SINCE, migrations.RunSQL.noop)]
