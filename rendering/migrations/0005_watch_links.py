import django.db.models.deletion
import rendering.models
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rendering", "0004_empty_words_are_empty_before_saving"),
    ]

    operations = [
        migrations.CreateModel(
            name="WatchLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("visibility", models.CharField(choices=[("unlisted", "Unlisted"), ("public", "Public")], max_length=8)),
                ("token", models.CharField(default=rendering.models.new_watch_token, max_length=40, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="watch_link", to="rendering.job"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("visibility__in", ["unlisted", "public"])), name="watch_link_visibility_known"
                    )
                ],
            },
        ),
    ]
