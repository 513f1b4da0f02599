"""What an embedded stack needs before its processes start; run as the tables' owner, safe to run again.

It is started before the databases are: a line on its standard input says that they are there.
"""

import hashlib
import sys
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from common import clock
from users.personas import PERSONAS, persona_user
from workers import services
from workers.models import Worker

NODE_NAME = "this-machine"


class Command(BaseCommand):
    help = "Collect static files, migrate, grant the app role its rights, make the personas and the local node's configuration."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--app-role", default="", help="the role that the processes use; empty: they use this one")
        parser.add_argument("--node-config", type=Path, help="write a configuration for a node on this machine")

    def handle(self, *, app_role: str, node_config: Path | None, **options) -> None:
        collect_static()
        await_databases()
        call_command("migrate", interactive=False, verbosity=0)
        if app_role:
            call_command("grant_app_role", app_role)
        if settings.DEMO:
            for key in PERSONAS:
                persona_user(key)
        if node_config:
            prepare_node(node_config)


def await_databases() -> None:
    if not sys.stdin.readline():
        raise CommandError("The databases did not start.")


def collect_static() -> None:
    """Hash and compress them again only when one has changed."""
    stamp = settings.VAR_DIR / "static.stamp"
    found = hashlib.sha256(str(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for path, storage in finder.list(ignore_patterns=[]):
            found.update(f"{path} {storage.size(path)} {storage.get_modified_time(path)}\n".encode())
    if stamp.exists() and stamp.read_text() == found.hexdigest() and settings.STATIC_ROOT.is_dir():
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(found.hexdigest())


def prepare_node(config: Path) -> None:
    """The owner persona's node: enrolled like any other, by a configuration file with a one-use token."""
    owner = persona_user("owner")
    worker = Worker.objects.filter(owner=owner, name=NODE_NAME).first()
    worker = worker or services.create_worker(owner, NODE_NAME, now=clock.now())
    if worker.public_key and config.exists() and worker.uid in config.read_text():
        point_at_this_stack(config)
    else:
        write_config(config, services.new_config(worker, now=clock.now(), actor=owner))


def write_config(config: Path, text: str) -> None:
    config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    config.touch(0o600)
    config.write_text(text)


def point_at_this_stack(config: Path) -> None:
    """The ports may have moved since the node was enrolled."""
    lines = config.read_text().splitlines()
    address = f'server_url = "{settings.LIVE_URL}"'
    write_config(config, "\n".join(address if line.startswith("server_url") else line for line in lines) + "\n")
