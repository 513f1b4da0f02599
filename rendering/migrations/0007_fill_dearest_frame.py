from django.db import migrations

FILL = """
    UPDATE rendering_job AS job SET dearest_micros = so_far.most
    FROM (SELECT task.job_id, max(attempt.charged_micros) AS most
          FROM rendering_attempt AS attempt JOIN rendering_task AS task ON task.id = attempt.task_id
          WHERE attempt.outcome = 'accepted' GROUP BY task.job_id) AS so_far
    WHERE job.id = so_far.job_id
"""


class Migration(migrations.Migration):
    dependencies = [("rendering", "0006_probe_frames")]
    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
