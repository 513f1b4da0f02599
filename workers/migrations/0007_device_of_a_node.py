"""What a node renders with, as its agent says; versions that it would fetch stand among those that it has."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workers", "0006_tiers_instead_of_priorities"),
    ]

    operations = [
        migrations.RemoveField(model_name="worker", name="cpu_kernel"),
        migrations.RemoveField(model_name="worker", name="versions_fetchable"),
        migrations.AddField(
            model_name="worker",
            name="device",
            field=models.CharField(blank=True, db_default="", max_length=16),
        ),
    ]
