"""`make demo`: the stack, one real job of the demo creator, its progress in the terminal, and the frames in a folder."""

import os
import sys
import time
from pathlib import Path

import django

from pictor.stack.stack import CODE, Stack
from pictor.stack.starting import flag, orderly, stack_from_environment, stay_up
from pictor.stack.words import Stop, say

DEMO_SCENE = CODE / "scenes" / "carousel.blend"


def main() -> None:
    scene = chosen_scene()
    began = time.monotonic()
    with orderly(), stack_from_environment(meanwhile=load) as stack:
        say(f"  The stack is up: {time.monotonic() - began:.1f} s\n")
        job = run_job(stack, scene, os.environ.get("FRAMES", ""), began)
        if not flag("EXIT"):
            say(f"\n  {stack.url} stays up. Logs: {stack.supervisor.logs}. Ctrl-C stops everything.")
            stay_up(stack)
    raise SystemExit(0 if job.status == "completed" else 1)


def load(stack: Stack) -> None:
    """The code that the job takes: seconds, which nobody waits for while the tables are made."""
    os.environ.update(stack.environment)
    django.setup()
    from pictor.stack import demo_job, demo_progress  # noqa: F401


def chosen_scene() -> Path:
    scene = Path(os.environ.get("SCENE") or DEMO_SCENE).expanduser()
    if not scene.is_file():
        raise Stop(f"SCENE={scene} is not a file.")
    return scene


def run_job(stack: Stack, scene: Path, frames: str, began: float):
    """Submit, watch to the end, export; returns the job as it ended."""
    from pictor.stack import demo_job, demo_progress

    job = demo_job.begin(scene)
    say(f"  Watch it live: {stack.url}{job.get_absolute_url()}")
    say(f"  One click on {stack.url} signs you in as Carla Creator.\n")
    job = demo_job.submit(job, frames, alive=stack.require_alive)
    job = demo_progress.follow(job, alive=stack.require_alive, began=began, stop_when_stuck=flag("EXIT"))
    if job.status == "completed":
        demo_job.export(job, stack.var / "demo" / str(job.pk), alive=stack.require_alive)
    else:
        say(f"  The job is {job.get_status_display().lower()}: {demo_progress.reason(job)}")
    return job


if __name__ == "__main__":
    sys.exit(main())
