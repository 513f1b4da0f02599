"""A job of a scene that is here already: nothing is sent."""

from datetime import datetime

from django.db import transaction

from rendering import events, quotas, uploads
from rendering.errors import NothingToDo
from rendering.hints import hint_on_commit
from rendering.models import Job, Scene, SceneFile
from rendering.services.journal import note_job
from rendering.states import JobStatus


@transaction.atomic
def render_scene(scene: Scene, main_path: str, now: datetime) -> Job:
    """A new job of `scene` that renders `main_path`; it is inspected in the background.

    Another .blend of the same files is a scene of its own, because what was found inside differs.

    Raises:
        NothingToDo: the scene is deleted or not stored yet, or has no such .blend.
        UnfitUpload: one job too many that is not submitted.
    """
    scene = Scene.objects.select_for_update().get(pk=scene.pk)
    if scene.deleted_at or main_path not in uploads.blends_of(list(scene.files.values_list("path", flat=True))):
        raise NothingToDo("This scene has no such .blend file any more.")
    quotas.one_at_a_time(scene.owner)
    quotas.check_drafts(scene.owner)
    scene = scene if main_path == scene.main_path else _sibling(scene, main_path)
    job = Job.objects.create(owner=scene.owner, scene=scene, name=uploads.plain_stem(main_path), status=JobStatus.INSPECTING)
    note_job(job, was="", at=now, actor=scene.owner)
    hint_on_commit("inspect_job", job.pk)
    events.job_status_changed(job)
    return job


def _sibling(scene: Scene, main_path: str) -> Scene:
    """The scene of the same files that renders `main_path`: the one that there is, else a new one."""
    same = Scene.objects.owned_by(scene.owner).kept().filter(scene_key=scene.scene_key, main_path=main_path)
    found = same.order_by("pk").first()
    if found:
        return found
    name = uploads.plain_name(main_path)
    made = Scene.objects.create(
        owner=scene.owner,
        name=name,
        main_path=main_path,
        scene_key=scene.scene_key,
        archive_sha256=scene.archive_sha256,
    )
    SceneFile.objects.bulk_create(SceneFile(scene=made, path=file.path, asset_id=file.asset_id) for file in scene.files.all())
    return made
