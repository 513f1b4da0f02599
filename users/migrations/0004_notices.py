import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    """The table keeps its name, so that the former code runs on while this one is laid out."""

    dependencies = [("users", "0003_keys_events_and_choices")]

    operations = [
        migrations.AlterModelTable(name="securityevent", table="users_securityevent"),
        migrations.RenameModel(old_name="SecurityEvent", new_name="Notice"),
        migrations.AddField("notice", "text", models.TextField(blank=True, db_default="")),
        migrations.AddField("notice", "url", models.CharField(blank=True, db_default="", max_length=300)),
        migrations.AddField("notice", "is_listed", models.BooleanField(db_default=True)),
        migrations.AddField("notice", "seen_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "user",
            "unlisted",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20), blank=True, db_default=[], default=list, size=None
            ),
        ),
        migrations.AlterField(
            "notice",
            "user",
            models.ForeignKey(on_delete=models.deletion.CASCADE, related_name="notices", to="users.user"),
        ),
        migrations.AddIndex(
            "notice", models.Index(fields=["user"], name="notice_unseen", condition=models.Q(is_listed=True, seen_at=None))
        ),
    ]
