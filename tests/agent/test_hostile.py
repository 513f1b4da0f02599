"""Scenes that reach for the node, and renderers that a scene has taken over: each contained, each with a reason of its own.

A taken-over renderer is a program that lies where Blender would; a file's own scripts never run (test_sandbox).
"""

import shutil

import pytest
import pytest_asyncio

from pictor_agent import pixels, protocol, warm
from pictor_agent.attempt_log import STREAMED_CHARACTERS_MAX, TAIL_CHARACTERS, AttemptLog
from pictor_agent.environments import Environments, RenderEnvironment
from pictor_agent.runner import RunFailed, Runner
from pictor_agent.sandbox import find_sandbox
from tests.agent.conftest import make_spec, run_in_blender, until
from tests.agent.test_sandbox import processes_with

blender = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.asyncio(loop_scope="session")]

GREEN = (0, 255, 0)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """The scenes in `scenes/`, beside them a green picture that no scene may show."""
    base = tmp_path_factory.mktemp("node")
    base.chmod(0o755)
    (base / "scenes").mkdir(mode=0o755)
    run_in_blender("make_hostile.py", base / "scenes", base / "green.png")
    shutil.copyfile(base / "green.png", base / "scenes" / "green.png")
    for path in (base / "scenes").iterdir():
        path.chmod(0o644)
    (base / "green.png").chmod(0o644)
    return base / "scenes"


class PictureTests:
    """What a scene shows is what came with it, whatever else it names."""

    pytestmark = blender

    async def colour(self, runner, hostile, tmp_path, name: str) -> tuple[int, ...]:
        await runner.render(make_spec(f"{name}.blend", scene_key="4" * 64), hostile, tmp_path / "picture")
        return tuple(pixels.read_pixels(tmp_path / "picture", pixels_max=9_999)[9, 16, :3])

    async def test_a_picture_that_came_along_is_shown(self, runner, hostile, tmp_path):
        assert await self.colour(runner, hostile, tmp_path, "inside") == GREEN

    @pytest.mark.parametrize("name", ["absolute", "upwards", "passwd"])
    async def test_a_file_of_the_node_is_not_there(self, runner, hostile, tmp_path, name):
        red, green, blue = await self.colour(runner, hostile, tmp_path, name)
        assert red > green < blue  # the pink of a missing picture


class MemoryTests:
    pytestmark = blender

    async def test_a_scene_that_wants_more_memory_than_there_is_says_so(self, runner, hostile, tmp_path):
        small = Runner(runner.environments, runner.sandbox, memory_bytes=700 << 20)
        try:
            with pytest.raises(RunFailed) as failed:
                await small.render(make_spec("greedy.blend", scene_key="3" * 64), hostile, tmp_path / "x")
        finally:
            await small.close()
        assert (failed.value.reason, failed.value.detail) == ("out_of_memory", "more than 700 MiB")


READY = """#!/usr/bin/python3
# {mark}
import json, os, sys, time
say = lambda **fields: (sys.stdout.buffer.write(json.dumps(fields).encode() + b"\\n"), sys.stdout.buffer.flush())
say(event="ready")
sys.stdin.readline()
say(event="opened")
sys.stdin.readline()
"""


@pytest_asyncio.fixture(loop_scope="session")
async def takeover(tmp_path, scenes):
    """Render with a renderer that does what the test says; gives the runner's failure, or its result."""
    folder = tmp_path / "taken over"
    folder.mkdir(mode=0o755)
    program = folder / "blender"
    environment = RenderEnvironment("5.0.1", str(program), (str(folder),), is_python=False)
    runner = Runner(Environments({"5.0.1": environment}), find_sandbox(), memory_bytes=256 << 20)

    async def render(script: str, *, log: AttemptLog | None = None, **fields) -> RunFailed:
        program.write_text(READY.replace("{mark}", str(folder)) + script)
        program.chmod(0o755)
        with pytest.raises(RunFailed) as failed:
            await runner.render(make_spec(**fields), scenes, tmp_path / "picture", log=log)
        await until(lambda: not processes_with(str(folder)))
        assert not runner.pool.entries
        return failed.value

    tmp_path.chmod(0o755)
    yield render
    await runner.close()


