"""The verbs of rendering; each public function is one transaction. This is their public face.

Lock order everywhere, so that nothing waits in a circle: the job's turn at the queue (advisory, settlement.hold_work),
work rows (workers), tasks, the job (FOR NO KEY UPDATE, so that rows pointing at it can still be written), then credit. What runs inside a transaction of `workers` never locks a job,
except the feeder's lease, which holds the work rows of the very tasks it takes.
"""

from rendering.estimates import Quote, quote
from rendering.job_settings import JobSettings, settings_like, settings_of
from rendering.services.acceptance import Passed, Previews, accept_task, accept_tasks, refuse_task
from rendering.services.control import (
    approve_preview,
    cancel_job,
    pause_job,
    raise_cap,
    requeue_tasks,
    resume_if_covered,
    resume_job,
    stop_job,
)
from rendering.services.films import cancel_film, start_film
from rendering.services.leasing import lease_tasks
from rendering.services.merges import TRIES_MAX as MERGE_TRIES_MAX
from rendering.services.merges import keep_merged_frame, note_failed_merge, wants_merge
from rendering.services.previews import change_preview
from rendering.services.probes import start_probe
from rendering.services.progress import fail_tasks, finish_tasks, render_tasks, return_tasks, start_tasks
from rendering.services.retention import delete_frames, delete_scene, drop_assets, keep_frames, keep_scene
from rendering.services.scenes import render_scene
from rendering.services.settlement import align_queue, refresh_job
from rendering.services.submission import (
    copy_job,
    create_job_from_upload,
    fail_inspection,
    record_inspection,
    submit_job,
    update_settings,
)

__all__ = [
    "MERGE_TRIES_MAX",
    "JobSettings",
    "Passed",
    "Previews",
    "Quote",
    "accept_task",
    "accept_tasks",
    "align_queue",
    "approve_preview",
    "cancel_film",
    "cancel_job",
    "change_preview",
    "copy_job",
    "create_job_from_upload",
    "delete_frames",
    "delete_scene",
    "drop_assets",
    "fail_inspection",
    "fail_tasks",
    "finish_tasks",
    "keep_frames",
    "keep_merged_frame",
    "keep_scene",
    "lease_tasks",
    "note_failed_merge",
    "pause_job",
    "quote",
    "raise_cap",
    "record_inspection",
    "refresh_job",
    "refuse_task",
    "render_scene",
    "render_tasks",
    "requeue_tasks",
    "resume_if_covered",
    "resume_job",
    "return_tasks",
    "settings_like",
    "settings_of",
    "start_film",
    "start_probe",
    "start_tasks",
    "stop_job",
    "submit_job",
    "update_settings",
    "wants_merge",
]
