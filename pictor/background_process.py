"""`python -m pictor.background_process`: Celery's own `worker` command with its own options, back sooner after a kill.

`celery` would first import all of its commands, a shell with a line editor among them. Nothing is searched for garbage while
modules are imported, and what they leave is never looked through again, nor copied by the processes that are forked.
"""

import gc
import os

gc.disable()

from celery.bin.base import CLIContext  # noqa: E402  from here on without searches
from celery.bin.worker import worker  # noqa: E402
from celery.signals import celeryd_after_setup  # noqa: E402

from common.garbage import keep_all  # noqa: E402
from pictor.celery import app  # noqa: E402


@celeryd_after_setup.connect
def search_again(**_) -> None:
    """Every background function is imported, and nothing is forked yet."""
    keep_all()
    gc.enable()


def main() -> None:
    """Without Django's checks, which import every page: `migrate` has made them."""
    os.environ["CELERY_SKIP_CHECKS"] = "true"
    worker.main(obj=CLIContext(app=app, no_color=True, workdir=None), prog_name="pictor.background_process")


if __name__ == "__main__":
    main()
