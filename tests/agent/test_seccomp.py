"""System calls that a box refuses, tried from inside by a plain program: no file of a stranger may ever get that far."""

import json
import platform
import struct

import pytest

from pictor_agent import sandbox, seccomp
from tests.agent.test_sandbox import boxes, run

pytestmark = pytest.mark.skipif(platform.machine() not in seccomp.AUDIT, reason="no table of system calls for this machine")

# Each call is made such that, without the filter, it would succeed or fail with something other than its answer here.
CALLS = """
import ctypes, errno, json, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    me = os.getpid()
    libc.syscall(number, *arguments)
    if os.getpid() != me:
        os._exit(0)
    return errno.errorcode.get(ctypes.get_errno(), "done")
def open_socket(family, kind):
    try:
        socket.socket(family, kind).close()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]
"""


@pytest.fixture(params=boxes(), ids=lambda box: "as root" if box.as_root else "as a user")
def box(request):
    return request.param


async def ask(box: sandbox.Sandbox, expression: str):
    said, status = await run(f"{CALLS}\nprint(json.dumps({expression}))", box_of=box)
    assert status == 0, said
    return json.loads(said)


class RefusalTests:
    async def test_every_refused_call_fails_and_no_plain_one(self, box):
        numbers = seccomp.refused_numbers(platform.machine())
        answers = await ask(box, f"{{name: call(number, 0, 0, 0, 0) for name, number in {numbers}.items()}}")
        assert set(answers.values()) == {"EPERM"}, answers
        assert await ask(box, "[open('/proc/self/status').read().split('Seccomp:')[1].split()[0], os.getppid() >= 0]") == [
            "2",
            True,
        ]

    @pytest.mark.parametrize("flag", [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
    async def test_no_new_namespace_by_clone(self, box, flag):
        clone = seccomp.CLONE[list(seccomp.AUDIT).index(platform.machine())]
        assert await ask(box, f"call({clone}, {flag | 17}, 0, 0, 0, 0)") == "EPERM"

    async def test_processes_and_threads_still_begin(self, box):
        script = (
            "import subprocess, threading\nthread = threading.Thread(target=lambda: print('thread'))\nthread.start(); thread.join()\n"
            "subprocess.run(['/usr/bin/echo', 'process'], check=True)"
        )
        said, status = await run(script, box_of=box)
        assert (sorted(said.split()), status) == (["process", "thread"], 0)

    async def test_the_newer_clone_says_that_it_does_not_exist(self, box):
        assert await ask(box, "call(435, 0, 0)") == "ENOSYS"

    async def test_raw_sockets_and_odd_families_cannot_be_had(self, box):
        wanted = {(2, 3): "EPERM", (10, 3): "EPERM", (2, 10): "EPERM", (17, 3): "EAFNOSUPPORT", (40, 1): "EAFNOSUPPORT",
                  (38, 5): "EAFNOSUPPORT", (2, 1): "done", (10, 2): "done", (1, 1): "done", (16, 3): "done"}  # fmt: skip
        assert await ask(box, f"[open_socket(*pair) for pair in {list(wanted)}]") == list(wanted.values())

    async def test_nothing_is_typed_into_the_owner_s_terminal(self, box):
        ioctl = seccomp.IOCTL[list(seccomp.AUDIT).index(platform.machine())]
        assert await ask(box, f"[call({ioctl}, 0, request, 0) for request in {seccomp.TERMINAL_INPUT}]") == ["EPERM"] * 2

    @pytest.mark.skipif(platform.machine() != "x86_64", reason="only there")
    async def test_the_second_table_of_calls_is_no_way_round(self, box):
        assert await ask(box, f"call({seccomp.X32 + 39})") == "EPERM"


class ProgramTests:
    @pytest.mark.parametrize("machine", list(seccomp.AUDIT))
    def test_it_fits_the_kernel_and_every_jump_stays_inside(self, machine):
        rows = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
        assert len(rows) < 4_096
        assert all(place + 1 + max(yes, no) < len(rows) for place, (code, yes, no, _) in enumerate(rows) if code & 7 == 5)
        assert rows[-1] == (seccomp.RETURN, 0, 0, seccomp.ALLOW)

    def test_no_number_is_named_twice(self):
        for machine in seccomp.AUDIT:
            numbers = list(seccomp.refused_numbers(machine).values())
            assert len(numbers) == len(set(numbers))

    def test_an_unknown_machine_has_no_filter(self):
        assert seccomp.program("riscv64") == b""
