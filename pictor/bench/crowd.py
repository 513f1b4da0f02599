"""A database full of rows for the benchmarks: one row of each kind is made by hand, PostgreSQL multiplies it.

Rows are multiplied with every column they have, so a new column needs nothing here.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import get_user_model
from django.db import connection, models

from common import clock
from credit.codes import Bucket, Code, Kind
from credit.models import Account, Earning, Transfer
from credit.services import top_up_by_operator
from rendering.models import Asset, Attempt, Job, JobEvent, Output, Scene, SceneFile, Task
from rendering.services.watching import share_job
from workers.models import Gpu, Shift, Tally, Work, Worker, WorkerEvent

FRAMES_PER_JOB = 10_000
NODES_OF_THE_OWNER = 1_000
DAYS, EVENTS = 30, 1_000  # of a node


@dataclass(frozen=True)
class Size:
    """How many rows there are; the small one is what the large one is compared with."""

    jobs: int
    nodes: int
    transfers: int
    frames_per_job: int = FRAMES_PER_JOB


# Hardly a hundredth, but every list fills its page: what a page shows is equal, only what lies behind it is not.
SMALL = Size(jobs=60, nodes=60, transfers=60, frames_per_job=130)
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
    columns = [field.column for field in row._meta.concrete_fields if not field.primary_key or field.column in changes]
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
    TOTP.activate(operator, "A" * 32)  # without a second step nothing opens
    node = _nodes(name, owner, size)
    scene = _scenes(creator, size)
    job = _jobs(creator, scene, node, size)
    ready_job = Job.objects.create(
        owner=creator, scene=scene, name="Ready", status="ready", frames="1-100", width=1920, height=1080, samples=64
    )
    share_job(job, "unlisted")
    _transfers(name, creator, size)
    _earnings(name, owner, size)
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
        cpu_model="Bench 9000",
        device="OPTIX",
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
    _life_of(name, node)
    return node


def _life_of(name: str, node: Worker) -> None:
    """A GPU, a month of tallies and a shift for each node, and a long history for the first one."""
    now = clock.now()
    others = f"(SELECT id FROM workers_worker WHERE uid LIKE '{name}\\_%%') AS node"
    copy(Gpu.objects.create(worker=node, index=0, model="Bench RTX", vram_bytes=24 * 1024**3), others, worker_id="node.id")
    shift = Shift.objects.create(worker=node, epoch=1, started_at=now - timedelta(days=1))
    copy(shift, others, worker_id="node.id")
    copy(shift, times(DAYS), epoch="-n", started_at="row.started_at - n * interval '1 day'", ended_at="row.started_at")
    tally = Tally.objects.create(worker=node, day_on=now.date(), tasks_accepted=9, busy_seconds=900, earned_micros=2_000)
    copy(tally, times(DAYS), day_on="row.day_on - n::int")
    copy(tally, f"{others}, {times(DAYS + 1)}", worker_id="node.id", day_on="row.day_on - n::int + 1")
    event = WorkerEvent.objects.create(worker=node, at=now, kind="signed-on", detail="agent 1.0")
    copy(event, times(EVENTS), at="row.at - n * interval '1 minute'")


def _scenes(creator, size: Size) -> Scene:
    asset = Asset.objects.create(owner=creator, sha256="0" * 64, size_bytes=10**6, storage_key="scenes/bench")
    facts = {"cameras": ["Camera"], "camera": "Camera", "width": 1920, "height": 1080, "samples": 64}
    scene = Scene.objects.create(
        owner=creator, name="bench.blend", main_path="bench.blend", scene_key="b" * 64, inspection=facts
    )
    file = SceneFile.objects.create(scene=scene, path="bench.blend", asset=asset)
    copy(scene, times(size.jobs - 1))
    copy(
        file,
        f"(SELECT id FROM rendering_scene WHERE owner_id = {creator.pk} AND id <> {scene.pk}) AS other",
        scene_id="other.id",
    )
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


def job_of_frames(creator, node: Worker, frames: int) -> Job:
    """A job that is over, all of its frames accepted."""
    job = Job.objects.create(
        owner=creator,
        scene=_scenes(creator, Size(jobs=1, nodes=0, transfers=0)),
        name="Bench",
        status="completed",
        frames=f"1-{frames}",
        frame_count=frames,
        submitted_at=clock.now(),
        finished_at=clock.now(),
    )
    _accepted(job, node, frames)
    return job


def _tasks(job: Job, node: Worker, frames: int) -> None:
    done = frames * 9 // 10
    _accepted(job, node, done)
    _waiting(job, range(done, frames))


def _accepted(job: Job, node: Worker, frames: int) -> None:
    """Frames 0 to `frames` - 1, each with its attempt, picture and event."""
    now = clock.now()
    task = Task.objects.create(
        job=job, frame=0, status="accepted", attempt=1, attempts_used=0, charged_micros=300, accepted_at=now
    )
    copy(task, times(frames - 1), frame="n", accepted_at="row.accepted_at + n * interval '1 millisecond'")
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
        pixels_sha256=f"{task.pk:064x}",
    )
    output = Output.objects.create(
        attempt=attempt,
        storage_key="frames/bench.png",
        preview_key="frames/bench-preview.webp",
        thumbnail_key="frames/bench-thumb.webp",
        sha256="0" * 64,
        size_bytes=9,
        width=1,
        height=1,
    )
    event = JobEvent.objects.create(job=job, task=task, at=now, was="checking", became="accepted")
    others = f"job_id = {job.pk} AND id <> {task.pk}"
    copy(
        attempt,
        tasks(others),
        task_id="task.id",
        leased_at="row.leased_at + task.frame * interval '1 millisecond'",  # in life no two leases of a job are of one moment
        render_seconds="2 + mod(task.id, 100) / 50.0",
        pixels_sha256="lpad(to_hex(task.id), 64, '0')",  # equal ones would make a chain in its hash index
    )
    copy(
        output,
        f"(SELECT attempt.id FROM rendering_attempt attempt JOIN {tasks(others)} ON task.id = task_id) AS made",
        attempt_id="made.id",
    )
    copy(event, tasks(others), task_id="task.id", at="row.at + task.frame * interval '1 millisecond'")


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


def _earnings(name: str, owner, size: Size) -> None:
    """As many again as a tenth of the transfers, for frames of the owner's nodes; all of them pending."""
    account = partial(Account.objects.get_or_create, bucket=Bucket.PURCHASED)
    clearing, _ = account(kind=Kind.CLEARING, owner=None)
    pending, _ = account(kind=Kind.PENDING, owner=owner, defaults={"balance_micros": 180 * (size.transfers // 10)})
    first = Transfer.objects.create(
        key=f"{name}:earned:0", code=Code.EARNING, source=clearing, target=pending, amount_micros=180, owner=owner
    )
    earning = Earning.objects.create(
        transfer=first, account=pending, amount_micros=180, matures_at=clock.now() + timedelta(days=1)
    )
    copy(first, times(size.transfers // 10 - 1), key=f"'{name}:earned:' || n")
    others = f"SELECT id FROM credit_transfer WHERE target_id = {pending.pk} AND id <> {first.pk}"
    copy(earning, f"({others}) AS earned", transfer_id="earned.id")
