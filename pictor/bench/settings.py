"""The project's settings for benchmarks with server processes: a kind of work that does nothing, and frames nobody looks at."""

from pictor.settings import *  # noqa: F403

WORK_KINDS = "pictor.bench.noop.WORK_KINDS"
CELERY_IMPORTS = ("pictor.bench.unlooked",)
