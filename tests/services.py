"""Real PostgreSQL and Valkey for every run: one cluster per run, one Valkey per xdist process."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from pictor.stack import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 40)
os.environ.setdefault("AGENT_SIGNING_KEY", "5e" * 32)
os.environ.setdefault("DEBUG", "1")
os.environ.setdefault("SITE_URL", "http://testserver")
os.environ.setdefault("APTOS_NODE_URL", "")  # nothing is asked outside


def start_services() -> None:
    """Before Django reads its settings. xdist's workers inherit PICTOR_TEST_DATABASE from the controller."""
    folder = Path(tempfile.mkdtemp(prefix="pictor-test-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["PICTOR_VAR"] = str(folder / "var")  # of this process: xdist inherits, and rows of two databases share ids
    Path(os.environ["PICTOR_VAR"], "static").mkdir(parents=True, exist_ok=True)  # WhiteNoise warns without it
    if "PICTOR_TEST_DATABASE" not in os.environ:
        cluster = embedded.Postgres(folder / "postgres", embedded.free_port(), embedded.new_password())
        cluster.create()
        cluster.start(durable=False)
        atexit.register(cluster.stop)
        os.environ["PICTOR_TEST_DATABASE"] = cluster.url
    os.environ["DATABASE_URL"] = os.environ["PICTOR_TEST_DATABASE"].rsplit("/", 1)[0] + "/postgres"
    port = embedded.free_port()
    valkey = embedded.start_valkey(port, folder)
    atexit.register(valkey.stop)
    os.environ["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"


start_services()
