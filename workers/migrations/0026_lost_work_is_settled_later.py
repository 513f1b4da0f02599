import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workers', '0025_releases_of_the_agent'),
    ]

    operations = [
        migrations.CreateModel(
            name='LostWork',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lost_at', models.DateTimeField()),
                ('tasks_left', models.PositiveIntegerField()),
                ('tasks_unbegun', models.PositiveIntegerField()),
                ('worker', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='workers.worker')),
            ],
            options={
                'verbose_name_plural': 'lost work',
                'indexes': [models.Index(fields=['lost_at'], name='lost_work_by_age')],
            },
        ),
    ]
