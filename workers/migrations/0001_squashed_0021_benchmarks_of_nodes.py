"""Nodes, the queue, and gauges over time.

Gauges stand in tables partitioned by day, month and year, so that what is old is dropped and not deleted row by row, with no
index but the key. The application's role may not create or drop tables: it calls `workers_rotate_telemetry`, which runs as
the owner.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import workers.control_models
import workers.fleet_models
import workers.models
from common.create_models import CreateModels

MACHINE = """
    worker_id bigint NOT NULL,
    {at},
    {minutes}samples integer NOT NULL,
    cpu_load_sum double precision NOT NULL,
    gpu_load_sum double precision NOT NULL,
    ram_used_bytes_max bigint NOT NULL,
    gpu_celsius_max double precision NOT NULL,
    network_down_bytes bigint NOT NULL,
    network_up_bytes bigint NOT NULL,
    PRIMARY KEY (worker_id, {key})"""

GPU = """
    worker_id bigint NOT NULL,
    gpu_index smallint NOT NULL,
    {at},
    {minutes}samples integer NOT NULL,
    load_sum double precision NOT NULL,
    vram_used_bytes_max bigint NOT NULL,
    celsius_max double precision NOT NULL,
    watts_sum double precision NOT NULL,
    PRIMARY KEY (worker_id, gpu_index, {key})"""

# Rows of a time without its own partition land in the rest, so that a late sweep loses nothing.
TABLE = """
CREATE TABLE {name} ({columns}) PARTITION BY RANGE ({key});
CREATE TABLE {name}_rest PARTITION OF {name} DEFAULT;
"""


def table(name: str, columns: str, key: str) -> str:
    kind = "date" if key.endswith("_on") else "timestamptz"
    minutes = "" if key == "minute_at" else "minutes integer NOT NULL,\n    "
    return TABLE.format(name=name, key=key, columns=columns.format(at=f"{key} {kind} NOT NULL", key=key, minutes=minutes))


TABLES = "".join(
    [
        table("workers_workerminute", MACHINE, "minute_at"),
        table("workers_workerhour", MACHINE, "hour_at"),
        table("workers_workerday", MACHINE, "day_on"),
        table("workers_gpuminute", GPU, "minute_at"),
        table("workers_gpuhour", GPU, "hour_at"),
        table("workers_gpuday", GPU, "day_on"),
    ]
)

FUNCTIONS = """
-- The partition of this unit of time and of the next two, unless the rest has taken rows of it already; none that has been
-- over for `keep_days`.
CREATE FUNCTION workers_rotate_table(parent text, at text, unit text, today date, keep_days integer) RETURNS integer
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    begins timestamp;
    bounds text[];
    part text;
    taken boolean;
    old record;
    changed integer := 0;
BEGIN
    FOR n IN 0..2 LOOP
        begins := date_trunc(unit, today::timestamp) + n * ('1 ' || unit)::interval;
        bounds := ARRAY[begins || '+00', begins + ('1 ' || unit)::interval || '+00'];
        part := parent || '_' || to_char(begins, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE %I >= %L AND %I < %L)',
            parent || '_rest', at, bounds[1], at, bounds[2]) INTO taken;
        CONTINUE WHEN taken;
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent, bounds[1], bounds[2]);
        changed := changed + 1;
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = parent::regclass AND c.relname ~ '_[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') + ('1 ' || unit)::interval <= today - greatest(keep_days, 1)
    LOOP
        EXECUTE format('DROP TABLE %I', old.relname);
        changed := changed + 1;
    END LOOP;
    EXECUTE format('DELETE FROM %I WHERE %I < %L',
        parent || '_rest', at, (today - greatest(keep_days, 1))::timestamp || '+00');
    RETURN changed;
END $$;

CREATE FUNCTION workers_rotate_telemetry(today date, minute_days integer, hour_days integer, day_days integer) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT workers_rotate_table('workers_workerminute', 'minute_at', 'day', today, minute_days)
         + workers_rotate_table('workers_gpuminute', 'minute_at', 'day', today, minute_days)
         + workers_rotate_table('workers_workerhour', 'hour_at', 'month', today, hour_days)
         + workers_rotate_table('workers_gpuhour', 'hour_at', 'month', today, hour_days)
         + workers_rotate_table('workers_workerday', 'day_on', 'year', today, day_days)
         + workers_rotate_table('workers_gpuday', 'day_on', 'year', today, day_days)
