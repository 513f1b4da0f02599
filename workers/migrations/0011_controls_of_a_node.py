"""What an owner allows a node, its maintenance windows, and whether it is closed at this moment."""

import django.contrib.postgres.fields
import django.db.models.deletion
import workers.control_models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workers", "0010_gauges_by_hour_and_day"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Controls",
            fields=[
                (
                    "worker",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="controls",
                        serialize=False,
                        to="workers.worker",
                    ),
                ),
                ("changed_at", models.DateTimeField(null=True)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                (
                    "opens_minutes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(), default=workers.control_models.open_all_day, size=None
                    ),
                ),
                (
                    "closes_minutes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(), default=workers.control_models.close_at_midnight, size=None
                    ),
                ),
                ("idle_minutes", models.PositiveSmallIntegerField(default=0)),
                ("temperature_max_celsius", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("power_max_watts", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("slots_per_gpu", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("slots_cpu", models.PositiveSmallIntegerField(default=1)),
                ("disk_quota_bytes", models.BigIntegerField(blank=True, null=True)),
                ("bandwidth_max_mbit", models.PositiveIntegerField(blank=True, null=True)),
                ("serves", models.CharField(default="alike", max_length=12)),
                (
                    "team_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("accepts_render", models.BooleanField(default=True)),
                ("accepts_check", models.BooleanField(default=True)),
                ("accepts_rent", models.BooleanField(default=False)),
                ("gpu_hour_micros", models.BigIntegerField(blank=True, null=True)),
                ("vram_share_bp_min", models.PositiveSmallIntegerField(default=10000)),
                ("kwh_micros", models.BigIntegerField(blank=True, null=True)),
                ("busy_watts", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("idle_watts", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "controls",
            },
        ),
        migrations.CreateModel(
            name="Maintenance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_at", models.DateTimeField()),
                ("until_at", models.DateTimeField()),
                ("announced_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="worker",
            name="closed_by",
            field=models.CharField(blank=True, db_default="", max_length=12),
        ),
        migrations.AddField(
            model_name="worker",
            name="hours_change_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="worker",
            index=models.Index(
                condition=models.Q(("hours_change_at__isnull", False)), fields=["hours_change_at"], name="worker_by_hours"
            ),
        ),
        migrations.AddConstraint(
            model_name="worker",
            constraint=models.CheckConstraint(
                condition=models.Q(("closed_by__in", ["", "schedule", "maintenance"])), name="worker_closed_by_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(("closes_minutes__len", 7), ("opens_minutes__len", 7)), name="controls_seven_days"
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Func(
                    models.F("opens_minutes"),
                    output_field=models.BooleanField(),
                    template="(0 <= ALL(%(expressions)s) AND 1439 >= ALL(%(expressions)s))",
                ),
                name="controls_opens_in_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Func(
                    models.F("closes_minutes"),
                    output_field=models.BooleanField(),
                    template="(0 <= ALL(%(expressions)s) AND 1440 >= ALL(%(expressions)s))",
                ),
                name="controls_closes_in_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(("idle_minutes__gte", 0), ("idle_minutes__lte", 1440)), name="controls_idle_within_a_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("temperature_max_celsius", None),
                    models.Q(("temperature_max_celsius__gte", 40), ("temperature_max_celsius__lte", 110)),
                    _connector="OR",
                ),
                name="controls_temperature_sensible",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("power_max_watts", None),
                    models.Q(("power_max_watts__gte", 30), ("power_max_watts__lte", 2000)),
                    _connector="OR",
                ),
                name="controls_power_sensible",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("slots_per_gpu", None), models.Q(("slots_per_gpu__gte", 1), ("slots_per_gpu__lte", 8)), _connector="OR"
                    ),
                    ("slots_cpu__gte", 1),
                    ("slots_cpu__lte", 64),
                ),
                name="controls_slots_sensible",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(("disk_quota_bytes", None), ("disk_quota_bytes__gte", 5368709120), _connector="OR"),
                name="controls_disk_enough",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(("bandwidth_max_mbit", None), ("bandwidth_max_mbit__gte", 1), _connector="OR"),
                name="controls_bandwidth_some",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(("serves__in", ["alike", "own_first", "team_first", "team_only", "own_only"])),
                name="controls_serves_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(condition=models.Q(("team_ids__len__lte", 50)), name="controls_team_bounded"),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("serves__in", ["team_first", "team_only"]), _negated=True),
                    ("team_ids__len__gte", 1),
                    _connector="OR",
                ),
                name="controls_team_named",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(("accepts_render", True), ("accepts_check", True), ("accepts_rent", True), _connector="OR"),
                name="controls_accept_some",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(("accepts_rent", False), ("gpu_hour_micros__isnull", False), _connector="OR"),
                name="controls_rent_has_a_price",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(("gpu_hour_micros", None), ("gpu_hour_micros__gt", 0), _connector="OR"),
                name="controls_rent_costs_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(("vram_share_bp_min__gte", 1), ("vram_share_bp_min__lte", 10000)),
                name="controls_share_of_a_gpu",
            ),
        ),
        migrations.AddConstraint(
            model_name="controls",
            constraint=models.CheckConstraint(
                condition=models.Q(("kwh_micros", None), ("kwh_micros__gte", 0), _connector="OR"),
                name="controls_power_not_paid_for",
            ),
        ),
        migrations.AddField(
            model_name="maintenance",
            name="worker",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="maintenances", to="workers.worker"
            ),
        ),
        migrations.AddConstraint(
            model_name="maintenance",
            constraint=models.CheckConstraint(
                condition=models.Q(("until_at__gt", models.F("from_at"))), name="maintenance_has_length"
            ),
        ),
        migrations.AddConstraint(
            model_name="maintenance",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)), fields=("worker",), name="maintenance_open_once_per_node"
            ),
        ),
    ]
