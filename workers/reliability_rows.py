"""What reliability rests on: a row per node and day, how far it has been measured, and when the network itself was away."""

from django.db import models
from django.db.models import F, Q

from workers.reliability import Record


class ReliabilityDay(models.Model):
    """One node on one day (UTC). Written by workers.standing alone; the tasks of the day stand in its Tally."""

    worker = models.ForeignKey("workers.Worker", on_delete=models.CASCADE, related_name="reliability_days", db_index=False)
    day_on = models.DateField()
    # Of this day: see workers.reliability.Record.
    offer_seconds = models.FloatField(default=0)
    offer_up_seconds = models.FloatField(default=0)
    work_seconds = models.FloatField(default=0)
    work_up_seconds = models.FloatField(default=0)
    # All days up to this one, as they count on it.
    faded_offer_seconds = models.FloatField(default=0)
    faded_offer_up_seconds = models.FloatField(default=0)
    faded_work_seconds = models.FloatField(default=0)
    faded_work_up_seconds = models.FloatField(default=0)
    faded_accepted = models.FloatField(default=0)
    faded_failed = models.FloatField(default=0)
    faded_left = models.FloatField(default=0)
    faded_unbegun = models.FloatField(default=0)
    # Unfaded, since the day on which its hardware became what it is: levels ask for them.
    known_up_seconds = models.FloatField(default=0)
    known_accepted = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["worker", "day_on"], name="reliability_day_once")]
        indexes = [models.Index(fields=["day_on"], name="reliability_day_by_age")]

    def __str__(self) -> str:
        return f"Reliability of node {self.worker_id} on {self.day_on}"

    @property
    def record(self) -> Record:
        """As it counted at the end of this day."""
        return Record(*(getattr(self, f"faded_{fact}") for fact in Record._fields))


class Measured(models.Model):
    """Up to when the uptime of all nodes is counted; one row."""

    until_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Measured until {self.until_at}"


class LostWork(models.Model):
    """Tasks that a node left or did not begin, until it is known whether it was the network's doing. Written by workers.losses."""

    worker = models.ForeignKey("workers.Worker", on_delete=models.CASCADE, related_name="+")
    lost_at = models.DateTimeField()
    tasks_left = models.PositiveIntegerField()
    tasks_unbegun = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "lost work"
        indexes = [models.Index(fields=["lost_at"], name="lost_work_by_age")]

    def __str__(self) -> str:
        return f"{self.lost_at}: node {self.worker_id} left {self.tasks_left} and did not begin {self.tasks_unbegun}"


class Outage(models.Model):
    """A time in which the network itself, or its line, was away: nobody's uptime is counted. Written by workers.outages."""

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # None: it goes on
    why = models.CharField(max_length=100)
    nodes = models.PositiveIntegerField(default=0)  # online before, where their loss is what told of it

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")), name="outage_has_an_order"),
            models.UniqueConstraint(fields=["why"], condition=Q(ended_at=None), name="outage_open_once"),
        ]
        indexes = [models.Index(fields=["ended_at"], name="outage_by_end")]

    def __str__(self) -> str:
        return f"{self.began_at}: {self.why}"
