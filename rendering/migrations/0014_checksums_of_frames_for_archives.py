from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rendering", "0013_probe_frames_of_a_node")]

    operations = [
        migrations.AddField(model, "crc32", models.BigIntegerField(null=True)) for model in ("output", "mergedframe")
    ]
