import subprocess
import sys

SCRIPT = """
import gc, sys
from celery.signals import celeryd_after_setup
from pictor import background_process
print("searches" if gc.isenabled() else "rests", "prompt_toolkit" in sys.modules)
celeryd_after_setup.send(sender=None)
print("searches" if gc.isenabled() else "rests", gc.get_freeze_count() > 10_000)
"""


def test_garbage_is_searched_for_again_once_all_is_imported_and_a_shell_is_never_imported():
    """In a process of its own: the module changes how its process searches."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=240)
    assert done.stdout.splitlines() == ["rests False", "searches True"], done.stderr
