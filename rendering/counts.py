"""The counts of tasks by status: rows that the trigger added are folded into one per status now and then."""

from django.db import connection

FOLD_ABOVE = 24  # rows of one job; fewer cost a page nothing

LONG = "SELECT job_id FROM rendering_taskcount GROUP BY job_id HAVING count(*) > %s LIMIT %s"
FOLD = """
    WITH gone AS (DELETE FROM rendering_taskcount WHERE job_id = ANY(%s) RETURNING job_id, status, tasks)
    INSERT INTO rendering_taskcount (job_id, status, tasks)
    SELECT job_id, status, sum(tasks) FROM gone GROUP BY job_id, status HAVING sum(tasks) <> 0
"""


def fold_counts(limit: int) -> int:
    """Fold the counts of up to `limit` jobs that have many rows; returns how many jobs.

    In one statement, so every reader sees the rows before or the rows after; two folds at once share the rows.
    """
    with connection.cursor() as cursor:
        cursor.execute(LONG, [FOLD_ABOVE, limit])
        job_ids = [job_id for (job_id,) in cursor.fetchall()]
        if job_ids:
            cursor.execute(FOLD, [job_ids])
    return len(job_ids)
