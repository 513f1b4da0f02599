"""Which node failed a work item a moment ago, so that another gets the next attempt."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workers", "0002_minutes_by_day"),
    ]

    operations = [
        migrations.AddField(
            model_name="work",
            name="avoided_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="work",
            name="avoided_until",
            field=models.DateTimeField(null=True),
        ),
    ]
