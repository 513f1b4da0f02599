"""What the ledger says, added up by day, so that pages about months need not read every transfer."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from credit.codes import Code
from credit.models.ledger import Account, Hold


class DaySum(models.Model):
    """The transfers of one user on one day of UTC that are alike. Derived: credit.sums writes it and can write it again."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    code = models.CharField(max_length=20, choices=Code)
    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    target = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    hold = models.ForeignKey(
        Hold, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # its own, or what it reverses has
    amount_micros = models.BigIntegerField()
    entries = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "day", "code", "source", "target", "hold"], nulls_distinct=False, name="day_sum_once"
            ),
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="day_sum_positive"),
        ]
        indexes = [models.Index(fields=["day"], name="day_sum_by_day")]

    def __str__(self) -> str:
        return f"{self.get_code_display()} on {self.day:%Y-%m-%d}"
