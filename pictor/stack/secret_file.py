"""Secrets of one embedded stack: made once, readable by its user alone."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pictor.stack.embedded import new_password


@dataclass(frozen=True)
class Secrets:
    secret_key: str = field(default_factory=lambda: new_password() + new_password())
    postgres_password: str = field(default_factory=new_password)  # superuser: makes roles and the database
    owner_password: str = field(default_factory=new_password)  # owns the tables: migrates
    app_password: str = field(default_factory=new_password)  # reads and writes rows
    valkey_password: str = field(default_factory=new_password)
    agent_signing_key: str = field(default_factory=lambda: secrets.token_hex(32))  # nodes know its public half


def load(folder: Path) -> Secrets:
    """Those in `folder`, made on the first call; a file of before gets what it lacks."""
    path = folder / "secrets.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    found = Secrets(**kept)
    if kept != asdict(found):
        _write(path, found)
    return found


def _write(path: Path, made: Secrets) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(made), file, indent=1)
    unfinished.replace(path)
