"""`make test`: the whole suite, renders in one group, everything else in parallel."""

import os
import subprocess
import sys

PROCESSES_MAX = 4


def main(words: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", f"--numprocesses={min(PROCESSES_MAX, os.cpu_count() or 1)}"]
    if os.environ.get("BROWSER") == "0":
        print("BROWSER=0: the browser tests are left out.", flush=True)
        command.append("-m not browser")
    return subprocess.call([*command, *words])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
