"""What a user wants to spend at most in a month, and when they want to be told."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from common import clock


class Budget(models.Model):
    """A user's limits. No row: no limit, no alert."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="budget")
    monthly_micros = models.BigIntegerField(null=True, blank=True)  # charged less refunded, in a month of UTC
    stops_new_jobs = models.BooleanField(default=False)  # refuse new holds that could pass it; what runs goes on
    low_balance_micros = models.BigIntegerField(null=True, blank=True)  # tell when less is available

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(monthly_micros=None) | Q(monthly_micros__gt=0), name="budget_above_zero"),
            models.CheckConstraint(condition=Q(low_balance_micros=None) | Q(low_balance_micros__gt=0), name="low_above_zero"),
        ]

    def __str__(self) -> str:
        return f"Budget of {self.owner}"


class AlertKind(models.TextChoices):
    BUDGET = "budget", "Budget"
    LOW_BALANCE = "low_balance", "Low balance"


class CreditAlert(models.Model):
    """One thing that a user is told once. The row is written first; a sweep makes a notice of it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="credit_alerts")
    kind = models.CharField(max_length=12, choices=AlertKind)
    month = models.DateField(null=True, blank=True)  # of a budget: its first day
    percent = models.PositiveSmallIntegerField(default=0)  # of a budget: 50, 80 or 100
    amount_micros = models.BigIntegerField()  # spent, or available, when it was found
    limit_micros = models.BigIntegerField()
    created_at = models.DateTimeField(default=clock.now)
    mailed_at = models.DateTimeField(null=True, blank=True)  # when the notice was written
    ended_at = models.DateTimeField(null=True, blank=True)  # of a low balance: when there was enough again

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "month", "percent"], condition=Q(kind=AlertKind.BUDGET), name="alert_of_a_budget_once"
            ),
            models.UniqueConstraint(
                fields=["owner"], condition=Q(kind=AlertKind.LOW_BALANCE, ended_at=None), name="alert_of_a_low_balance_once"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="alert_to_mail", condition=Q(mailed_at=None))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.percent or ''}".strip()
