"""Nodes that went away and whose owners are told of it: rows that workers.alerts alone writes."""

from django.db import models
from django.db.models import F, Q


class OfflineAlert(models.Model):
    """One time away of a node: begun when its shift was lost, told once it is due, and once more when the node is back.

    A row per shift, so that no time away is told twice. A node that comes back before anybody was told has no row any more.
    """

    shift = models.OneToOneField("workers.Shift", on_delete=models.CASCADE, related_name="alert")
    worker = models.ForeignKey("workers.Worker", on_delete=models.CASCADE, related_name="alerts")
    grace = models.DurationField()  # how long its owner wants us to wait
    due_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    back_at = models.DateTimeField(null=True, blank=True)  # when its owner was told that it is back, or away anew

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(back_at=None) | Q(back_at__gte=F("told_at")), name="alert_told_before_back"),
        ]
        indexes = [models.Index(fields=["due_at"], name="alert_open_by_due", condition=Q(back_at=None))]

    def __str__(self) -> str:
        return f"Alert {self.pk} of node {self.worker_id}"
