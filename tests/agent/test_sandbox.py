"""The box holds: no network, no writing, no reading of the host, limits, nothing left behind. Each test breaks out or fails to."""

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from pictor_agent import sandbox
from pictor_agent.sandbox import Contents, Limits, SandboxUnavailable, find_sandbox
from tests.agent.conftest import make_spec, until

LIMITS = Limits(256 << 20, tmp_bytes=8 << 20, processes=64)
ROOT = os.geteuid() == 0
NICE_INSIDE = str(min(19, os.nice(0) + sandbox.NICE))  # on top of what the tests themselves run at


def boxes() -> list[sandbox.Sandbox]:
    """Every way to isolate that this user has: root has two."""
    return [find_sandbox(), *([sandbox.Sandbox(find_sandbox().bwrap, as_root=False)] if ROOT else [])]


@pytest.fixture(params=boxes(), ids=lambda box: "as root" if box.as_root else "as a user")
def box(request):
    return request.param


async def run(script: str, *, box_of=None, limits=LIMITS, readable=()) -> tuple[str, int]:
    """What a Python script prints in a box, and its status."""
    contents = Contents(["/usr/bin/python3", "-I", "-c", script], list(readable))
    box = await (box_of or find_sandbox()).start(contents, limits)
    async with asyncio.timeout(90):
        out, err = await box.process.communicate()
    await box.close()
    return (out + err).decode(), box.process.returncode


class WallTests:
    async def test_the_network_is_out_of_reach(self, box):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            said, _ = await run(f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)", box_of=box)
        assert "refused" in said or "unreachable" in said

    async def test_only_loopback_exists(self, box):
        said, _ = await run("import socket; print([name for _, name in socket.if_nameindex()])", box_of=box)
        assert said.strip() == "['lo']"

    @pytest.mark.parametrize("path", ["/x", "/usr/x", "/etc/x", "/dev/x", "/run/x", "/home/x", "/var/tmp/x"])
    async def test_nothing_outside_tmp_can_be_written(self, box, path):
        said, status = await run(f"open({path!r}, 'w')", box_of=box)
        assert status != 0
        assert "Error" in said

    async def test_a_readable_folder_stays_as_it_is(self, box, tmp_path):
        tmp_path.chmod(0o777)
        said, _ = await run("open('/scene/x', 'w')", readable=[(str(tmp_path), "/scene")], box_of=box)
        assert "Read-only file system" in said
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("path", ["/root", "/home", str(Path(__file__).parent), "/etc/shadow", "/etc/hostname", "/var/log"])
    async def test_the_host_s_files_are_not_there(self, box, path):
        said, _ = await run(f"import os; print(os.path.exists({path!r}))", box_of=box)
        assert said.strip() == "False"

    async def test_the_host_s_processes_and_environment_are_not_there(self, box, monkeypatch):
        monkeypatch.setenv("SECRET_KEY", "a-secret-of-the-host")
        script = (
            "import glob, os\nprint(sorted(int(p[6:]) for p in glob.glob('/proc/[0-9]*')))\n"
            "print(b''.join(open(p, 'rb').read() for p in glob.glob('/proc/[0-9]*/environ') if os.access(p, os.R_OK)), os.environ)"
        )
        said, _ = await run(script, box_of=box)
        pids, *rest = said.splitlines()
        assert len(pids.split(",")) <= 3
        assert "a-secret-of-the-host" not in " ".join(rest)

    async def test_the_program_is_nobody_in_particular(self, box):
        said, _ = await run("import os; print(os.getuid(), os.getgroups(), os.nice(0))", box_of=box)
        uid = sandbox.RENDER_UID if box.as_root else os.getuid()
        assert said.split()[0] == str(uid)
        assert said.split()[-1] == NICE_INSIDE

    async def test_no_privilege_can_be_had(self, box):
        said, _ = await run("print(open('/proc/self/status').read())", box_of=box)
        fields = dict(line.split(":\t") for line in said.splitlines() if ":\t" in line)
        assert (fields["CapEff"].strip("0"), fields["NoNewPrivs"]) == ("", "1")


