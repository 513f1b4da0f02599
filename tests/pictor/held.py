"""A background function that a test holds: it says when it began and ends when it may."""

from pathlib import Path

from pictor.celery import app
from pictor.stack.processes import wait_until

HELD_SECONDS = 120.0


@app.task(name="tests.hold")
def hold(folder: str, name: str) -> None:
    at = Path(folder)
    (at / f"{name}.began").touch()
    wait_until((at / f"{name}.go").exists, HELD_SECONDS)
    (at / f"{name}.done").touch()
