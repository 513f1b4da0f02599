"""Scenes, jobs, tasks, attempts and outputs. Statuses are moved by rendering.services alone."""

from rendering.models.films import Film
from rendering.models.jobs import Job, JobEvent, WatchLink, new_secret, new_watch_token
from rendering.models.probes import ProbeFrame
from rendering.models.rates import RateRule
from rendering.models.scenes import Asset, Scene, SceneFile, Upload
from rendering.models.tasks import Attempt, MergedFrame, OrderedPicture, Output, Task, TaskCount

__all__ = [
    "Asset",
    "Attempt",
    "Film",
    "Job",
    "JobEvent",
    "MergedFrame",
    "OrderedPicture",
    "Output",
    "ProbeFrame",
    "RateRule",
    "Scene",
    "SceneFile",
    "Task",
    "TaskCount",
    "Upload",
    "WatchLink",
    "new_secret",
    "new_watch_token",
]
