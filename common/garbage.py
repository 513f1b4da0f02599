"""Python's search for circles of garbage, tuned for processes that import much and live long."""

import atexit
import gc

THRESHOLDS = 20_000, 20, 50  # a page makes some ten thousand objects, nearly all of which go without any search


def search_less() -> None:
    """Once everything is imported: what is there now stays for ever and is never looked through again.

    By default a light page now and then waited 60 to 80 ms for a look through all modules and templates.
    """
    gc.collect()
    keep_all()
    gc.set_threshold(*THRESHOLDS)


def keep_all() -> None:
    """What is there now is never looked through again."""
    gc.freeze()
    atexit.register(gc.unfreeze)  # libraries that count their objects at the end would call them leaks
