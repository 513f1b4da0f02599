"""First program inside every sandbox: takes on the limits and the unprivileged user, then becomes the real program.

Standard library alone: it runs under the render environment's Python. One argument: JSON {limits, nice, uid,
die_with_parent}; the rest is the program.
"""

import json
import os
import resource
import sys


def lower(name: str, value: int) -> None:
    """Set soft and hard limit; a lower one that is already there stays."""
    kind = getattr(resource, "RLIMIT_" + name)
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def follow_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL


def main() -> None:
    settings, program = json.loads(sys.argv[1]), sys.argv[2:]
    os.nice(settings["nice"])
    for name, value in settings["limits"].items():
        lower(name, value)
    if settings["uid"]:
        become(settings["uid"])
    if settings["die_with_parent"]:
        follow_parent()
    os.umask(0o077)
    os.execv(program[0], program)


main()
