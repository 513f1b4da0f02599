"""Files that nobody but this user may read."""

import os
from pathlib import Path


def write_secret(path: Path, secret: bytes) -> None:
    """Whole or not at all, readable by this user alone from the first moment."""
    spare = path.with_suffix(".new")
    spare.unlink(missing_ok=True)
    descriptor = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    spare.replace(path)