class TakenOverTests:
    pytestmark = blender

    async def test_nonsense_instead_of_an_answer(self, takeover):
        failure = await takeover('print(\'{"event": "rendered", "seconds": -1e99}\', flush=True); time.sleep(999)')
        assert failure.reason == "renderer_crashed"

    async def test_an_answer_without_end(self, takeover):
        failure = await takeover("while True: sys.stdout.write('{\"event\"' + 'x' * 65536)")
        assert failure.reason == "renderer_crashed"

    async def test_a_picture_larger_than_the_box(self, takeover):
        failure = await takeover("say(event='rendered', size_bytes=1 << 50); time.sleep(999)")
        assert failure.reason == "output_invalid"

    async def test_a_picture_that_is_none(self, takeover):
        failure = await takeover("say(event='rendered', size_bytes=4); print('Fun!', flush=True); time.sleep(999)")
        assert failure.reason == "output_invalid"

    async def test_a_picture_that_would_fill_the_agent_s_memory(self, takeover):
        """A few bytes whose header promises ten billion pixels."""
        script = (
            "import struct, zlib\n"
            "part = lambda kind, body: struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))\n"
            "png = b'\\x89PNG\\r\\n\\x1a\\n' + part(b'IHDR', struct.pack('>IIBBBBB', 100000, 100000, 8, 6, 0, 0, 0)) + part(b'IEND', b'')\n"
            "say(event='rendered', size_bytes=len(png)); sys.stdout.buffer.write(png); sys.stdout.flush(); time.sleep(999)"
        )
        assert (await takeover(script)).reason == "output_invalid"

    async def test_one_that_ends(self, takeover):
        failure = await takeover("sys.exit(7)")
        assert (failure.reason, failure.detail) == ("renderer_crashed", "Blender ended with status 7")

    async def test_one_that_falls_silent_and_stays(self, takeover):
        failure = await takeover("os.close(1); time.sleep(999)", seconds_max=2.0)
        assert failure.reason == "time_limit"

    async def test_one_that_never_ends_is_the_scene_s_fault(self, takeover):
        failure = await takeover("time.sleep(999)", seconds_max=1.0)
        assert (failure.reason, failure.detail) == ("time_limit", "the frame took more than 1 s")

    async def test_one_that_does_not_even_start_is_not(self, takeover, monkeypatch):
        monkeypatch.setattr(warm, "START_SECONDS", 0.1)
        assert (await takeover("", main_path="plain.blend", scene_key="5" * 64)).reason in {"agent_error", "renderer_crashed"}

    async def test_one_that_takes_all_the_memory(self, takeover):
        failure = await takeover("held = []\nwhile True: held.append(bytearray(os.urandom(1 << 20)))")
        assert failure.reason == "out_of_memory"

    async def test_one_that_fills_its_disk_takes_memory_too(self, takeover):
        """/tmp is memory: its own limit ends the write, or the box's."""
        failure = await takeover("file = open('/tmp/fill', 'wb')\nwhile True: file.write(bytes(1 << 20)); file.flush()")
        assert failure.reason in {"renderer_crashed", "out_of_memory"}

    async def test_one_that_multiplies_leaves_nobody_behind(self, takeover):
        script = "import signal\nfor n in range(9):\n    if os.fork() == 0: os.setsid(); signal.signal(15, signal.SIG_IGN); time.sleep(999)\nsys.exit(3)"
        assert (await takeover(script)).reason in {"renderer_crashed", "time_limit"}

    async def test_one_that_floods_the_log(self, takeover):
        """However much is printed: the agent holds a tail, streams so much and no more, and still sees the time run out."""
        log = AttemptLog()
        script = "while True: os.write(2, b'\\x1b[31mnoise\\x07 \\xff\\n' * 4096)"
        failure = await takeover(script, log=log, seconds_max=2.0)
        assert failure.reason == "time_limit"
        assert len(failure.log_tail) <= TAIL_CHARACTERS
        assert not set("\x1b\x07") & set(failure.log_tail)


class LogTests:
    """What is streamed of a log."""

    def test_new_text_is_told_once_with_its_place(self):
        log = AttemptLog()
        log.add(b"one\n")
        assert (log.fresh(), log.fresh()) == ((0, "one\n"), None)
        log.add(b"two\n")
        assert log.fresh() == (4, "two\n")

    def test_of_more_than_a_message_holds_the_newest_is_told(self):
        log = AttemptLog()
        log.add(b"x" * 9_000 + b"end")
        offset, text = log.fresh()
        assert (offset, len(text), text[-3:]) == (9_003 - protocol.LOG_LINES_MAX, protocol.LOG_LINES_MAX, "end")

    def test_an_attempt_has_so_much_and_no_more(self):
        log, told = AttemptLog(), 0
        while log.written < 3 * STREAMED_CHARACTERS_MAX:
            log.add(b"y" * 4_000)
            told += len(log.fresh()[1]) if log.streamed < STREAMED_CHARACTERS_MAX else 0
        assert told == STREAMED_CHARACTERS_MAX
        assert log.fresh() is None
        assert len(log.tail) == TAIL_CHARACTERS

    def test_a_character_that_is_cut_in_two_is_one(self):
        log = AttemptLog()
        log.add("Grö".encode()[:3])
        log.add("Grö".encode()[3:])
        assert log.tail == "Grö"
