"""The system calls that a box may not make, as a seccomp program for bubblewrap's `--seccomp`.

A list of refusals, not of permissions: Blender, Mesa and the drivers of GPUs call more than anybody could list, and change
with every release. What is refused reaches parts of the kernel that no renderer needs and that sandboxes have been left by.
"""

import errno
import platform
import struct
from collections.abc import Iterator

# name: (x86_64, aarch64); None where the architecture never had it
REFUSED: dict[str, tuple[int | None, int]] = {
    # mounts and roots
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "open_tree_attr": (467, 467), "swapon": (167, 224), "swapoff": (168, 225),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262), "fanotify_mark": (301, 263), "lookup_dcookie": (212, 18), "nfsservctl": (180, 42),
    # other processes and namespaces
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "process_madvise": (440, 440),
    "process_mrelease": (448, 448), "kcmp": (312, 272), "pidfd_getfd": (438, 438), "unshare": (272, 97), "setns": (308, 268),
    "migrate_pages": (256, 238), "move_pages": (279, 239),
    # the kernel itself
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "reboot": (169, 142), "syslog": (103, 116), "acct": (163, 89),
    "personality": (135, 92), "vhangup": (153, 58),
    # the clock and the machine's name
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162),
}  # fmt: skip
REFUSED_X86 = {"create_module": 174, "get_kernel_syms": 177, "query_module": 178, "iopl": 172, "ioperm": 173,
               "modify_ldt": 154, "uselib": 134, "ustat": 136, "sysfs": 139, "_sysctl": 156}  # fmt: skip
CLONE, CLONE3 = (56, 220), (435, 435)
SOCKET, IOCTL = (41, 198), (16, 29)
NEW_NAMESPACES = 0x7E02_0000  # every CLONE_NEW... flag that clone knows
FAMILIES = {"unix": 1, "inet": 2, "inet6": 10, "netlink": 16}
RAW = 3  # SOCK_RAW, in the low bits of a socket's type; what lies above is older or odder still
TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into the terminal of who started us
X32 = 0x4000_0000  # a second table of calls on x86_64, by which a list of numbers could be passed

AUDIT = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
LOAD, EQUAL, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, KILL, FAIL = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
NUMBER, ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
ARGUMENT = (16, 24)  # low halves of the first two arguments; both machines are little endian

Instruction = tuple[int, int, int, int]  # code, how many to skip if true, if false, value


def program(machine: str | None = None) -> bytes:
    """The compiled filter for this machine; empty for an architecture that we have no table for."""
    machine = machine or platform.machine()
    if machine not in AUDIT:
        return b""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in _instructions(machine))


def refused_numbers(machine: str) -> dict[str, int]:
    column = list(AUDIT).index(machine)
    own = REFUSED_X86 if column == 0 else {}
    return own | {name: number for name, numbers in REFUSED.items() if (number := numbers[column]) is not None}


def _instructions(machine: str) -> Iterator[Instruction]:
    """Straight down; every test either returns or falls through, so no jump is longer than its own rule."""
    column = list(AUDIT).index(machine)
    yield (LOAD, 0, 0, ARCHITECTURE)
    yield from ((EQUAL, 1, 0, AUDIT[machine]), (RETURN, 0, 0, KILL))  # another table of calls: 32-bit programs
    yield (LOAD, 0, 0, NUMBER)
    if machine == "x86_64":
        yield from ((AT_LEAST, 0, 1, X32), _fail(errno.EPERM))
    for number in refused_numbers(machine).values():
        yield from ((EQUAL, 0, 1, number), _fail(errno.EPERM))
    yield from ((EQUAL, 0, 1, CLONE3[column]), _fail(errno.ENOSYS))  # its flags lie in memory; glibc falls back to clone
    yield from _when(CLONE[column], _no_namespaces())
    yield from _when(SOCKET[column], _plain_sockets())
    yield from _when(IOCTL[column], _no_typing())
    yield (RETURN, 0, 0, ALLOW)


def _when(number: int, rule: list[Instruction]) -> list[Instruction]:
    """`rule`, which ends in a return, for one call only."""
    return [(EQUAL, 0, len(rule), number), *rule]


def _no_namespaces() -> list[Instruction]:
    return [(LOAD, 0, 0, ARGUMENT[0]), (ANY_BIT, 0, 1, NEW_NAMESPACES), _fail(errno.EPERM), (RETURN, 0, 0, ALLOW)]


def _plain_sockets() -> list[Instruction]:
    """Streams and datagrams of the usual families; glibc asks for its interfaces by a raw netlink socket."""
    return [
        (LOAD, 0, 0, ARGUMENT[0]),
        (EQUAL, 4, 0, FAMILIES["unix"]),
        (EQUAL, 3, 0, FAMILIES["netlink"]),
        (EQUAL, 3, 0, FAMILIES["inet"]),
        (EQUAL, 2, 0, FAMILIES["inet6"]),
        _fail(errno.EAFNOSUPPORT),
        (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, ARGUMENT[1]),
        (AND, 0, 0, 0xF),
        (AT_LEAST, 0, 1, RAW),
        _fail(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]


def _no_typing() -> list[Instruction]:
    first, second = TERMINAL_INPUT
    tests = [(EQUAL, 1, 0, first), (EQUAL, 0, 1, second)]
    return [(LOAD, 0, 0, ARGUMENT[1]), *tests, _fail(errno.EPERM), (RETURN, 0, 0, ALLOW)]


def _fail(number: int) -> Instruction:
    return RETURN, 0, 0, FAIL | number
