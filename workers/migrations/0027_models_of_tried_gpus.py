from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workers', '0026_lost_work_is_settled_later'),
    ]

    operations = [
        migrations.AddField(
            model_name='gputrial',
            name='gpu_models',
            field=models.JSONField(db_default=[], default=list),
        ),
    ]
