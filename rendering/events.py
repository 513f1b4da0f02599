"""What pages hear about jobs: topic names and hints, sent once the transaction has committed."""

from common.realtime import announce, announce_on_commit

STATUS, PROGRESS, FRAMES, NEWEST, NODES, COST, EVENTS, FILM, LOG = (
    "status", "progress", "frames", "newest", "nodes", "cost", "events", "film", "log",
)  # fmt: skip


def topic(job_id: int) -> str:
    return f"job:{job_id}"


def job_changed(job_id: int, *changed: str) -> None:
    """Tell the job's pages which of their elements are out of date."""
    announce_on_commit(topic(job_id), *changed)


def job_status_changed(job) -> None:
    """The job's page and its owner's lists."""
    job_changed(job.pk, STATUS, PROGRESS, EVENTS)
    announce_on_commit(f"user:{job.owner_id}", "jobs")


def progressed(job_id: int) -> None:
    """Progress of running frames is newer in Redis."""
    announce(topic(job_id), PROGRESS)


def logged(job_id: int) -> None:
    """Logs of running frames are longer in Redis."""
    announce(topic(job_id), LOG)
