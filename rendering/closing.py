"""What rendering says when an account is to be closed, or its data taken along."""

from django.dispatch import receiver
from django.urls import reverse

from common.words import plural
from rendering.models import Job
from rendering.states import SUBMITTED
from users.signals import Blocker, asked_for_data, asked_what_blocks


@receiver(asked_what_blocks, dispatch_uid="rendering.what_blocks")
def what_blocks(user, **kwargs) -> list[Blocker]:
    count = Job.objects.filter(owner=user, status__in=SUBMITTED).count()
    words = f"{plural(count, 'job')} {'is' if count == 1 else 'are'} not done: let them finish, or cancel them."
    return [Blocker(words, reverse("rendering:job-list"))] if count else []


@receiver(asked_for_data, dispatch_uid="rendering.data")
def data(user, **kwargs) -> dict:
    jobs = Job.objects.filter(owner=user).order_by("pk").values("id", "name", "status", "created_at")
    return {"jobs": [job | {"created_at": job["created_at"].isoformat()} for job in jobs.iterator()]}
