"""Dated prices."""

from django.db import models
from django.db.models import Q

from rendering.choices import Tier


class RateRule(models.Model):
    """A dated price of one tier and how a charge is split; the newest that has begun counts. Frozen on each attempt.

    Without a row the defaults of rendering.pricing count.
    """

    tier = models.CharField(max_length=12, choices=Tier)
    begins_at = models.DateTimeField()
    rate_micros = models.BigIntegerField()  # per reference second
    worker_bp = models.PositiveIntegerField(default=6_000)
    checkers_bp = models.PositiveIntegerField(default=1_000)
    network_bp = models.PositiveIntegerField(default=3_000)

    class Meta:
        ordering = ["-begins_at"]
        constraints = [
            models.UniqueConstraint(fields=["tier", "begins_at"], name="rate_rule_once"),
            models.CheckConstraint(condition=Q(rate_micros__gt=0), name="rate_rule_positive"),
            models.CheckConstraint(
                condition=Q(network_bp=10_000 - models.F("worker_bp") - models.F("checkers_bp")),
                name="rate_rule_shares_are_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_tier_display()} from {self.begins_at:%Y-%m-%d %H:%M}"
