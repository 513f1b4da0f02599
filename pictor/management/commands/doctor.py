"""Look at every part that the site needs and say, one line each, whether it works and what to do if not."""

import os
import shutil
import subprocess
from collections.abc import Callable

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from pictor.health import PROBES, NotReady, why_not
from rendering.films import ffmpeg_path

TRY_SECONDS = 90  # importing Blender for the first time reads half a gigabyte


class Command(BaseCommand):
    help = "Check database, roles, Redis, storage, ffmpeg, bubblewrap and Blender. Exits 1 if something is missing."

    def handle(self, *args, **options) -> None:
        missing = [name for name, (probe, advice) in checks().items() if not self.tell(name, why_not(probe), advice)]
        if missing:
            raise CommandError(f"Not in order: {', '.join(missing)}.")
        self.stdout.write(self.style.SUCCESS("Everything is in order."))

    def tell(self, name: str, reason: str, advice: str) -> bool:
        """Print one part; True when it works."""
        if not reason:
            self.stdout.write(f"{self.style.SUCCESS('ok   ')} {name}")
            return True
        self.stdout.write(f"{self.style.ERROR('wrong')} {name}: {reason}")
        self.stdout.write(f"        {advice}")
        return False


def checks() -> dict[str, tuple[Callable[[], None], str]]:
    """Name -> (probe, what to do when it fails)."""
    return {
        "database": (PROBES["database"], "Is PostgreSQL running, and is DATABASE_URL right?"),
        "migrations": (PROBES["migrations"], "Run: python manage.py migrate  (with DATABASE_URL of the owner role)"),
        "roles": (probe_roles, "Run `python manage.py grant_app_role ROLE` as owner, and let DATABASE_URL name that role."),
        "redis": (PROBES["redis"], "Is Redis or Valkey running, and is REDIS_URL right?"),
        "storage": (PROBES["storage"], "Make PICTOR_VAR writable for this user, or free some space."),
        "ffmpeg": (probe_ffmpeg, "Install ffmpeg, or set FFMPEG=/path; films need it."),
        "bubblewrap": (probe_bubblewrap, "Install bubblewrap and allow user namespaces; scenes are inspected inside it."),
        "blender": (probe_blender, "Set BLENDER_PYTHON to the interpreter of the environment that holds bpy 5.0.1."),
    }


def probe_roles() -> None:
    """The role that runs pages must not be able to change what has moved."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(current_user, to_regclass('credit_transfer')::oid, 'UPDATE, DELETE, TRUNCATE')"
        )
        (can_change,) = cursor.fetchone()
    if can_change:
        raise NotReady(f"the role {connection.settings_dict['USER']} may change or delete transfers")


def probe_ffmpeg() -> None:
    succeeds("ffmpeg", [ffmpeg_path(), "-version"])


def probe_bubblewrap() -> None:
    program = shutil.which("bwrap")
    if program is None:
        raise NotReady("bwrap is not installed")
    succeeds("bwrap", [program, "--ro-bind", "/", "/", "--unshare-pid", "--unshare-net", "--die-with-parent", "true"])


def probe_blender() -> None:
    if not settings.BLENDER_PYTHON:
        raise NotReady("BLENDER_PYTHON is not set")
    succeeds("Blender", [settings.BLENDER_PYTHON, "-c", "import bpy; bpy.app.version_string"])


def succeeds(name: str, command: list[str]) -> None:
    """Run a program in an empty folder of the system; its last words are the reason when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRY_SECONDS, cwd="/", env=dict(os.environ))
    except subprocess.TimeoutExpired:
        raise NotReady(f"{name} gave no answer in {TRY_SECONDS} s") from None
    if done.returncode:
        raise NotReady(f"{name} failed: {(done.stderr or done.stdout).strip()[-200:] or done.returncode}")
