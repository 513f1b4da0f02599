import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workers', '0023_gpus_of_nodes_are_tried'),
    ]

    operations = [
        migrations.AddField(
            model_name='shift',
            name='lost',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='controls',
            name='offline_minutes',
            field=models.PositiveSmallIntegerField(blank=True, db_default=10, default=10, null=True),
        ),
        migrations.AddConstraint(
            model_name='controls',
            constraint=models.CheckConstraint(condition=models.Q(('offline_minutes', None), models.Q(('offline_minutes__gte', 10), ('offline_minutes__lte', 1440)), _connector='OR'), name='controls_offline_sensible'),
        ),
        migrations.CreateModel(
            name='OfflineAlert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('grace', models.DurationField()),
                ('due_at', models.DateTimeField()),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('back_at', models.DateTimeField(blank=True, null=True)),
                ('shift', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='alert', to='workers.shift')),
                ('worker', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='workers.worker')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('back_at', None)), fields=['due_at'], name='alert_open_by_due')],
                'constraints': [models.CheckConstraint(condition=models.Q(('back_at', None), ('back_at__gte', models.F('told_at')), _connector='OR'), name='alert_told_before_back')],
            },
        ),
    ]
