"""What the database says when it is over: a list of what is wrong, empty if all is well."""

import hashlib
from pathlib import Path

import redis

from tests.stories.creator import Creator

# Each query returns one number, which must be as it says.
OF_THE_JOB = {
    "frames that were not accepted": "SELECT count(*) FROM rendering_task WHERE job_id = %(job)s AND status <> 'accepted'",
    "frames without a charge, or with several": """
        SELECT count(*) FROM (
            SELECT task.id FROM rendering_task task LEFT JOIN credit_transfer transfer
              ON transfer.code = 'charge' AND transfer.key LIKE 'task:' || task.id || ':attempt:%%'
            WHERE task.job_id = %(job)s GROUP BY task.id
            HAVING count(DISTINCT split_part(transfer.key, '/', 1)) <> 1) AS odd""",
    "frames whose charge is not that of their accepted attempt": """
        SELECT count(*) FROM rendering_task task
        LEFT JOIN rendering_attempt attempt ON attempt.task_id = task.id AND attempt.number = task.attempt
        WHERE task.job_id = %(job)s
          AND (attempt.outcome IS DISTINCT FROM 'accepted' OR attempt.charged_micros <> task.charged_micros)""",
    "micros that the job and its frames differ by": """
        SELECT job.charged_micros - COALESCE(sum(task.charged_micros), 0) FROM rendering_job job
        JOIN rendering_task task ON task.job_id = job.id WHERE job.id = %(job)s GROUP BY job.id""",
    "refused attempts that were charged": """
        SELECT count(*) FROM rendering_attempt attempt JOIN rendering_task task ON task.id = attempt.task_id
        WHERE task.job_id = %(job)s AND attempt.outcome <> 'accepted' AND (attempt.charged_micros <> 0 OR EXISTS (
            SELECT 1 FROM credit_transfer WHERE key LIKE 'task:' || task.id || ':attempt:' || attempt.number || ':%%'))""",
    "frames billed for longer than their node can have had them": """
        SELECT count(*) FROM rendering_attempt attempt JOIN rendering_task task ON task.id = attempt.task_id
        WHERE task.job_id = %(job)s
          AND attempt.billable_ms > 1 + 1000 * EXTRACT(EPOCH FROM attempt.rendered_at - attempt.leased_at)""",
    "pictures that stand for two frames": """
        SELECT count(*) - count(DISTINCT attempt.pixels_sha256) FROM rendering_attempt attempt
        JOIN rendering_task task ON task.id = attempt.task_id
        WHERE task.job_id = %(job)s AND attempt.outcome = 'accepted'""",
    "holds still open": """
        SELECT count(*) FROM credit_hold hold JOIN rendering_job job ON job.hold_id = hold.id
        WHERE job.id = %(job)s AND hold.closed_at IS NULL""",
    "rows left in the queue": 'SELECT count(*) FROM workers_work WHERE "group" = %(job)s',
    "leases left": """
        SELECT count(*) FROM workers_lease lease JOIN workers_work work ON work.id = lease.work_id
        WHERE work."group" = %(job)s""",
}
ACCEPTED = "SELECT count(*) FROM rendering_task WHERE job_id = %s AND status = 'accepted'"
RECOVERED = """
    SELECT EXISTS (
        SELECT 1 FROM rendering_output output JOIN rendering_attempt attempt ON attempt.id = output.attempt_id
        JOIN rendering_task task ON task.id = attempt.task_id
        WHERE task.job_id = %(job)s AND attempt.leased_at > to_timestamp(%(since)s)),
    EXISTS (SELECT 1 FROM rendering_task WHERE job_id = %(job)s AND accepted_at > to_timestamp(%(since)s)),
    EXISTS (SELECT 1 FROM rendering_task WHERE job_id = %(job)s AND status <> 'accepted')
"""
BY_NODE = """
    SELECT worker.name, attempt.outcome, count(*), sum(attempt.charged_micros)::bigint
    FROM rendering_attempt attempt JOIN rendering_task task ON task.id = attempt.task_id
    JOIN workers_worker worker ON worker.id = attempt.worker_id
    WHERE task.job_id = %s GROUP BY 1, 2 ORDER BY 1, 3 DESC
"""


def accepted(creator: Creator, job: int) -> int:
    return creator.ask(ACCEPTED, job)[0][0]


def problems(creator: Creator, job: int) -> list[str]:
    found = {what: creator.ask_named(query, job=job)[0][0] for what, query in OF_THE_JOB.items()}
    return [f"{number} {what}" for what, number in found.items() if number]


FILES = """
    SELECT output.storage_key, output.sha256 FROM rendering_output output
    JOIN rendering_attempt attempt ON attempt.id = output.attempt_id JOIN rendering_task task ON task.id = attempt.task_id
    WHERE task.job_id = %s AND attempt.outcome = 'accepted'
"""
QUEUES = ("background", "feeder", "celery")


def lost_files(creator: Creator, job: int, store: Path) -> list[str]:
    """Accepted frames whose file is not there, or not whole."""
    files = creator.ask(FILES, job)
    return [f"{key} is lost" for key, sha256 in files if not _is_whole(store / key, sha256)]


def _is_whole(path: Path, sha256: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def queues_are_empty(stack) -> bool:
    """Of background functions; asked again and again, for sweeps come all the time."""
    with redis.Redis.from_url(stack.databases.redis_url) as hints:
        return not any(hints.llen(name) for name in QUEUES)
