"""Work for the benchmarks: no-op items in any number, and real jobs as a creator submits them."""

import secrets
import time

from django.contrib.auth import get_user_model
from django.db import connection

from common import clock
from credit.services import top_up_by_operator
from pictor.bench.crowd import copy, times
from rendering.models import Asset, Job, Scene, SceneFile
from rendering.services import submit_job
from workers import services as queue
from workers.kinds import NewWork
from workers.models import Work

REQUIREMENTS = {"engine": "cycles", "blender_version": "5.0.1"}
GROUP = 10_000  # as many tasks as a job may have


def settle() -> None:
    """What PostgreSQL would do beside the next seconds, for rows that no user makes at such a pace, is done before them."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) workers_work, workers_lease")
        cursor.execute("CHECKPOINT")


class Noops:
    """No-op work, numbered through; `waiting` are put in with one statement, later ones as the products do."""

    def __init__(self) -> None:
        self.owner = get_user_model().objects.create(username=f"bench-noop-{secrets.token_hex(4)}")
        self.made = 0

    def fill(self, count: int) -> None:
        """Copies of one row, which is held back until they are made: a million of them in seconds."""
        first = self.made + 1
        row = Work.objects.create(
            kind="noop",
            reference=first,
            sort=first,
            group=first // GROUP,
            owner_id=self.owner.pk,
            requirements=REQUIREMENTS,
            held=True,
        )
        place = f"{first} + n"
        copy(row, times(count - 1), reference=place, sort=place, held="FALSE", **{"group": f"({place}) / {GROUP}"})
        self.made += count
        Work.objects.filter(pk=row.pk).update(held=False)
        settle()

    def add(self, count: int) -> None:
        numbers = range(self.made + 1, self.made + 1 + count)
        items = [NewWork(n, n // GROUP, self.owner.pk, REQUIREMENTS, sort=n) for n in numbers]
        self.made += count
        queue.enqueue("noop", items)


def make_job(frames: int) -> Job:
    """A job that is ready to be submitted, of a creator with plenty of credit."""
    name = f"bench-{secrets.token_hex(4)}"
    creator = get_user_model().objects.create(username=name)
    top_up_by_operator(user=creator, amount_micros=10**12, key=name, reason="benchmark")
    facts = {"cameras": ["Camera"], "camera": "Camera", "width": 32, "height": 18, "samples": 1}
    scene = Scene.objects.create(
        owner=creator, name="bench.blend", main_path="bench.blend", scene_key="b" * 64, inspection=facts
    )
    asset = Asset.objects.create(owner=creator, sha256="0" * 64, size_bytes=10**6, storage_key="scenes/bench")
    SceneFile.objects.create(scene=scene, path="bench.blend", asset=asset)
    return Job.objects.create(
        owner=creator,
        scene=scene,
        name=name,
        status="ready",
        frames=f"1-{frames}",
        width=32,
        height=18,
        samples=1,
        tier="priority",
    )


def submit_seconds(frames: int) -> float:
    """How long it takes to submit a job of so many frames."""
    job = make_job(frames)
    began = time.perf_counter()
    submit_job(job, clock.now())
    return time.perf_counter() - began
