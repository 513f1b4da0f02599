"""`make check`: what needs no database and takes seconds. Every finding is shown; the status is non-zero if there is one."""

import os
import subprocess
import sys

TYPED = ["credit", "pictor_agent", "common/money.py", "common/transitions.py"]
CHECKS = {
    "lint": [sys.executable, "-m", "ruff", "check", "."],
    "format": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "layers": ["lint-imports"],
    "migrations": [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
    "types": [sys.executable, "-m", "mypy", *TYPED],
}
# `makemigrations --check` reads the settings and looks at no database.
NOTHING_RUNS = {
    "DEBUG": "1",
    "SECRET_KEY": "looked-at-by-nobody-" + "x" * 40,
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def main() -> int:
    failed = []
    for name, command in CHECKS.items():
        print(f"-- {name}", flush=True)
        if subprocess.call(command, env=NOTHING_RUNS | os.environ):
            failed.append(name)
    print(f"Failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
