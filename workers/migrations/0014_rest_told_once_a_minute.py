from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workers", "0013_nodes_that_rest")]
    operations = [
        migrations.AddField("worker", "rest_told", models.CharField(blank=True, db_default="", max_length=40)),
        migrations.AddField("worker", "rest_told_at", models.DateTimeField(blank=True, null=True)),
    ]
