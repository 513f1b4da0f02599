"""Rounds between creators, what nodes keep at hand and what does not fit them, and the facts that jobs may ask for."""

import django.contrib.postgres.fields
import django.db.models.deletion
import workers.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workers', '0004_plural_names'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Cached',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('affinity', models.CharField(max_length=64)),
                ('used_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'cached',
            },
        ),
        migrations.CreateModel(
            name='Misfit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('affinity', models.CharField(max_length=64)),
                ('kind', models.CharField(choices=[('out_of_memory', 'ran out of memory'), ('failures', 'failed in a row')], max_length=16)),
                ('title', models.CharField(blank=True, max_length=200)),
                ('words', models.CharField(blank=True, max_length=200)),
                ('count', models.PositiveSmallIntegerField(default=1)),
                ('ram_bytes', models.BigIntegerField(default=0)),
                ('vram_bytes', models.BigIntegerField(default=0)),
                ('at', models.DateTimeField()),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Turn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tier', models.SmallIntegerField()),
                ('owner_id', models.BigIntegerField()),
                ('turns', models.BigIntegerField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name='work',
            name='work_waiting',
        ),
        migrations.AddField(
            model_name='work',
            name='affinity',
            field=models.CharField(blank=True, db_default='', max_length=64),
        ),
        migrations.AddField(
            model_name='work',
            name='failed_on',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='work',
            name='needed_by_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='work',
            name='tier',
            field=models.SmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='worker',
            name='country',
            field=models.CharField(blank=True, db_default='', max_length=2),
        ),
        migrations.AddField(
            model_name='worker',
            name='cpu_kernel',
            field=models.CharField(blank=True, db_default='', max_length=20),
        ),
        migrations.AddField(
            model_name='worker',
            name='engines',
            field=models.JSONField(blank=True, db_default=['cycles'], default=workers.models.default_engines),
        ),
        migrations.AddField(
            model_name='worker',
            name='reliability_bp',
            field=models.PositiveSmallIntegerField(db_default=9500, default=9500),
        ),
        migrations.AddField(
            model_name='worker',
            name='trusted',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='worker',
            name='versions_fetchable',
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddIndex(
            model_name='work',
            index=models.Index(models.F('tier'), models.F('owner_id'), models.F('kind'), models.F('group'), models.OrderBy(models.F('priority'), descending=True), models.F('sort'), models.F('id'), condition=models.Q(('held', False), ('leased', False)), name='work_waiting_by_group'),
        ),
        migrations.AddIndex(
            model_name='workerevent',
            index=models.Index(fields=['at'], name='worker_event_by_age'),
        ),
        migrations.AddField(
            model_name='cached',
            name='worker',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cached', to='workers.worker'),
        ),
        migrations.AddField(
            model_name='misfit',
            name='worker',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='misfits', to='workers.worker'),
        ),
        migrations.AddConstraint(
            model_name='turn',
            constraint=models.UniqueConstraint(fields=('tier', 'owner_id'), name='turn_once_per_owner'),
        ),
        migrations.AddIndex(
            model_name='cached',
            index=models.Index(fields=['used_at'], name='cached_by_use'),
        ),
        migrations.AddConstraint(
            model_name='cached',
            constraint=models.UniqueConstraint(fields=('affinity', 'worker'), name='cached_once'),
        ),
        migrations.AddIndex(
            model_name='misfit',
            index=models.Index(fields=['until'], name='misfit_by_end'),
        ),
        migrations.AddConstraint(
            model_name='misfit',
            constraint=models.UniqueConstraint(fields=('affinity', 'worker', 'kind'), name='misfit_once'),
        ),
        migrations.AddConstraint(
            model_name='misfit',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['out_of_memory', 'failures'])), name='misfit_kind_known'),
        ),
    ]
