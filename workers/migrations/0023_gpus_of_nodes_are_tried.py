import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workers', '0022_benchmarks_asked_for_and_by_age'),
    ]

    operations = [
        migrations.AddField(
            model_name='worker',
            name='gpus_believed',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.CreateModel(
            name='GpuTrial',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='gpu_trial', serialize=False, to='workers.benchmarkrun')),
                ('model', models.CharField(blank=True, max_length=200)),
                ('sizes', models.JSONField()),
                ('seed', models.BinaryField(max_length=32)),
                ('began_at', models.DateTimeField(blank=True, null=True)),
                ('root', models.BinaryField(default=bytes, max_length=32)),
                ('solved_at', models.DateTimeField(blank=True, null=True)),
                ('numbers', models.JSONField(default=list)),
                ('shown_sha256', models.BinaryField(default=bytes, max_length=32)),
                ('shown_at', models.DateTimeField(blank=True, null=True)),
                ('bytes_per_second', models.BigIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('bytes_per_second__gt', 0)), fields=['model'], name='gpu_trial_by_model')],
            },
        ),
    ]
