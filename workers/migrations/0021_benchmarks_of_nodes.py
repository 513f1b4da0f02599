import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workers', '0020_fleet_tokens'),
    ]

    operations = [
        migrations.AddField(
            model_name='worker',
            name='benchmark_due_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name='BenchmarkRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('checking', 'Being checked'), ('passed', 'Passed'), ('refused', 'Refused'), ('failed', 'Did not end')], default='waiting', max_length=12)),
                ('reason', models.CharField(blank=True, max_length=40)),
                ('created_at', models.DateTimeField()),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('model', models.CharField(blank=True, max_length=200)),
                ('samples', models.PositiveIntegerField(default=0)),
                ('seed', models.BinaryField(default=bytes, max_length=32)),
                ('side', models.PositiveIntegerField(default=0)),
                ('blocks', models.PositiveIntegerField(default=0)),
                ('leased_at', models.DateTimeField(blank=True, null=True)),
                ('root', models.BinaryField(default=bytes, max_length=32)),
                ('shown', models.JSONField(default=list)),
                ('canary_seed', models.PositiveIntegerField(default=0)),
                ('committed_at', models.DateTimeField(blank=True, null=True)),
                ('rendered_at', models.DateTimeField(blank=True, null=True)),
                ('claimed_seconds', models.FloatField(default=0)),
                ('pixels_sha256', models.CharField(blank=True, max_length=64)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('score_milli', models.PositiveIntegerField(default=0)),
                ('believed', models.BooleanField(default=False)),
                ('canary_ms', models.PositiveIntegerField(default=0)),
                ('challenge_ms', models.PositiveIntegerField(default=0)),
                ('memory_bytes_per_second', models.BigIntegerField(default=0)),
                ('disk_write_bytes_per_second', models.BigIntegerField(default=0)),
                ('disk_read_bytes_per_second', models.BigIntegerField(default=0)),
                ('worker', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='benchmark_runs', to='workers.worker')),
            ],
            options={
                'indexes': [models.Index(fields=['worker', '-created_at'], name='benchmark_newest'), models.Index(condition=models.Q(('status', 'passed')), fields=['model'], name='benchmark_by_model'), models.Index(condition=models.Q(('status', 'passed')), fields=['pixels_sha256'], name='benchmark_by_pixels'), models.Index(condition=models.Q(('status__in', ['waiting', 'running', 'checking'])), fields=['created_at'], name='benchmark_open_by_age')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['waiting', 'running', 'checking'])), fields=('worker',), name='benchmark_open_once_per_worker'), models.CheckConstraint(condition=models.Q(('status__in', ['waiting', 'running', 'checking', 'passed', 'refused', 'failed'])), name='benchmark_status_known')],
            },
        ),
    ]
