"""Corrections by operators. Written by credit.services.adjustments alone."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from common import clock
from credit.adjustment_states import AdjustmentStatus
from credit.codes import Bucket
from credit.models.deposits import Deposit
from credit.models.ledger import Transfer


class Adjustment(models.Model):
    """Credit added to a user's account (above zero) or taken from it (below), with the reason that its user reads.

    With a `deposit`, it gives that unclaimed payment to the user, under the same two-person rule.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjustments")
    bucket = models.CharField(max_length=12, choices=Bucket)
    amount_micros = models.BigIntegerField()
    reason = models.CharField(max_length=200)
    deposit = models.ForeignKey(Deposit, null=True, blank=True, on_delete=models.PROTECT, related_name="adjustments")
    status = models.CharField(max_length=10, choices=AdjustmentStatus, default=AdjustmentStatus.WAITING)
    needs_second = models.BooleanField()  # frozen when it was asked for
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=clock.now)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    transfer = models.OneToOneField(Transfer, null=True, blank=True, on_delete=models.PROTECT, related_name="adjustment")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(amount_micros=0), name="adjustment_not_zero"),
            models.CheckConstraint(condition=~Q(reason=""), name="adjustment_has_a_reason"),
            models.CheckConstraint(
                condition=~Q(status=AdjustmentStatus.MADE) | Q(transfer__isnull=False, decided_by__isnull=False),
                name="adjustment_made_by_a_transfer",
            ),
            models.CheckConstraint(
                condition=~Q(status=AdjustmentStatus.MADE, needs_second=True) | ~Q(decided_by=F("asked_by")),
                name="adjustment_made_by_two_people",
            ),
            models.CheckConstraint(condition=~Q(asked_by=F("user")), name="adjustment_of_somebody_else"),
            models.UniqueConstraint(
                fields=["deposit"], condition=~Q(status=AdjustmentStatus.REFUSED), name="adjustment_gives_a_deposit_once"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="adjustment_waiting", condition=Q(status="waiting")),
            models.Index(fields=["asked_by", "asked_at"], name="adjustment_by_operator"),
        ]

    def __str__(self) -> str:
        return f"adjustment {self.pk}"