class LimitTests:
    async def test_tmp_has_a_size(self, box):
        said, _ = await run("[open(f'/tmp/{n}', 'wb').write(b'x' * 2**20) for n in range(20)]", box_of=box)
        assert "No space left" in said

    async def test_a_file_has_a_size(self, box):
        said, _ = await run("open('/tmp/x', 'wb').write(b'x' * 2**25)", box_of=box)
        assert "too large" in said or "No space left" in said

    async def test_memory_has_an_end(self, box):
        said, status = await run("x = [bytearray(2**20) for _ in range(600)]; print('got it')", box_of=box)
        assert status != 0
        assert "got it" not in said

    async def test_a_fork_bomb_stays_small(self, box):
        script = (
            "import os, sys, time\n"
            "for n in range(200):\n"
            "    try:\n        if os.fork() == 0: time.sleep(60)\n"
            "    except OSError: print('stopped at', n); sys.stdout.flush(); os._exit(0)\n"
            "print('unlimited'); os._exit(1)\n"
        )
        said, _ = await run(script, box_of=box)
        assert "stopped at" in said

    async def test_a_killed_agent_takes_its_boxes_along(self):
        mark = f"pictor-orphan-{os.getpid()}"
        script = (
            "import asyncio\nfrom pictor_agent.sandbox import *\nasync def main():\n"
            f"    program = ['/usr/bin/python3', '-c', 'import time; print(1, flush=True); time.sleep(600) # {mark}-box']\n"
            "    box = await find_sandbox().start(Contents(program, []), Limits(1 << 28))\n"
            "    await box.process.stdout.readline()\n    print('up', flush=True)\n    await box.process.wait()\n"
            "asyncio.run(main())"
        )
        agent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
        assert await agent.stdout.readline() == b"up\n"
        assert processes_with(mark + "-box")
        agent.kill()
        await agent.wait()
        await until(lambda: not processes_with(mark + "-box"))
        left = list(Path(tempfile.gettempdir()).glob(f"pictor-box-{agent.pid}-*"))
        sandbox.remove_stale_folders()
        assert left
        assert not left[0].exists()

    async def test_killing_the_box_ends_everything_in_it(self):
        mark = f"pictor-test-{os.getpid()}"
        script = f"import os, time; os.fork(); os.fork(); os.setsid() if os.fork() == 0 else 0; print('up', flush=True); time.sleep(60) # {mark}"
        box = await find_sandbox().start(Contents(["/usr/bin/python3", "-I", "-c", script], []), LIMITS)
        await box.process.stdout.readline()
        assert processes_with(mark)
        box.kill()
        await box.close()
        await until(lambda: not processes_with(mark))
        assert not box.folder.exists()


def processes_with(mark: str) -> list[str]:
    """Processes whose command line names `mark`; those that end while we look are not among them."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            found += [number] if mark.encode() in Path("/proc", number, "cmdline").read_bytes() else []
    return found


class WithoutBoxTests:
    def test_it_is_refused(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(SandboxUnavailable, match="not installed"):
            find_sandbox()

    async def test_the_owner_s_flag_runs_without_and_says_so(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        found = find_sandbox(allow_unsandboxed=True)
        assert found.isolation == "none"
        said, _ = await run("import os; print(os.nice(0), 'SECRET_KEY' in os.environ)", box_of=found)
        assert said.split() == [NICE_INSIDE, "False"]


class HostileSceneTests:
    pytestmark = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.asyncio(loop_scope="session")]

    async def test_a_hostile_file_renders_and_reaches_nothing(self, runner, scenes, tmp_path):
        """Script, driver, animated seed, output path and file-output node: all without effect."""
        hostile = make_spec("hostile.blend", scene_key="9" * 64, frame=5)
        rendered = await runner.render(hostile, scenes, tmp_path / "x")
        assert rendered.result.width == 32
        assert not (scenes / "outside").exists()
        assert not list(Path("/tmp").glob("pwned*"))
        assert "pwned" not in rendered.log_tail
        assert runner.has_open(hostile.scene_key)

    async def test_even_without_a_box_nothing_is_written_elsewhere(self, runner, scenes, tmp_path):
        """The second wall by itself: the file is disarmed before it renders."""
        bare = type(runner)(runner.environments, sandbox.Sandbox(None, as_root=False))
        try:
            await bare.render(make_spec("hostile.blend", scene_key="9" * 64, frame=5), scenes, tmp_path / "x")
        finally:
            await bare.close()
        assert not (scenes / "outside").exists()
        assert not list(Path("/tmp").glob("pwned*"))

    async def test_the_compositor_itself_still_works(self, runner, scenes, tmp_path):
        """The hostile file inverts its picture, which without its file output is the plain file's otherwise."""
        from pictor_agent import pixels

        for name, key in (("plain", "a"), ("hostile", "9")):
            await runner.render(make_spec(f"{name}.blend", scene_key=key * 64), scenes, tmp_path / name)
        plain, inverted = (pixels.read_pixels(tmp_path / name, pixels_max=9_999) for name in ("plain", "hostile"))
        assert plain[0, 0, 0] != inverted[0, 0, 0]

    async def test_an_animated_seed_does_not_win(self, runner, scenes, tmp_path):
        def at(frame, seed):
            return make_spec("hostile.blend", scene_key="9" * 64, frame=frame, seed=seed)

        first, second = [(await runner.render(at(5, seed), scenes, tmp_path / "x")).result.pixels_sha256 for seed in (1, 2)]
        assert first != second
