"""Attempts whose tasks are still where a report or a verdict believes them, locked."""

from collections.abc import Collection

from django.db.models import F

from rendering.models import Attempt
from rendering.states import TaskStatus

Key = tuple[int, int]  # task and number of the attempt


def lock_attempts(keys: Collection[Key], status: TaskStatus) -> dict[Key, Attempt]:
    """Those of `keys` that are the newest attempt of a task in `status` at this moment, with task, job and node.

    Locks: the tasks with their attempts, in the order of the tasks.
    """
    live = (
        Attempt.objects.select_for_update(of=("self", "task"))
        .select_related("task__job", "worker")
        .filter(task__in=[task_id for task_id, _ in keys], task__status=status, task__attempt=F("number"))
        .order_by("task_id")
    )
    found = {(attempt.task_id, attempt.number): attempt for attempt in live}
    return {key: attempt for key, attempt in found.items() if key in keys}
