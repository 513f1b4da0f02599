"""Limits of one account, so that no queue grows without bound. Each refusal says what to do."""

from rendering.errors import QuotaExceeded
from rendering.models import Job
from rendering.states import SUBMITTED, JobStatus
from rendering.uploads import UnfitUpload

DRAFTS_MAX = 50  # jobs that are uploaded and not submitted
JOBS_MAX = 20  # jobs at work or paused


def check_drafts(user) -> None:
    """Raises UnfitUpload when the account may not add another job."""
    if _count(user, [JobStatus.DRAFT, JobStatus.INSPECTING, JobStatus.READY]) >= DRAFTS_MAX:
        raise UnfitUpload(f"You have {DRAFTS_MAX} jobs that are not submitted. Submit or cancel one first.")


def check_jobs(user) -> None:
    """Raises QuotaExceeded when the account may not submit another job."""
    if _count(user, SUBMITTED) >= JOBS_MAX:
        raise QuotaExceeded(f"You have {JOBS_MAX} jobs at work. Wait for one to end, or cancel one.")


def _count(user, statuses) -> int:
    return Job.objects.owned_by(user).filter(status__in=statuses).count()
