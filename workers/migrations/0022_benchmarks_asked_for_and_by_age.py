from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workers', '0021_benchmarks_of_nodes'),
    ]

    operations = [
        migrations.AddField(
            model_name='benchmarkrun',
            name='by_owner',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name='benchmarkrun',
            index=models.Index(fields=['created_at'], name='benchmark_by_age'),
        ),
    ]
