from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workers", "0011_controls_of_a_node")]
    operations = [
        migrations.AddField("worker", "simulated", models.BooleanField(db_default=False, default=False)),
        migrations.AddField("gpu", "compute", models.CharField(blank=True, db_default="", max_length=16)),
        migrations.AddField("gpu", "power_limit_watts", models.FloatField(db_default=0, default=0)),
    ]
