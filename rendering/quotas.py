"""Limits of one account, so that no queue and no store grows without bound. Each refusal says what to do.

Whoever asks here and then adds a row does both in one transaction, after `one_at_a_time`.
"""

from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Sum
from django.template.defaultfilters import filesizeformat

from rendering.errors import QuotaExceeded, UnfitUpload
from rendering.models import Asset, Job, Scene, Upload
from rendering.states import SUBMITTED, JobStatus

DRAFTS_MAX = 50  # jobs that are uploaded and not submitted
JOBS_MAX = 20  # jobs at work or paused
UPLOADS_MAX = 10  # uploads that are begun and not finished


class Stored(NamedTuple):
    """What an account's scenes take, and may take."""

    used_bytes: int  # with what is announced and on its way
    limit_bytes: int

    @property
    def percent(self) -> int:
        return min(100, self.used_bytes * 100 // max(1, self.limit_bytes))

    @property
    def free_bytes(self) -> int:
        return max(0, self.limit_bytes - self.used_bytes)


def one_at_a_time(user) -> None:
    """Hold the account's row to the end of the transaction: requests at once must not all see the same free place."""
    get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)


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


def check_open_uploads(user) -> None:
    """Raises UnfitUpload when too many uploads are begun and not finished."""
    if Upload.objects.unfinished(user).count() >= UPLOADS_MAX:
        raise UnfitUpload(
            f"{UPLOADS_MAX} of your uploads are unfinished. Finish or forget one first; "
            "each is forgotten two days after its last part."
        )


def stored(user) -> Stored:
    """What the account's scenes take: every asset once, and what is on its way."""
    kept = Asset.objects.filter(owner=user).aggregate(Sum("size_bytes"))["size_bytes__sum"] or 0
    coming = Upload.objects.filter(owner=user).aggregate(Sum("size_bytes"))["size_bytes__sum"] or 0
    return Stored(kept + coming, settings.STORED_BYTES_MAX)


def check_stored(user, more_bytes: int) -> None:
    """Raises UnfitUpload when so many more bytes do not fit; it names what could go."""
    now = stored(user)
    if now.used_bytes + more_bytes > now.limit_bytes:
        raise UnfitUpload(
            f"Your scenes take {filesizeformat(now.used_bytes)} of {filesizeformat(now.limit_bytes)}, and this one needs "
            f"{filesizeformat(more_bytes)} more. {_what_to_delete(user)}"
        )


def _what_to_delete(user) -> str:
    largest = Scene.objects.owned_by(user).kept().with_size().order_by("-size_bytes").first()
    if not largest:
        return "Forget an unfinished upload first."
    return f"Delete a scene that you no longer need: the largest is {largest.name} ({filesizeformat(largest.size_bytes)})."
