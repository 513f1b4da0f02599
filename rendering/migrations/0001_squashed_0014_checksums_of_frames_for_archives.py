"""Scenes, jobs, tasks and what came of them. Triggers keep the count of each job's tasks by status."""

import uuid

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import rendering.models.jobs
from common.create_models import CreateModels

COUNT = """
CREATE FUNCTION rendering_count_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO rendering_taskcount (job_id, status, tasks)
        SELECT job_id, status, count(*) FROM now_rows GROUP BY job_id, status;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO rendering_taskcount (job_id, status, tasks)
        SELECT job_id, status, -count(*) FROM was_rows GROUP BY job_id, status;
    ELSE
        INSERT INTO rendering_taskcount (job_id, status, tasks)
        SELECT job_id, status, sum(tasks)
        FROM (SELECT job_id, status, 1 AS tasks FROM now_rows UNION ALL SELECT job_id, status, -1 FROM was_rows) AS changes
        GROUP BY job_id, status HAVING sum(tasks) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER rendering_tasks_inserted AFTER INSERT ON rendering_task
    REFERENCING NEW TABLE AS now_rows FOR EACH STATEMENT EXECUTE FUNCTION rendering_count_tasks();
CREATE TRIGGER rendering_tasks_updated AFTER UPDATE ON rendering_task
    REFERENCING OLD TABLE AS was_rows NEW TABLE AS now_rows FOR EACH STATEMENT EXECUTE FUNCTION rendering_count_tasks();
CREATE TRIGGER rendering_tasks_deleted AFTER DELETE ON rendering_task
    REFERENCING OLD TABLE AS was_rows FOR EACH STATEMENT EXECUTE FUNCTION rendering_count_tasks();
"""
STOP = """
DROP TRIGGER rendering_tasks_inserted ON rendering_task;
DROP TRIGGER rendering_tasks_updated ON rendering_task;
DROP TRIGGER rendering_tasks_deleted ON rendering_task;
DROP FUNCTION rendering_count_tasks();
"""


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("rendering", "0001_first"),
        ("rendering", "0002_job_settings_network_order_gate"),
        ("rendering", "0003_scenes_and_frames_end"),
        ("rendering", "0004_empty_words_are_empty_before_saving"),
        ("rendering", "0005_watch_links"),
        ("rendering", "0006_probe_frames"),
        ("rendering", "0007_fill_dearest_frame"),
        ("rendering", "0008_counts_of_tasks_by_status"),
        ("rendering", "0009_newest_accepted_and_refused_are_indexed"),
        ("rendering", "0010_equal_frames_are_found_by_their_pixels"),
        ("rendering", "0011_tiles_of_a_single_frame"),
        ("rendering", "0012_device_and_refund_of_an_attempt"),
        ("rendering", "0013_probe_frames_of_a_node"),
        ("rendering", "0014_checksums_of_frames_for_archives"),
    ]
    dependencies = [("workers", "0007_device_of_a_node"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Asset",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("sha256", models.CharField(max_length=64)),
                        ("size_bytes", models.BigIntegerField()),
                        ("storage_key", models.CharField(max_length=200)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="assets", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("owner", "sha256"), name="asset_once_per_owner")],
                    },
                ),
                migrations.CreateModel(
                    name="Attempt",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("number", models.PositiveIntegerField()),
                        ("seed", models.PositiveIntegerField()),
                        ("rate_micros", models.BigIntegerField()),
                        ("score_milli", models.PositiveIntegerField()),
                        ("worker_bp", models.PositiveIntegerField()),
                        ("checkers_bp", models.PositiveIntegerField()),
                        ("network_bp", models.PositiveIntegerField()),
                        ("leased_at", models.DateTimeField()),
                        ("started_at", models.DateTimeField(null=True)),
                        ("rendered_at", models.DateTimeField(null=True)),
                        ("finished_at", models.DateTimeField(null=True)),
                        ("outcome", models.CharField(blank=True, max_length=40)),
                        ("render_seconds", models.FloatField(null=True)),
                        ("billable_ms", models.BigIntegerField(default=0)),
                        ("charged_micros", models.BigIntegerField(default=0)),
                        ("pixels_sha256", models.CharField(blank=True, max_length=64)),
                        ("file_sha256", models.CharField(blank=True, max_length=64)),
                        ("log_tail", models.TextField(blank=True)),
                        (
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="attempts", to="workers.worker"
                            ),
                        ),
                        (
                            "task",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="rendering.task"
                            ),
                        ),
                        ("device", models.CharField(blank=True, db_default="", default="", max_length=16)),
                        ("refunded_micros", models.BigIntegerField(null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["worker", "-leased_at"], name="attempt_newest_of_worker"),
                            models.Index(
                                condition=models.Q(("outcome__in", ["", "accepted"]), _negated=True),
                                fields=["outcome"],
                                name="attempt_refused",
                            ),
                            django.contrib.postgres.indexes.HashIndex(
                                condition=models.Q(("outcome", "accepted")),
                                fields=["pixels_sha256"],
                                name="attempt_accepted_by_pixels",
                            ),
                        ],
                        "constraints": [models.UniqueConstraint(fields=("task", "number"), name="attempt_number_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Job",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("name", models.CharField(max_length=120)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("draft", "Draft"),
                                    ("inspecting", "Inspecting"),
                                    ("ready", "Ready"),
                                    ("queued", "Queued"),
                                    ("rendering", "Rendering"),
                                    ("paused", "Paused"),
                                    ("completed", "Completed"),
                                    ("failed", "Failed"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="draft",
                                max_length=12,
                            ),
                        ),
                        (
                            "pause_reason",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("user", "paused by you"),
                                    ("credit", "credit does not cover the next task"),
                                    ("cap", "the cap does not cover the next task"),
                                    ("gate", "waiting for your approval of the preview"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("failure", models.CharField(blank=True, max_length=40)),
                        ("failure_detail", models.CharField(blank=True, max_length=500)),
                        ("engine", models.CharField(default="cycles", max_length=20)),
                        ("blender_version", models.CharField(default="5.0.1", max_length=20)),
                        ("camera", models.CharField(blank=True, max_length=200)),
                        ("frames", models.CharField(blank=True, max_length=500)),
                        ("width", models.PositiveIntegerField(default=0)),
                        ("height", models.PositiveIntegerField(default=0)),
                        ("samples", models.PositiveIntegerField(default=0)),
                        ("format", models.CharField(default="PNG", max_length=24)),
                        ("denoise", models.BooleanField(null=True)),
                        ("tier", models.CharField(default="standard", max_length=12)),
                        ("cap_micros", models.BigIntegerField(blank=True, null=True)),
                        ("secret", models.BinaryField(default=rendering.models.jobs.new_secret)),
                        ("hold_id", models.BigIntegerField(editable=False, null=True)),
                        ("hold_moves", models.PositiveIntegerField(default=0, editable=False)),
                        ("charged_micros", models.BigIntegerField(default=0)),
                        ("frame_count", models.PositiveIntegerField(default=0)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("submitted_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="jobs", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                        (
                            "scene",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="jobs", to="rendering.scene"
                            ),
                        ),
                        ("depth_bits", models.PositiveSmallIntegerField(db_default=0, default=0)),
                        ("device", models.CharField(db_default="any", default="any", max_length=8)),
                        (
                            "estimate_basis",
                            models.CharField(blank=True, db_default="", default="", editable=False, max_length=200),
                        ),
                        ("estimate_high_micros", models.BigIntegerField(editable=False, null=True)),
                        ("estimate_high_seconds", models.FloatField(editable=False, null=True)),
                        ("estimate_low_micros", models.BigIntegerField(editable=False, null=True)),
                        ("estimate_low_seconds", models.FloatField(editable=False, null=True)),
                        ("gate_approved_at", models.DateTimeField(blank=True, null=True)),
                        ("gate_step", models.PositiveIntegerField(db_default=0, default=0)),
                        ("gpu_model", models.CharField(blank=True, db_default="", default="", max_length=80)),
                        ("gpu_vendor", models.CharField(blank=True, db_default="", default="", max_length=12)),
                        ("gpus_min", models.PositiveSmallIntegerField(db_default=0, default=0)),
                        ("location", models.CharField(blank=True, db_default="", default="", max_length=40)),
                        ("needed_by_at", models.DateTimeField(blank=True, null=True)),
                        ("nodes", models.CharField(db_default="any", default="any", max_length=8)),
                        ("one_device_class", models.BooleanField(db_default=False, default=False)),
                        ("order_step", models.PositiveIntegerField(db_default=10, default=10)),
                        ("pause_percent", models.PositiveSmallIntegerField(db_default=100, default=100)),
                        ("quality_percent", models.PositiveSmallIntegerField(db_default=0, default=0)),
                        ("reliability_min_percent", models.PositiveSmallIntegerField(db_default=0, default=0)),
                        ("render_order", models.CharField(db_default="in_order", default="in_order", max_length=12)),
                        ("frames_deleted_at", models.DateTimeField(blank=True, null=True)),
                        ("frames_kept_until", models.DateTimeField(blank=True, null=True)),
                        ("frames_noticed_at", models.DateTimeField(blank=True, null=True)),
                        ("dearest_micros", models.BigIntegerField(editable=False, null=True)),
                        ("device_class", models.CharField(blank=True, db_default="", default="", max_length=100)),
                        ("tiles", models.CharField(blank=True, db_default="", default="", max_length=8)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["owner", "-id"], name="job_newest_of_owner"),
                            models.Index(
                                condition=models.Q(("status__in", ["inspecting", "queued", "rendering", "paused"])),
                                fields=["status"],
                                name="job_unsettled",
                            ),
                            models.Index(
                                condition=models.Q(("tiles", ""), _negated=True), fields=["status"], name="job_in_tiles"
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "status__in",
                                        [
                                            "draft",
                                            "inspecting",
                                            "ready",
                                            "queued",
                                            "rendering",
                                            "paused",
                                            "completed",
                                            "failed",
                                            "cancelled",
                                        ],
                                    )
                                ),
                                name="job_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("pause_reason__in", ["user", "credit", "cap", "gate"]), ("status", "paused")),
                                    models.Q(models.Q(("status", "paused"), _negated=True), ("pause_reason", "")),
                                    _connector="OR",
                                ),
                                name="job_paused_with_a_reason",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("charged_micros__gte", 0)), name="job_charged_not_negative"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("cap_micros", None), ("cap_micros__gte", models.F("charged_micros")), _connector="OR"
                                ),
                                name="job_within_its_cap",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("pause_percent__gte", 1), ("pause_percent__lte", 100)),
                                name="job_pauses_within_its_cap",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Film",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("fps", models.PositiveSmallIntegerField(default=24)),
                        ("frame_count", models.PositiveIntegerField()),
                        ("progress_percent", models.PositiveSmallIntegerField(default=0)),
                        ("storage_key", models.CharField(blank=True, max_length=200)),
                        ("failure", models.CharField(blank=True, max_length=200)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "job",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="films", to="rendering.job"
                            ),
                        ),
                        (
                            "format",
                            models.CharField(
                                choices=[("mp4", "MP4 (H.264)"), ("webm", "WebM (VP9)")],
                                db_default="mp4",
                                default="mp4",
                                max_length=4,
                            ),
                        ),
                        ("newest_output", models.BigIntegerField(db_default=0, default=0)),
                        ("size_bytes", models.BigIntegerField(db_default=0, default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name="Output",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("storage_key", models.CharField(max_length=200)),
                        ("sha256", models.CharField(max_length=64)),
                        ("size_bytes", models.BigIntegerField()),
                        ("width", models.PositiveIntegerField()),
                        ("height", models.PositiveIntegerField()),
                        ("preview_key", models.CharField(blank=True, max_length=200)),
                        ("thumbnail_key", models.CharField(blank=True, max_length=200)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "attempt",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE, related_name="output", to="rendering.attempt"
                            ),
                        ),
                        ("crc32", models.BigIntegerField(null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="RateRule",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "tier",
                            models.CharField(
                                choices=[("economy", "Economy"), ("standard", "Standard"), ("priority", "Priority")],
                                max_length=12,
                            ),
                        ),
                        ("begins_at", models.DateTimeField()),
                        ("rate_micros", models.BigIntegerField()),
                        ("worker_bp", models.PositiveIntegerField(default=6000)),
                        ("checkers_bp", models.PositiveIntegerField(default=1000)),
                        ("network_bp", models.PositiveIntegerField(default=3000)),
                    ],
                    options={
                        "ordering": ["-begins_at"],
                        "constraints": [
                            models.UniqueConstraint(fields=("tier", "begins_at"), name="rate_rule_once"),
                            models.CheckConstraint(condition=models.Q(("rate_micros__gt", 0)), name="rate_rule_positive"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "network_bp",
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.Value(10000), "-", models.F("worker_bp")
                                            ),
                                            "-",
                                            models.F("checkers_bp"),
                                        ),
                                    )
                                ),
                                name="rate_rule_shares_are_whole",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Scene",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("name", models.CharField(max_length=255)),
                        ("main_path", models.CharField(max_length=1000)),
                        ("scene_key", models.CharField(max_length=64)),
                        ("inspection", models.JSONField(blank=True, default=dict)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="scenes", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                        (
                            "upload",
                            models.ForeignKey(
                                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="rendering.upload"
                            ),
                        ),
                        ("archive_sha256", models.CharField(blank=True, db_default="", default="", max_length=64)),
                        ("deleted_at", models.DateTimeField(blank=True, null=True)),
                        ("kept_until", models.DateTimeField(blank=True, null=True)),
                        ("noticed_at", models.DateTimeField(blank=True, null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="SceneFile",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("path", models.CharField(max_length=1000)),
                        (
                            "asset",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="rendering.asset"
                            ),
                        ),
                        (
                            "scene",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="files", to="rendering.scene"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["path"],
                        "constraints": [models.UniqueConstraint(fields=("scene", "path"), name="scene_path_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Task",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("frame", models.IntegerField()),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting"),
                                    ("rendering", "Rendering"),
                                    ("checking", "Checking"),
                                    ("accepted", "Accepted"),
                                    ("failed", "Failed"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="waiting",
                                max_length=12,
                            ),
                        ),
                        ("attempts_used", models.PositiveSmallIntegerField(default=0)),
                        ("attempt", models.PositiveIntegerField(default=0)),
                        ("reason", models.CharField(blank=True, max_length=40)),
                        ("charged_micros", models.BigIntegerField(default=0)),
                        ("accepted_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "job",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="tasks", to="rendering.job"
                            ),
                        ),
                        ("tile", models.PositiveSmallIntegerField(db_default=0, default=0)),
                    ],
                    options={
                        "ordering": ["frame", "tile"],
                        "indexes": [
                            models.Index(fields=["job", "status"], name="task_by_job_and_status"),
                            models.Index(condition=models.Q(("status", "checking")), fields=["id"], name="task_unchecked"),
                            models.Index(
                                condition=models.Q(("status", "accepted")),
                                fields=["job", "-accepted_at"],
                                name="task_accepted_last",
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ["waiting", "rendering", "checking", "accepted", "failed", "cancelled"])
                                ),
                                name="task_status_known",
                            ),
                            models.UniqueConstraint(fields=("job", "frame", "tile"), name="task_once_per_frame_and_tile"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="JobEvent",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("at", models.DateTimeField()),
                        ("was", models.CharField(blank=True, max_length=12)),
                        ("became", models.CharField(blank=True, max_length=12)),
                        ("reason", models.CharField(blank=True, max_length=40)),
                        ("detail", models.CharField(blank=True, max_length=300)),
                        (
                            "actor",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "job",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="events", to="rendering.job"
                            ),
                        ),
                        (
                            "task",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="events",
                                to="rendering.task",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [models.Index(fields=["job", "-at"], name="job_event_newest")],
                    },
                ),
                migrations.CreateModel(
                    name="Upload",
                    fields=[
                        ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ("name", models.CharField(max_length=255)),
                        ("size_bytes", models.BigIntegerField()),
                        ("received_bytes", models.BigIntegerField(default=0)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("touched_at", models.DateTimeField(auto_now=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="uploads", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                        ("files", models.JSONField(db_default=models.Value([], models.JSONField()), default=list)),
                        ("manifest_sha256", models.CharField(blank=True, db_default="", default="", max_length=64)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["owner", "manifest_sha256"], name="upload_by_manifest")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("received_bytes__gte", 0), ("received_bytes__lte", models.F("size_bytes"))),
                                name="upload_within_size",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="WatchLink",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "visibility",
                            models.CharField(choices=[("unlisted", "Unlisted"), ("public", "Public")], max_length=8),
                        ),
                        ("token", models.CharField(default=rendering.models.jobs.new_watch_token, max_length=40, unique=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "job",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE, related_name="watch_link", to="rendering.job"
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("visibility__in", ["unlisted", "public"])),
                                name="watch_link_visibility_known",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ProbeFrame",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("run", models.PositiveIntegerField()),
                        ("fingerprint", models.CharField(max_length=64)),
                        ("frame", models.IntegerField()),
                        ("width", models.PositiveIntegerField()),
                        ("height", models.PositiveIntegerField()),
                        ("samples", models.PositiveIntegerField()),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting"),
                                    ("rendering", "Rendering"),
                                    ("done", "Done"),
                                    ("failed", "Failed"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="waiting",
                                max_length=12,
                            ),
                        ),
                        ("attempt", models.PositiveIntegerField(default=0)),
                        ("attempts_used", models.PositiveSmallIntegerField(default=0)),
                        ("reason", models.CharField(blank=True, max_length=40)),
                        ("score_milli", models.PositiveIntegerField(default=1000)),
                        ("leased_at", models.DateTimeField(null=True)),
                        ("started_at", models.DateTimeField(null=True)),
                        ("rendered_at", models.DateTimeField(null=True)),
                        ("reference_ms", models.BigIntegerField(null=True)),
                        ("paid_micros", models.BigIntegerField(default=0)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "job",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="probe_frames", to="rendering.job"
                            ),
                        ),
                        (
                            "worker",
                            models.ForeignKey(
                                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="workers.worker"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("status__in", ["waiting", "rendering"])),
                                fields=["created_at"],
                                name="probe_frame_open",
                            ),
                            models.Index(fields=["worker", "-leased_at"], name="probe_frame_newest_of_worker"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("job", "run", "frame", "samples"), name="probe_frame_once_per_run"),
                            models.CheckConstraint(
                                condition=models.Q(("status__in", ["waiting", "rendering", "done", "failed", "cancelled"])),
                                name="probe_frame_status_known",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TaskCount",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting"),
                                    ("rendering", "Rendering"),
                                    ("checking", "Checking"),
                                    ("accepted", "Accepted"),
                                    ("failed", "Failed"),
                                    ("cancelled", "Cancelled"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("tasks", models.IntegerField()),
                        (
                            "job",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="task_counts",
                                to="rendering.job",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="MergedFrame",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("newest_output", models.BigIntegerField()),
                        ("storage_key", models.CharField(blank=True, max_length=200)),
                        ("sha256", models.CharField(blank=True, max_length=64)),
                        ("pixels_sha256", models.CharField(blank=True, max_length=64)),
                        ("size_bytes", models.BigIntegerField(default=0)),
                        ("width", models.PositiveIntegerField(default=0)),
                        ("height", models.PositiveIntegerField(default=0)),
                        ("preview_key", models.CharField(blank=True, max_length=200)),
                        ("thumbnail_key", models.CharField(blank=True, max_length=200)),
                        ("tries", models.PositiveSmallIntegerField(default=0)),
                        ("failure", models.CharField(blank=True, max_length=300)),
                        ("made_at", models.DateTimeField()),
                        (
                            "job",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE, related_name="merged_frame", to="rendering.job"
                            ),
                        ),
                        ("crc32", models.BigIntegerField(null=True)),
                    ],
                ),
            ]
        ),
        migrations.RunSQL(COUNT, STOP),
    ]
