from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rendering", "0012_device_and_refund_of_an_attempt")]

    operations = [
        migrations.AddIndex(
            "probeframe",
            models.Index(fields=["worker", "-leased_at"], name="probe_frame_newest_of_worker"),
        )
    ]