$$;
"""

BACK = """
DROP FUNCTION workers_rotate_telemetry(date, integer, integer, integer);
DROP FUNCTION workers_rotate_table(text, text, text, date, integer);
DROP TABLE workers_workerminute, workers_workerhour, workers_workerday, workers_gpuminute, workers_gpuhour, workers_gpuday;
"""


def rows(name: str, *key: str, figures: list) -> migrations.CreateModel:
    """The table as Django knows it."""
    at = models.DateField() if key[-1].endswith("_on") else models.DateTimeField()
    minutes = [] if key[-1] == "minute_at" else [("minutes", models.IntegerField())]
    primary = models.CompositePrimaryKey(*key, blank=True, editable=False, primary_key=True, serialize=False)
    samples = ("samples", models.IntegerField())
    return migrations.CreateModel(
        name, fields=[("worker_id", models.BigIntegerField()), samples, *figures, ("pk", primary), (key[-1], at), *minutes]
    )


def machine_figures() -> list:
    return [
        ("cpu_load_sum", models.FloatField()),
        ("gpu_load_sum", models.FloatField()),
        ("ram_used_bytes_max", models.BigIntegerField()),
        ("gpu_celsius_max", models.FloatField()),
        ("network_down_bytes", models.BigIntegerField()),
        ("network_up_bytes", models.BigIntegerField()),
    ]


def gpu_figures() -> list:
    return [
        ("gpu_index", models.SmallIntegerField()),
        ("load_sum", models.FloatField()),
        ("vram_used_bytes_max", models.BigIntegerField()),
        ("celsius_max", models.FloatField()),
        ("watts_sum", models.FloatField()),
    ]


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("workers", "0001_first"),
        ("workers", "0002_minutes_by_day"),
        ("workers", "0003_work_avoids_a_node"),
        ("workers", "0004_plural_names"),
        ("workers", "0005_fair_shares_and_learned_fit"),
        ("workers", "0006_tiers_instead_of_priorities"),
        ("workers", "0007_device_of_a_node"),
        ("workers", "0008_notes_on_engines"),
        ("workers", "0009_protocol_of_the_agent"),
        ("workers", "0010_gauges_by_hour_and_day"),
        ("workers", "0011_controls_of_a_node"),
        ("workers", "0012_gpus_told_whole"),
        ("workers", "0013_nodes_that_rest"),
        ("workers", "0014_rest_told_once_a_minute"),
        ("workers", "0015_people_are_asked_into_teams"),
        ("workers", "0016_teams_are_asked"),
        ("workers", "0017_reliability_by_day"),
        ("workers", "0018_reliability_of_nodes_so_far"),
        ("workers", "0019_self_tests"),
        ("workers", "0020_fleet_tokens"),
        ("workers", "0021_benchmarks_of_nodes"),
    ]
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Gateway",
                    fields=[
                        ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                        ("started_at", models.DateTimeField()),
                        ("seen_at", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Work",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("kind", models.CharField(max_length=20)),
                        ("reference", models.BigIntegerField()),
                        ("group", models.BigIntegerField()),
                        ("owner_id", models.BigIntegerField()),
                        ("requirements", models.JSONField(default=dict)),
                        ("priority", models.SmallIntegerField(default=0)),
                        ("sort", models.BigIntegerField(default=0)),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("leased", models.BooleanField(default=False)),
                        ("held", models.BooleanField(default=False)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("avoided_id", models.BigIntegerField(null=True)),
                        ("avoided_until", models.DateTimeField(null=True)),
                        ("affinity", models.CharField(blank=True, db_default="", max_length=64)),
                        (
                            "failed_on",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BigIntegerField(), db_default=[], default=list, size=None
                            ),
                        ),
                        ("needed_by_at", models.DateTimeField(null=True)),
                        ("tier", models.SmallIntegerField(db_default=1, default=1)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["kind", "group"], name="work_by_group"),
                            models.Index(
                                models.F("tier"),
                                models.F("owner_id"),
                                models.F("kind"),
                                models.F("group"),
                                models.OrderBy(models.F("priority"), descending=True),
                                models.F("sort"),
                                models.F("id"),
                                condition=models.Q(("held", False), ("leased", False)),
                                name="work_waiting_by_group",
                            ),
                        ],
                        "constraints": [models.UniqueConstraint(fields=("kind", "reference"), name="work_once_per_reference")],
                        "verbose_name": "work",
                        "verbose_name_plural": "work",
                    },
                ),
                migrations.CreateModel(
                    name="Worker",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("uid", models.CharField(default=workers.models.new_uid, editable=False, max_length=32, unique=True)),
                        ("name", models.CharField(max_length=60)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("new", "Not connected yet"),
                                    ("offline", "Offline"),
                                    ("online", "Online"),
                                    ("paused", "Paused"),
                                    ("draining", "Finishing"),
                                    ("suspended", "Suspended"),
                                    ("retired", "Retired"),
                                ],
                                default="new",
                                max_length=12,
                            ),
                        ),
                        ("public_key", models.BinaryField(max_length=32, null=True, unique=True)),
                        ("agent_version", models.CharField(blank=True, max_length=40)),
                        ("hostname", models.CharField(blank=True, max_length=200)),
                        ("os", models.CharField(blank=True, max_length=200)),
                        ("cpu_model", models.CharField(blank=True, max_length=200)),
                        ("cpu_cores", models.PositiveIntegerField(default=0)),
                        ("ram_bytes", models.BigIntegerField(default=0)),
                        ("blender_versions", models.JSONField(blank=True, default=list)),
                        ("isolation", models.CharField(default="none", max_length=20)),
                        ("unsandboxed_allowed", models.BooleanField(default=False)),
                        ("slots", models.PositiveSmallIntegerField(default=1)),
                        ("score_milli", models.PositiveIntegerField(default=1000)),
                        ("gateway_id", models.CharField(blank=True, max_length=64)),
                        ("connection_epoch", models.BigIntegerField(default=0)),
                        ("connected_at", models.DateTimeField(blank=True, null=True)),
                        ("last_seen_at", models.DateTimeField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="workers", to=settings.AUTH_USER_MODEL
                            ),
                        ),
                        ("country", models.CharField(blank=True, db_default="", max_length=2)),
                        (
                            "engines",
                            models.JSONField(blank=True, db_default=["cycles"], default=workers.models.default_engines),
                        ),
                        ("reliability_bp", models.PositiveSmallIntegerField(db_default=6000, default=6000)),
                        ("trusted", models.BooleanField(db_default=False, default=False)),
                        ("device", models.CharField(blank=True, db_default="", max_length=16)),
                        ("engine_notes", models.JSONField(blank=True, db_default=[], default=list)),
                        ("protocol", models.PositiveSmallIntegerField(db_default=1, default=1)),
                        ("closed_by", models.CharField(blank=True, db_default="", max_length=12)),
                        ("hours_change_at", models.DateTimeField(blank=True, null=True)),
                        ("simulated", models.BooleanField(db_default=False, default=False)),
                        ("resting", models.CharField(blank=True, db_default="", max_length=40)),
                        ("rest_told", models.CharField(blank=True, db_default="", max_length=40)),
                        ("rest_told_at", models.DateTimeField(blank=True, null=True)),
                        ("hardware_at", models.DateTimeField(blank=True, null=True)),
                        ("level", models.CharField(db_default="registered", default="registered", max_length=12)),
                        (
                            "fleet",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="workers",
                                to="workers.fleettoken",
                            ),
                        ),
                        ("benchmark_due_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["name"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("connected_at__isnull", False)),
                                fields=["gateway_id"],
                                name="worker_by_gateway",
                            ),
                            models.Index(
                                condition=models.Q(("hours_change_at__isnull", False)),
                                fields=["hours_change_at"],
                                name="worker_by_hours",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("owner", "name"), name="worker_name_once_per_owner"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ["new", "offline", "online", "paused", "draining", "suspended", "retired"])
                                ),
                                name="worker_status_known",
                            ),
                            models.CheckConstraint(condition=models.Q(("slots__gte", 1)), name="worker_has_a_slot"),
                            models.CheckConstraint(
                                condition=models.Q(("closed_by__in", ["", "schedule", "maintenance"])),
                                name="worker_closed_by_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("level__in", ["registered", "self_tested", "verified", "trusted"])),
                                name="worker_level_known",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Tally",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("day_on", models.DateField()),
                        ("tasks_accepted", models.PositiveIntegerField(default=0)),
                        ("tasks_failed", models.PositiveIntegerField(default=0)),
                        ("busy_seconds", models.FloatField(default=0)),
                        ("earned_micros", models.BigIntegerField(default=0)),
                        (
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="tallies", to="workers.worker"
                            ),
                        ),
                        ("tasks_left", models.PositiveIntegerField(db_default=0, default=0)),
                        ("tasks_unbegun", models.PositiveIntegerField(db_default=0, default=0)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("worker", "day_on"), name="tally_once_per_day")],
                        "verbose_name_plural": "tallies",
                    },
                ),
                migrations.CreateModel(
                    name="Shift",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("epoch", models.BigIntegerField()),
                        ("started_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="shifts", to="workers.worker"
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("ended_at__isnull", False)), fields=["ended_at"], name="shift_by_end"
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("worker", "epoch"), name="shift_once_per_epoch"),
                            models.UniqueConstraint(
                                condition=models.Q(("ended_at", None)), fields=("worker",), name="shift_open_once_per_worker"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Lease",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("slot", models.PositiveSmallIntegerField()),
                        ("place", models.PositiveSmallIntegerField(null=True)),
                        ("attempt", models.PositiveIntegerField()),
                        ("epoch", models.BigIntegerField()),
                        ("leased_at", models.DateTimeField()),
                        ("acknowledged_at", models.DateTimeField(null=True)),
                        ("started_at", models.DateTimeField(null=True)),
                        ("expires_at", models.DateTimeField()),
                        (
                            "work",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE, related_name="lease", to="workers.work"
                            ),
                        ),
                        (
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="leases", to="workers.worker"
                            ),
                        ),
                    ],
                    options={
                        "indexes": [models.Index(fields=["expires_at"], name="lease_by_expiry")],
                        "constraints": [
                            models.UniqueConstraint(fields=("worker", "slot", "place"), name="lease_once_per_place"),
                            models.CheckConstraint(
                                condition=models.Q(("place", None), ("place__in", [0, 1]), _connector="OR"),
                                name="lease_place_known",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Gpu",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("index", models.PositiveSmallIntegerField()),
                        ("model", models.CharField(max_length=200)),
                        ("vram_bytes", models.BigIntegerField()),
                        ("driver", models.CharField(blank=True, max_length=80)),
                        ("uuid", models.CharField(blank=True, max_length=80)),
                        (
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="gpus", to="workers.worker"
                            ),
                        ),
                        ("compute", models.CharField(blank=True, db_default="", max_length=16)),
                        ("power_limit_watts", models.FloatField(db_default=0, default=0)),
                    ],
                    options={
                        "ordering": ["index"],
                        "constraints": [models.UniqueConstraint(fields=("worker", "index"), name="gpu_index_once_per_worker")],
                    },
                ),
                migrations.CreateModel(
                    name="Enrolment",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("token_sha256", models.CharField(max_length=64, unique=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("expires_at", models.DateTimeField()),
                        ("used_at", models.DateTimeField(blank=True, null=True)),
                        ("revoked_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="enrolments", to="workers.worker"
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="WorkerEvent",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("at", models.DateTimeField()),
                        ("kind", models.CharField(max_length=40)),
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
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="events", to="workers.worker"
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["worker", "-at"], name="worker_event_newest"),
                            models.Index(fields=["at"], name="worker_event_by_age"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Cached",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("affinity", models.CharField(max_length=64)),
                        ("used_at", models.DateTimeField()),
                        (
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="cached", to="workers.worker"
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "cached",
                        "indexes": [models.Index(fields=["used_at"], name="cached_by_use")],
                        "constraints": [models.UniqueConstraint(fields=("affinity", "worker"), name="cached_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Misfit",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("affinity", models.CharField(max_length=64)),
                        (
                            "kind",
                            models.CharField(
                                choices=[("out_of_memory", "ran out of memory"), ("failures", "failed in a row")], max_length=16
                            ),
                        ),
                        ("title", models.CharField(blank=True, max_length=200)),
                        ("words", models.CharField(blank=True, max_length=200)),
                        ("count", models.PositiveSmallIntegerField(default=1)),
                        ("ram_bytes", models.BigIntegerField(default=0)),
                        ("vram_bytes", models.BigIntegerField(default=0)),
                        ("at", models.DateTimeField()),
                        ("until", models.DateTimeField()),
                        (
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="misfits", to="workers.worker"
                            ),
                        ),
                    ],
                    options={
                        "indexes": [models.Index(fields=["until"], name="misfit_by_end")],
                        "constraints": [
                            models.UniqueConstraint(fields=("affinity", "worker", "kind"), name="misfit_once"),
                            models.CheckConstraint(
                                condition=models.Q(("kind__in", ["out_of_memory", "failures"])), name="misfit_kind_known"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Turn",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("tier", models.SmallIntegerField()),
                        ("owner_id", models.BigIntegerField()),
                        ("turns", models.BigIntegerField()),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("tier", "owner_id"), name="turn_once_per_owner")],
                    },
                ),
                migrations.CreateModel(
                    name="Rolled",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("until_at", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Controls",
                    fields=[
                        (
                            "worker",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="controls",
                                serialize=False,
                                to="workers.worker",
                            ),
                        ),
                        ("changed_at", models.DateTimeField(null=True)),
                        ("time_zone", models.CharField(default="UTC", max_length=64)),
                        (
                            "opens_minutes",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SmallIntegerField(), default=workers.control_models.open_all_day, size=None
                            ),
                        ),
                        (
                            "closes_minutes",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.SmallIntegerField(),
                                default=workers.control_models.close_at_midnight,
                                size=None,
                            ),
                        ),
                        ("idle_minutes", models.PositiveSmallIntegerField(default=0)),
                        ("temperature_max_celsius", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("power_max_watts", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("slots_per_gpu", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("slots_cpu", models.PositiveSmallIntegerField(default=1)),
                        ("disk_quota_bytes", models.BigIntegerField(blank=True, null=True)),
                        ("bandwidth_max_mbit", models.PositiveIntegerField(blank=True, null=True)),
                        ("serves", models.CharField(default="alike", max_length=12)),
                        (
                            "team_ids",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BigIntegerField(), blank=True, default=list, size=None
                            ),
                        ),
                        ("accepts_render", models.BooleanField(default=True)),
                        ("accepts_check", models.BooleanField(default=True)),
                        ("accepts_rent", models.BooleanField(default=False)),
                        ("gpu_hour_micros", models.BigIntegerField(blank=True, null=True)),
                        ("vram_share_bp_min", models.PositiveSmallIntegerField(default=10000)),
                        ("kwh_micros", models.BigIntegerField(blank=True, null=True)),
                        ("busy_watts", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("idle_watts", models.PositiveSmallIntegerField(default=0)),
                        (
                            "team_emails",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.EmailField(max_length=254), blank=True, db_default=[], default=list, size=None
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "controls",
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("closes_minutes__len", 7), ("opens_minutes__len", 7)),
                                name="controls_seven_days",
                            ),
                            models.CheckConstraint(
                                condition=models.Func(
                                    models.F("opens_minutes"),
                                    output_field=models.BooleanField(),
                                    template="(0 <= ALL(%(expressions)s) AND 1439 >= ALL(%(expressions)s))",
                                ),
                                name="controls_opens_in_day",
                            ),
                            models.CheckConstraint(
                                condition=models.Func(
                                    models.F("closes_minutes"),
                                    output_field=models.BooleanField(),
                                    template="(0 <= ALL(%(expressions)s) AND 1440 >= ALL(%(expressions)s))",
                                ),
                                name="controls_closes_in_day",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("idle_minutes__gte", 0), ("idle_minutes__lte", 1440)),
                                name="controls_idle_within_a_day",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("temperature_max_celsius", None),
                                    models.Q(("temperature_max_celsius__gte", 40), ("temperature_max_celsius__lte", 110)),
                                    _connector="OR",
                                ),
                                name="controls_temperature_sensible",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("power_max_watts", None),
                                    models.Q(("power_max_watts__gte", 30), ("power_max_watts__lte", 2000)),
                                    _connector="OR",
                                ),
                                name="controls_power_sensible",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("slots_per_gpu", None),
                                        models.Q(("slots_per_gpu__gte", 1), ("slots_per_gpu__lte", 8)),
                                        _connector="OR",
                                    ),
                                    ("slots_cpu__gte", 1),
                                    ("slots_cpu__lte", 64),
                                ),
                                name="controls_slots_sensible",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("disk_quota_bytes", None), ("disk_quota_bytes__gte", 5368709120), _connector="OR"
                                ),
                                name="controls_disk_enough",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("bandwidth_max_mbit", None), ("bandwidth_max_mbit__gte", 1), _connector="OR"
                                ),
                                name="controls_bandwidth_some",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("serves__in", ["alike", "own_first", "team_first", "team_only", "own_only"])
                                ),
                                name="controls_serves_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("team_ids__len__lte", 50)), name="controls_team_bounded"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("accepts_render", True), ("accepts_check", True), ("accepts_rent", True), _connector="OR"
                                ),
                                name="controls_accept_some",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("accepts_rent", False), ("gpu_hour_micros__isnull", False), _connector="OR"
                                ),
                                name="controls_rent_has_a_price",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("gpu_hour_micros", None), ("gpu_hour_micros__gt", 0), _connector="OR"),
                                name="controls_rent_costs_something",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("vram_share_bp_min__gte", 1), ("vram_share_bp_min__lte", 10000)),
                                name="controls_share_of_a_gpu",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("kwh_micros", None), ("kwh_micros__gte", 0), _connector="OR"),
                                name="controls_power_not_paid_for",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("team_emails__len__lte", 50)), name="controls_named_bounded"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Maintenance",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("from_at", models.DateTimeField()),
                        ("until_at", models.DateTimeField()),
                        ("announced_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(null=True)),
                        (
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="maintenances", to="workers.worker"
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("until_at__gt", models.F("from_at"))), name="maintenance_has_length"
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("ended_at", None)),
                                fields=("worker",),
                                name="maintenance_open_once_per_node",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Invitation",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("email", models.EmailField(max_length=254)),
                        (
                            "status",
                            models.CharField(
                                choices=[("invited", "Invited"), ("accepted", "Accepted"), ("declined", "Declined")],
                                default="invited",
                                max_length=8,
                            ),
                        ),
                        ("invited_at", models.DateTimeField()),
                        ("answered_at", models.DateTimeField(null=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="team_invitations",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "person",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [models.Index(fields=["email"], name="invitation_by_address")],
                        "constraints": [
                            models.UniqueConstraint(fields=("owner", "email"), name="invitation_once_per_address"),
                            models.CheckConstraint(
                                condition=models.Q(("status__in", ["invited", "accepted", "declined"])),
                                name="invitation_status_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status", "invited"),
                                    models.Q(("answered_at__isnull", False), ("person__isnull", False)),
                                    _connector="OR",
                                ),
                                name="invitation_answered_by_somebody",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Measured",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("until_at", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Outage",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("began_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(null=True)),
                        ("why", models.CharField(max_length=100)),
                        ("nodes", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["ended_at"], name="outage_by_end")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("ended_at", None), ("ended_at__gte", models.F("began_at")), _connector="OR"
                                ),
                                name="outage_has_an_order",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("ended_at", None)), fields=("why",), name="outage_open_once"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ReliabilityDay",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("day_on", models.DateField()),
                        ("offer_seconds", models.FloatField(default=0)),
                        ("offer_up_seconds", models.FloatField(default=0)),
                        ("work_seconds", models.FloatField(default=0)),
                        ("work_up_seconds", models.FloatField(default=0)),
                        ("faded_offer_seconds", models.FloatField(default=0)),
                        ("faded_offer_up_seconds", models.FloatField(default=0)),
                        ("faded_work_seconds", models.FloatField(default=0)),
                        ("faded_work_up_seconds", models.FloatField(default=0)),
                        ("faded_accepted", models.FloatField(default=0)),
                        ("faded_failed", models.FloatField(default=0)),
                        ("faded_left", models.FloatField(default=0)),
                        ("faded_unbegun", models.FloatField(default=0)),
                        ("known_up_seconds", models.FloatField(default=0)),
                        ("known_accepted", models.PositiveIntegerField(default=0)),
                        (
                            "worker",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="reliability_days",
                                to="workers.worker",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [models.Index(fields=["day_on"], name="reliability_day_by_age")],
                        "constraints": [models.UniqueConstraint(fields=("worker", "day_on"), name="reliability_day_once")],
                    },
                ),
                migrations.CreateModel(
                    name="SelfTest",
                    fields=[
                        (
                            "worker",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="self_test",
                                serialize=False,
                                to="workers.worker",
                            ),
                        ),
                        ("blender_versions", models.JSONField(default=list)),
                        ("blender_problem", models.CharField(blank=True, max_length=500)),
                        ("passed", models.BooleanField(null=True)),
                        ("words", models.CharField(blank=True, max_length=500)),
                    ],
                ),
                migrations.CreateModel(
                    name="FleetToken",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "uid",
                            models.CharField(
                                default=workers.fleet_models.new_fleet_uid, editable=False, max_length=32, unique=True
                            ),
                        ),
                        ("name_prefix", models.CharField(max_length=40)),
                        ("nodes_max", models.PositiveSmallIntegerField()),
                        ("used", models.PositiveSmallIntegerField(default=0)),
                        ("token_sha256", models.CharField(max_length=64, unique=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("expires_at", models.DateTimeField()),
                        ("revoked_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="fleet_tokens",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("nodes_max__gte", 1), ("nodes_max__lte", 100)),
                                name="fleet_token_limit_known",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("used__lte", models.F("nodes_max"))), name="fleet_token_within_limit"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BenchmarkRun",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("waiting", "Waiting"),
                                    ("running", "Running"),
                                    ("checking", "Being checked"),
                                    ("passed", "Passed"),
                                    ("refused", "Refused"),
                                    ("failed", "Did not end"),
                                ],
                                default="waiting",
                                max_length=12,
                            ),
                        ),
                        ("reason", models.CharField(blank=True, max_length=40)),
                        ("created_at", models.DateTimeField()),
                        ("attempt", models.PositiveIntegerField(default=0)),
                        ("model", models.CharField(blank=True, max_length=200)),
                        ("samples", models.PositiveIntegerField(default=0)),
                        ("seed", models.BinaryField(default=bytes, max_length=32)),
                        ("side", models.PositiveIntegerField(default=0)),
                        ("blocks", models.PositiveIntegerField(default=0)),
                        ("leased_at", models.DateTimeField(blank=True, null=True)),
                        ("root", models.BinaryField(default=bytes, max_length=32)),
                        ("shown", models.JSONField(default=list)),
                        ("canary_seed", models.PositiveIntegerField(default=0)),
                        ("committed_at", models.DateTimeField(blank=True, null=True)),
                        ("rendered_at", models.DateTimeField(blank=True, null=True)),
                        ("claimed_seconds", models.FloatField(default=0)),
                        ("pixels_sha256", models.CharField(blank=True, max_length=64)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("score_milli", models.PositiveIntegerField(default=0)),
                        ("believed", models.BooleanField(default=False)),
                        ("canary_ms", models.PositiveIntegerField(default=0)),
                        ("challenge_ms", models.PositiveIntegerField(default=0)),
                        ("memory_bytes_per_second", models.BigIntegerField(default=0)),
                        ("disk_write_bytes_per_second", models.BigIntegerField(default=0)),
                        ("disk_read_bytes_per_second", models.BigIntegerField(default=0)),
                        (
                            "worker",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="benchmark_runs", to="workers.worker"
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["worker", "-created_at"], name="benchmark_newest"),
                            models.Index(condition=models.Q(("status", "passed")), fields=["model"], name="benchmark_by_model"),
                            models.Index(
                                condition=models.Q(("status", "passed")), fields=["pixels_sha256"], name="benchmark_by_pixels"
                            ),
                            models.Index(
                                condition=models.Q(("status__in", ["waiting", "running", "checking"])),
                                fields=["created_at"],
                                name="benchmark_open_by_age",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("status__in", ["waiting", "running", "checking"])),
                                fields=("worker",),
                                name="benchmark_open_once_per_worker",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status__in", ["waiting", "running", "checking", "passed", "refused", "failed"])
                                ),
                                name="benchmark_status_known",
                            ),
                        ],
                    },
                ),
            ]
        ),
        migrations.RunSQL(
            TABLES + FUNCTIONS,
            BACK,
            state_operations=[
                rows("WorkerMinute", "worker_id", "minute_at", figures=machine_figures()),
                rows("WorkerHour", "worker_id", "hour_at", figures=machine_figures()),
                rows("WorkerDay", "worker_id", "day_on", figures=machine_figures()),
                rows("GpuMinute", "worker_id", "gpu_index", "minute_at", figures=gpu_figures()),
                rows("GpuHour", "worker_id", "gpu_index", "hour_at", figures=gpu_figures()),
                rows("GpuDay", "worker_id", "gpu_index", "day_on", figures=gpu_figures()),
            ],
        ),
    ]
