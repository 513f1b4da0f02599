"""Owners name addresses; who is in a team follows from what the people behind them answer."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

STATUSES = [("invited", "Invited"), ("accepted", "Accepted"), ("declined", "Declined")]


class Migration(migrations.Migration):
    dependencies = [
        ("workers", "0014_rest_told_once_a_minute"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254)),
                ("status", models.CharField(choices=STATUSES, default="invited", max_length=8)),
                ("invited_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="team_invitations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["email"], name="invitation_by_address")],
                "constraints": [
                    models.UniqueConstraint(fields=["owner", "email"], name="invitation_once_per_address"),
                    models.CheckConstraint(
                        condition=Q(status__in=["invited", "accepted", "declined"]), name="invitation_status_known"
                    ),
                    models.CheckConstraint(
                        condition=Q(status="invited") | Q(person__isnull=False, answered_at__isnull=False),
                        name="invitation_answered_by_somebody",
                    ),
                ],
            },
        ),
        migrations.AddField(
            "controls",
            "team_emails",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.EmailField(max_length=254), blank=True, db_default=[], default=list, size=None
            ),
        ),
        migrations.RemoveConstraint("controls", "controls_team_named"),  # a team may be asked and still be empty
        migrations.AddConstraint(
            "controls", models.CheckConstraint(condition=Q(team_emails__len__lte=50), name="controls_named_bounded")
        ),
    ]
