"""The server's image as far as it can be tried without Docker: its one step that runs this code."""

import os
import re
import shlex
import subprocess
import sys

from django.conf import settings

DOCKERFILE = settings.BASE_DIR / "docker" / "server" / "Dockerfile"
INSTRUCTIONS = DOCKERFILE.read_text().replace("\\\n", " ").splitlines()


def assigned(words: list[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))


def of_the_image() -> dict[str, str]:
    (line,) = [line for line in INSTRUCTIONS if line.startswith("ENV ")]
    return assigned(shlex.split(line))


def of_the_build() -> dict[str, str]:
    """What the step that runs this code is given beside them."""
    (line,) = [line for line in INSTRUCTIONS if "collectstatic" in line and line.startswith("RUN ")]
    return assigned(shlex.split(line))


def test_the_static_files_are_collected_with_what_the_build_sets():
    environment = of_the_image() | of_the_build() | {"PATH": os.environ["PATH"]}
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0", "--dry-run"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_an_operator_or_an_owner_keeps_beside_the_code_is_not_taken_along():
    left_out = (settings.BASE_DIR / ".dockerignore").read_text().splitlines()
    assert {"**/.env*", "**/node.toml"} <= set(left_out)


def test_nothing_that_was_made_up_for_the_build_stays_in_the_image():
    assert of_the_image()["PICTOR_ENV"] == "production"
    assert {"SECRET_KEY", "AGENT_SIGNING_KEY"} <= of_the_build().keys()
    assert not of_the_image().keys() & of_the_build().keys()
