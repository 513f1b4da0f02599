"""Secrets of one embedded stack: made once, readable by its user alone."""

import json
import os
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


def load(folder: Path) -> Secrets:
    """Those in `folder`, made on the first call."""
    path = folder / "secrets.json"
    if not path.exists():
        _write(path, Secrets())
    return Secrets(**json.loads(path.read_text()))


def _write(path: Path, made: Secrets) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(made), file, indent=1)
    unfinished.replace(path)
