import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import common.clock


class Migration(migrations.Migration):
    dependencies = [("users", "0005_what_was_told_before_is_read")]

    operations = [
        migrations.AddField("user", "wants_no_mail", models.BooleanField(db_default=False, default=False)),
        migrations.CreateModel(
            name="AddressClaim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254)),
                ("digest", models.CharField(max_length=64)),
                ("asked_at", models.DateTimeField(default=common.clock.now)),
                ("expires_at", models.DateTimeField()),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="address_claim", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
    ]
