"""A row of reliability per node and day, what is known of the network's own outages, and the level of a node."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

FACTS = ("offer_seconds", "offer_up_seconds", "work_seconds", "work_up_seconds")
FADED = (*FACTS, "accepted", "failed", "left", "unbegun")
LEVELS = ["registered", "self_tested", "verified", "trusted"]


def row_id() -> tuple:
    return "id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [("workers", "0016_teams_are_asked")]
    operations = [
        migrations.CreateModel("Measured", fields=[row_id(), ("until_at", models.DateTimeField())]),
        migrations.CreateModel(
            "Outage",
            fields=[
                row_id(),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("why", models.CharField(max_length=100)),
                ("nodes", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["ended_at"], name="outage_by_end")],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")), name="outage_has_an_order"
                    ),
                    models.UniqueConstraint(fields=["why"], condition=Q(ended_at=None), name="outage_open_once"),
                ],
            },
        ),
        migrations.CreateModel(
            "ReliabilityDay",
            fields=[
                row_id(),
                ("day_on", models.DateField()),
                *[(fact, models.FloatField(default=0)) for fact in FACTS],
                *[(f"faded_{fact}", models.FloatField(default=0)) for fact in FADED],
                ("known_up_seconds", models.FloatField(default=0)),
                ("known_accepted", models.PositiveIntegerField(default=0)),
                (
                    "worker",
                    models.ForeignKey(
                        "workers.worker",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reliability_days",
                        db_index=False,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["day_on"], name="reliability_day_by_age")],
                "constraints": [models.UniqueConstraint(fields=["worker", "day_on"], name="reliability_day_once")],
            },
        ),
        migrations.AddField("tally", "tasks_left", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("tally", "tasks_unbegun", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("worker", "hardware_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "worker", "level", models.CharField(db_default="registered", default="registered", max_length=12)
        ),
        migrations.AlterField(
            "worker", "reliability_bp", models.PositiveSmallIntegerField(db_default=6000, default=6000)
        ),
        migrations.AddConstraint(
            "worker", models.CheckConstraint(condition=Q(level__in=LEVELS), name="worker_level_known")
        ),
        migrations.AddIndex(
            "shift", models.Index(fields=["ended_at"], name="shift_by_end", condition=Q(ended_at__isnull=False))
        ),
    ]
