"""A database full of rows for the benchmarks: one row of each kind is made by hand, PostgreSQL multiplies it.

Rows are multiplied with every column they have, so a new column needs nothing here.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db import connection, models

from common import clock
from credit.models import Account
from credit.services import top_up_by_operator
from rendering.models import Asset, Attempt, Job, JobEvent, Output, Scene, SceneFile, Task
from rendering.services.watching import share_job
from workers.models import Work, Worker

FRAMES_PER_JOB = 10_000
NODES_OF_THE_OWNER = 1_000


@dataclass(frozen=True)
class Size:
    """How many rows there are; the small one is what the large one is compared with."""

    jobs: int
    nodes: int
    transfers: int
    frames_per_job: int = FRAMES_PER_JOB


SMALL = Size(jobs=1, nodes=1, transfers=10, frames_per_job=10)
LARGE = Size(jobs=100, nodes=10_000, transfers=1_000_000)


@dataclass(frozen=True)
class Crowd:
    """Whom the pages are opened as, and what they are opened for."""

    creator: object
    owner: object
    operator: object
    job: Job
    ready_job: Job
    node: Worker


def copy(row: models.Model, each: str, **changes: str) -> None:
    """Insert a copy of a saved row for each row of the SQL source `each`; a change is an SQL expression over it."""
    columns = [field.column for field in row._meta.concrete_fields if not field.primary_key]
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(changes.get(column, f'row."{column}"') for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{row._meta.db_table}" ({names}) SELECT {values} FROM "{row._meta.db_table}" row, {each} '
            f'WHERE row."{row._meta.pk.column}" = %s',
            [row.pk],
        )


def times(count: int) -> str:
    """A source that yields n = 1..count."""
    return f"generate_series(1, {count}) AS n"


def tasks(where: str) -> str:
    return f"(SELECT id, frame FROM rendering_task WHERE {where}) AS task"


def fill(name: str, size: Size) -> Crowd:
    """Everything once by hand, then as often as `size` says."""
    users = get_user_model().objects
    creator = users.create(username=f"{name}-creator", email=f"{name}-creator@example.org")
    owner = users.create(username=f"{name}-owner", email=f"{name}-owner@example.org")
    operator = users.create(username=f"{name}-operator", is_staff=True, is_superuser=True)
    node = _nodes(name, owner, size)
    scene = _scene(creator)
    job = _jobs(creator, scene, node, size)
    ready_job = Job.objects.create(
        owner=creator, scene=scene, name="Ready", status="ready", frames="1-100", width=1920, height=1080, samples=64
    )
    share_job(job, "unlisted")
    _transfers(name, creator, size)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return Crowd(creator, owner, operator, job, ready_job, node)


def _nodes(name: str, owner, size: Size) -> Worker:
    node = Worker.objects.create(
        owner=owner,
        name=f"{name}-node",
        status="online",
        connected_at=clock.now(),
        last_seen_at=clock.now(),
        gateway_id="bench",
        blender_versions=["5.0.1"],
        isolation="bubblewrap",
        ram_bytes=16 * 1024**3,
        cpu_cores=8,
    )
    stranger = get_user_model().objects.create(username=f"{name}-stranger")
    mine = min(size.nodes, NODES_OF_THE_OWNER)
    copy(
        node,
        times(size.nodes - 1),
        uid=f"'{name}_' || n",
        ram_bytes="(8 + 8 * mod(n, 8)) * 1073741824::bigint",
        country="(ARRAY['DE', 'FR', 'US', 'CA', 'JP'])[1 + mod(n, 5)]",
        reliability_bp="10000 - 100 * mod(n, 3)",
        name=f"'{name}-' || n",
        owner_id=f"CASE WHEN n < {mine} THEN {owner.pk} ELSE {stranger.pk} END",
    )
    return node


def _scene(creator) -> Scene:
    asset = Asset.objects.create(owner=creator, sha256="0" * 64, size_bytes=10**6, storage_key="scenes/bench")
    facts = {"cameras": ["Camera"], "camera": "Camera", "width": 1920, "height": 1080, "samples": 64}
    scene = Scene.objects.create(
        owner=creator, name="bench.blend", main_path="bench.blend", scene_key="b" * 64, inspection=facts
    )
    SceneFile.objects.create(scene=scene, path="bench.blend", asset=asset)
    return scene


def _jobs(creator, scene: Scene, node: Worker, size: Size) -> Job:
    """Jobs that render, nine tenths of their frames accepted and the last tenth in the queue."""
    first = Job.objects.create(
        owner=creator,
        scene=scene,
        name="Bench",
        status="rendering",
        frames=f"1-{size.frames_per_job}",
        frame_count=size.frames_per_job,
        width=1920,
        height=1080,
        samples=64,
        submitted_at=clock.now() - timedelta(hours=1),
    )
    copy(first, times(size.jobs - 1))
    for job in Job.objects.filter(scene=scene):
        _tasks(job, node, size.frames_per_job)
    return first


def _tasks(job: Job, node: Worker, frames: int) -> None:
    now, done = clock.now(), frames * 9 // 10
    task = Task.objects.create(
        job=job, frame=0, status="accepted", attempt=1, attempts_used=0, charged_micros=300, accepted_at=now
    )
    copy(task, times(done - 1), frame="n", accepted_at="row.accepted_at + n * interval '1 millisecond'")
    attempt = Attempt.objects.create(
        task=task,
        number=1,
        worker=node,
        seed=1,
        rate_micros=100,
        score_milli=1000,
        worker_bp=6000,
        checkers_bp=1000,
        network_bp=3000,
        leased_at=now,
        started_at=now,
        rendered_at=now,
        finished_at=now,
        outcome="accepted",
        render_seconds=3.0,
        billable_ms=3000,
        charged_micros=300,
    )
    output = Output.objects.create(
        attempt=attempt, storage_key="frames/bench", sha256="0" * 64, size_bytes=9, width=1, height=1
    )
    event = JobEvent.objects.create(job=job, task=task, at=now, was="checking", became="accepted")
    others = f"job_id = {job.pk} AND id <> {task.pk}"
    copy(attempt, tasks(others), task_id="task.id", render_seconds="2 + mod(task.id, 100) / 50.0")
    copy(
        output,
        f"(SELECT attempt.id FROM rendering_attempt attempt JOIN {tasks(others)} ON task.id = task_id) AS made",
        attempt_id="made.id",
    )
    copy(event, tasks(others), task_id="task.id", at="row.at + task.frame * interval '1 millisecond'")
    _waiting(job, range(done, frames))


def _waiting(job: Job, frames: range) -> None:
    task = Task.objects.create(job=job, frame=frames.start, status="waiting")
    copy(task, times(len(frames) - 1), frame=f"{frames.start} + n")
    work = Work.objects.create(kind="render", reference=task.pk, group=job.pk, owner_id=job.owner_id)
    copy(
        work,
        tasks(f"job_id = {job.pk} AND status = 'waiting' AND id <> {task.pk}"),
        reference="task.id",
        sort="task.frame",
    )


def _transfers(name: str, creator, size: Size) -> None:
    """A history as long as asked: top-ups, so that the account's balance stays what its transfers say."""
    first = top_up_by_operator(user=creator, amount_micros=10**7, key=f"bench:{name}", reason="benchmark")
    copy(first, times(size.transfers - 1), key=f"'bench:{name}:' || n")
    account = Account.objects.get(pk=first.target_id)
    Account.objects.filter(pk=account.pk).update(
        balance_micros=account.kept_micros + first.amount_micros * (size.transfers - 1)
    )
