"""Who may watch a job without signing in."""

from django.db import transaction

from common.realtime import ACCESS
from rendering import events
from rendering.choices import Visibility
from rendering.models import Job, WatchLink, new_watch_token


@transaction.atomic
def share_job(job: Job, visibility: str, *, anew: bool = False) -> WatchLink | None:
    """Let others watch the job, or (with "") nobody any more; returns its link.

    Args:
        anew: give it another address, so that the old one leads nowhere.
    """
    events.job_changed(job.pk, ACCESS)  # open sockets of the old address are turned out
    if not visibility:
        WatchLink.objects.filter(job=job).delete()
        return None
    link, created = WatchLink.objects.select_for_update().get_or_create(
        job=job, defaults={"visibility": Visibility(visibility)}
    )
    link.visibility = Visibility(visibility)
    if anew and not created:
        link.token = new_watch_token()
    link.save(update_fields=["visibility", "token"])
    return link
