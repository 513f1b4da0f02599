import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import workers.fleet_models


class Migration(migrations.Migration):
    dependencies = [("workers", "0019_self_tests"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            name="FleetToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.CharField(default=workers.fleet_models.new_fleet_uid, editable=False, max_length=32, unique=True)),
                ("name_prefix", models.CharField(max_length=40)),
                ("nodes_max", models.PositiveSmallIntegerField()),
                ("used", models.PositiveSmallIntegerField(default=0)),
                ("token_sha256", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="fleet_tokens", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("nodes_max__gte", 1), ("nodes_max__lte", 100)), name="fleet_token_limit_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("used__lte", models.F("nodes_max"))), name="fleet_token_within_limit"),
                ],
            },
        ),
        migrations.AddField(
            "worker",
            "fleet",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="workers",
                to="workers.fleettoken",
            ),
        ),
    ]
