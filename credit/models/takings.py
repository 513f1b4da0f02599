"""What operators take of the network's revenue out of a treasury. Written by credit.services.takings alone."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from common import clock
from credit.adjustment_states import AdjustmentStatus


class Taking(models.Model):
    """So much of one asset of one chain's treasury. It is sent by hand; what is kept here is that it may be, and was."""

    chain = models.CharField(max_length=24)  # credit.chains.Chain.key
    asset = models.CharField(max_length=66)  # the contract
    symbol = models.CharField(max_length=12)
    amount_micros = models.BigIntegerField()
    units = models.DecimalField(max_digits=39, decimal_places=0)  # in the asset's smallest unit
    reason = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=AdjustmentStatus, default=AdjustmentStatus.WAITING)
    needs_second = models.BooleanField()  # frozen when it was asked for
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=clock.now)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0, units__gt=0), name="taking_positive"),
            models.CheckConstraint(condition=~Q(reason=""), name="taking_has_a_reason"),
            models.CheckConstraint(
                condition=~Q(status=AdjustmentStatus.MADE) | Q(decided_by__isnull=False), name="taking_made_by_somebody"
            ),
            models.CheckConstraint(
                condition=~Q(status=AdjustmentStatus.MADE, needs_second=True) | ~Q(decided_by=F("asked_by")),
                name="taking_made_by_two_people",
            ),
        ]
        indexes = [models.Index(fields=["asked_by", "asked_at"], name="taking_by_operator")]

    def __str__(self) -> str:
        return f"taking {self.pk}"
