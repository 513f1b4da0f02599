"""How reliable a node is: a public formula over its tallies; jobs may ask for a minimum.

    reliability = (accepted + 19) / (accepted + failed + 20), over the last 30 days

A node that has done nothing stands at 95 %; one failure among few frames weighs little, among many failures much. Only
failures that are the node's fault are in its tallies.
"""

from datetime import date, timedelta

from django.db import connection

DAYS = 30
PRIOR_ACCEPTED, PRIOR_ALL = 19, 20

KEEP = """
    UPDATE workers_worker AS worker SET reliability_bp = sums.bp
    FROM (SELECT w.id, 10000 * (COALESCE(sum(day.tasks_accepted), 0) + %(prior)s)
                 / (COALESCE(sum(day.tasks_accepted + day.tasks_failed), 0) + %(prior_all)s) AS bp
          FROM workers_worker w LEFT JOIN workers_tally AS day ON day.worker_id = w.id AND day.day_on > %(since)s
          WHERE w.status NOT IN ('new', 'retired') GROUP BY w.id) AS sums
    WHERE worker.id = sums.id AND worker.reliability_bp <> sums.bp
"""


def reliability_bp(accepted: int, failed: int) -> int:
    """In basis points, rounded down."""
    return 10_000 * (accepted + PRIOR_ACCEPTED) // (accepted + failed + PRIOR_ALL)


def keep_all(*, today: date) -> int:
    """Bring every node's figure up to date, in one statement; returns how many changed."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP, {"prior": PRIOR_ACCEPTED, "prior_all": PRIOR_ALL, "since": today - timedelta(days=DAYS)})
        return cursor.rowcount
