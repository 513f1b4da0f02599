"""Hears of new credit, and hints; sweep_paused_jobs finds the same jobs."""

from django.dispatch import receiver

from credit.signals import credit_added
from rendering.hints import hint_on_commit


@receiver(credit_added, dispatch_uid="rendering.resume_jobs")
def resume_after_credit(user_id: int, **_) -> None:
    hint_on_commit("resume_jobs", user_id)
