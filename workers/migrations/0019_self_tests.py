import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workers", "0018_reliability_of_nodes_so_far")]
    operations = [
        migrations.CreateModel(
            name="SelfTest",
            fields=[
                (
                    "worker",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="self_test",
                        serialize=False,
                        to="workers.worker",
                    ),
                ),
                ("blender_versions", models.JSONField(default=list)),
                ("blender_problem", models.CharField(blank=True, max_length=500)),
                ("passed", models.BooleanField(null=True)),
                ("words", models.CharField(blank=True, max_length=500)),
            ],
        ),
    ]
