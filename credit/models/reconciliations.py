"""Looks at whether books, chains and provider agree. Written by credit.services.reconciliations alone."""

from django.db import models

from common import clock
from credit.reconciliation import Verdict


class Reconciliation(models.Model):
    """One look and what it found; the last of them are kept."""

    started_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(default=clock.now)
    verdict = models.CharField(max_length=10, choices=Verdict)  # the gravest of its lines
    lines = models.JSONField()  # credit.reconciliation.Line, as objects
    payments_asked_to = models.DateTimeField(null=True, blank=True)  # the next look asks about later ones; None: from the first

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"look of {self.started_at:%Y-%m-%d %H:%M}"
