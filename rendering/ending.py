"""Tells creators a week ahead what of theirs will be deleted. The mail is sent here, not ordered: what it does not reach stays."""

from collections import defaultdict
from datetime import datetime

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from common.words import plural
from rendering import retention
from rendering.models import Job, Scene
from users.mailing import unsubscribe_headers
from users.notices import is_mailed, tell

KIND = "ending"  # of rendering.notices.KINDS
TEXT = "Keep what you still need longer, and download its frames."
log = structlog.get_logger(__name__)


def send_notices(now: datetime, *, limit: int) -> int:
    """One mail to each creator with scenes or frames that end within a week; returns how many scenes and jobs were told.

    What could not be mailed is tried again at the next sweep, and not deleted meanwhile.
    """
    scenes = retention.scenes_with_end(Scene.objects.select_related("owner")).filter(is_busy=False)
    jobs = retention.jobs_with_end(Job.objects.select_related("owner"))
    ending: dict = defaultdict(lambda: ([], []))
    for scene in retention.to_be_told(scenes, now, noticed="noticed_at")[:limit]:
        ending[scene.owner][0].append(scene)
    for job in retention.to_be_told(jobs, now, noticed="frames_noticed_at")[:limit]:
        ending[job.owner][1].append(job)
    return sum(_tell(owner, *both, now=now) for owner, both in ending.items())


def _tell(owner, scenes: list[Scene], jobs: list[Job], *, now: datetime) -> int:
    if is_mailed(owner, KIND) and not _mailed(owner, scenes, jobs):
        return 0
    tell(
        user=owner,
        kind=KIND,
        words=_words(scenes, jobs),
        text=TEXT,
        url=reverse("rendering:scene-list"),
        now=now,
        by_mail=False,
    )
    Scene.objects.filter(pk__in=[scene.pk for scene in scenes]).update(noticed_at=now)
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(frames_noticed_at=now)
    return len(scenes) + len(jobs)


def _words(scenes: list[Scene], jobs: list[Job]) -> str:
    """ "2 scenes and the frames of 1 job will be deleted in a week."."""
    parts = [plural(len(scenes), "scene")] * bool(scenes) + [f"the frames of {plural(len(jobs), 'job')}"] * bool(jobs)
    words = " and ".join(parts)
    return f"{words[0].upper()}{words[1:]} will be deleted in a week."


def _mailed(owner, scenes: list[Scene], jobs: list[Job]) -> bool:
    context = {"owner": owner, "scenes": scenes, "jobs": jobs, "site_name": settings.SITE_NAME}
    context["url"] = settings.SITE_URL + reverse("rendering:scene-list")
    context["settings_url"] = settings.SITE_URL + reverse("users:notices-wanted")
    subject = f"{settings.SITE_NAME}: files of yours will be deleted in a week"
    body = render_to_string("rendering/mail/ending.txt", context)
    try:
        EmailMessage(subject, body, to=[owner.email], headers=unsubscribe_headers(owner, KIND)).send()
    except OSError:
        log.exception("notice_not_mailed", owner=owner.pk)
        return False
    return True
