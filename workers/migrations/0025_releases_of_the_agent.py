import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workers', '0024_offline_alerts'),
    ]

    operations = [
        migrations.CreateModel(
            name='AgentRelease',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64, unique=True)),
                ('version', models.CharField(max_length=40)),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='AgentBuild',
            fields=[
                ('worker', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='build', serialize=False, to='workers.worker')),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('obstacle', models.CharField(blank=True, max_length=40)),
                ('tried', models.BigIntegerField(default=0)),
                ('words', models.CharField(blank=True, max_length=500)),
            ],
        ),
        migrations.AddField(
            model_name='controls',
            name='updates_itself',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='controls',
            name='release_allowed',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
