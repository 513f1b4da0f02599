import django.db.models.functions.datetime
from django.db import migrations, models

import common.clock


class Migration(migrations.Migration):
    dependencies = [("credit", "0014_takings")]

    operations = [
        migrations.AddField(
            model_name="payout",
            name="try_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=common.clock.now),
        ),
        migrations.AddField(
            model_name="payout",
            name="refusals",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                condition=models.Q(("lane", None), ("status", "approved")),
                fields=["chain", "asset", "try_at"],
                name="payout_to_try",
            ),
        ),
    ]
