from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workers", "0012_gpus_told_whole")]
    operations = [migrations.AddField("worker", "resting", models.CharField(blank=True, db_default="", max_length=40))]
