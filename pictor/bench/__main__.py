"""Runs the parts that were named, or all of them, on a PostgreSQL of its own; tables to the terminal, JSON to var/bench."""

import argparse
import importlib
import os
import tempfile
from pathlib import Path

from rich.console import Console

from pictor.bench.goals import PARTS
from pictor.stack import embedded

SEED = 20_261_122


def start_database(folder: Path) -> embedded.Postgres:
    """A durable cluster, and the settings that point Django at it."""
    cluster = embedded.Postgres(folder / "postgres", embedded.free_port(), embedded.new_password())
    cluster.create()
    cluster.start(durable=True)
    os.environ |= {
        "DATABASE_URL": cluster.url.rsplit("/", 1)[0] + "/postgres",
        "SECRET_KEY": "bench-" + embedded.new_password(),
        "DEBUG": "",  # as production: templates are kept, queries are not logged
        "PICTOR_VAR": str(folder / "var"),
        "DJANGO_SETTINGS_MODULE": "pictor.bench.settings",
    }
    return cluster


def set_up_django() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench WHAT=")
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parts = parser.parse_args().parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))} (there are {', '.join(PARTS)})")
    console = Console()
    with tempfile.TemporaryDirectory(prefix="pictor-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        valkey_port = embedded.free_port()
        valkey = embedded.start_valkey(valkey_port, folder)
        os.environ["REDIS_URL"] = f"redis://127.0.0.1:{valkey_port}/0"
        cluster = start_database(folder)
        try:
            set_up_django()
            for part in parts:
                report = importlib.import_module(f"pictor.bench.{part}").measure(SEED)
                report.show(console)
                console.print(f"written to {report.save(Path('var/bench'))}\n")
        finally:
            cluster.stop()
            valkey.stop()


if __name__ == "__main__":
    main()
