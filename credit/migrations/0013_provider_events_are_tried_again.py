import django.db.models.functions.datetime
from django.db import migrations, models

import common.clock


class Migration(migrations.Migration):
    dependencies = [("credit", "0012_sums_by_day")]

    operations = [
        migrations.RemoveIndex(model_name="providerevent", name="provider_event_waiting"),
        migrations.AddField(
            model_name="providerevent",
            name="try_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=common.clock.now),
        ),
        migrations.AddIndex(
            model_name="providerevent",
            index=models.Index(condition=models.Q(("handled_at", None)), fields=["try_at"], name="provider_event_waiting"),
        ),
    ]
