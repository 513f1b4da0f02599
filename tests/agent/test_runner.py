"""Frames come out of a warm Blender as they come out of a fresh one, and a bad scene ends with its reason."""

import asyncio
import json
import subprocess

import psutil
import pytest
import pytest_asyncio

from pictor_agent import pixels, pool, protocol
from pictor_agent.attempt_log import AttemptLog
from pictor_agent.pool import Rules
from pictor_agent.runner import RunFailed, check_main, safe_parts
from tests.agent.conftest import agent_command, make_spec, run_in_blender, until

blender = [pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.asyncio(loop_scope="session")]


def fresh_pixels(scenes, tmp_path, spec: protocol.RenderSpec) -> str:
    target = tmp_path / f"fresh-{spec.frame}-{spec.seed}.png"
    main = scenes / spec.main_path
    run_in_blender("fresh_render.py", main, spec.frame, spec.seed, spec.width, spec.height, spec.samples, target)
    return pixels.pixels_sha256(pixels.read_pixels(target, pixels_max=10_000))


class RenderTests:
    pytestmark = blender

    async def test_a_warm_process_gives_the_pixels_of_a_fresh_blender(self, runner, scenes, tmp_path):
        """The order of frames, and another size and seed in between, leave no trace."""
        wanted = make_spec(frame=4, seed=11, samples=2)
        for between in (make_spec(frame=9, seed=3), make_spec(frame=2, width=16, height=9, samples=4, denoise=True)):
            await runner.render(between, scenes, tmp_path / "between")
        rendered = await runner.render(wanted, scenes, tmp_path / "warm")
        assert rendered.result.pixels_sha256 == fresh_pixels(scenes, tmp_path, wanted)

    async def test_the_seed_is_the_mandated_one(self, runner, scenes, tmp_path):
        first, second, again = [
            (await runner.render(make_spec(seed=seed), scenes, tmp_path / "x")).result.pixels_sha256 for seed in (1, 2, 1)
        ]
        assert first == again
        assert first != second

    async def test_a_named_camera_is_used_for_one_frame_only(self, runner, scenes, tmp_path):
        own = await runner.render(make_spec(), scenes, tmp_path / "own")
        other = await runner.render(make_spec(camera="Second"), scenes, tmp_path / "other")
        again = await runner.render(make_spec(), scenes, tmp_path / "again")
        assert other.result.pixels_sha256 != own.result.pixels_sha256 == again.result.pixels_sha256

    @pytest.mark.parametrize(("name", "magic"), [("PNG", b"\x89PNG"), ("JPEG", b"\xff\xd8"), ("OPEN_EXR", b"v/1\x01")])
    async def test_the_format_is_the_ordered_one(self, runner, scenes, tmp_path, name, magic):
        rendered = await runner.render(make_spec(format=name), scenes, tmp_path / "picture")
        assert rendered.path.read_bytes().startswith(magic)
        assert (rendered.result.width, rendered.result.height) == (32, 18)

    async def test_no_path_and_no_host_name_is_written_into_the_picture(self, runner, scenes, tmp_path):
        rendered = await runner.render(make_spec(), scenes, tmp_path / "picture")
        assert not [word for word in (b"/scene", b"plain.blend", b"Hostname", b"Date") if word in rendered.path.read_bytes()]

    async def test_progress_is_told(self, runner, scenes, tmp_path):
        """Of a frame that takes its time, until it is stopped; how many samples a machine shows is its own affair."""
        told, long = [], make_spec(scene_key="6" * 64, **LONG)
        work = asyncio.create_task(runner.render(long, scenes, tmp_path / "p", lambda *progress: told.append(progress)))
        await until(lambda: told)
        assert told == sorted(told, key=lambda progress: progress[0])
        assert all(0 <= fraction <= 1 and note for fraction, note in told)
        await gone_after_cancel(runner, work, long)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("Remaining: 00:02.45 | Mem: 6M | Sample 12/64", (12 / 64, "sample 12 of 64, 00:02 left, 6M")),
            ("Remaining: 01:12:02.45 | Mem: 1.5G | Sample 1/4", (0.25, "sample 1 of 4, 01:12:02 left, 1.5G")),
            ("Fra:1 Mem:9M (Peak 10M) | Time:00:01 | Sample 64/64", (1.0, "sample 64 of 64, 9M")),
            ("Rendering 3 / 8 samples", (0.375, "sample 3 of 8")),
            ("Mem: 1M | Updating Scene BVH | Building", (0.0, "updating scene bvh")),
            ("Mem: 6M | Finished", None),
        ],
    )
    async def test_blender_s_own_words_are_understood(self, line, said):
        from pictor_agent.engines.blender_host.pipe import Progress

        heard = []

        class Pipe:
            def say(self, event, **fields):
                heard.append((fields["fraction"], fields["note"]))

        progress = Progress(Pipe())
        progress.due_at = 0.0
        progress(line)
        assert heard == ([said] if said else [])

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"main_path": "no_camera.blend", "scene_key": "b" * 64}, "no_camera"),
            ({"main_path": "garbage.blend", "scene_key": "c" * 64}, "scene_unreadable"),
            ({"main_path": "missing.blend", "scene_key": "d" * 64}, "asset_missing"),
            ({"camera": "Nobody"}, "no_camera"),
            ({"blender_version": "4.2.23"}, "blender_unavailable"),
        ],
    )
    async def test_what_cannot_be_rendered_has_a_reason(self, runner, scenes, tmp_path, fields, reason):
        with pytest.raises(RunFailed) as failed:
            await runner.render(make_spec(**fields), scenes, tmp_path / "x")
        assert failed.value.reason == reason

    async def test_a_frame_over_its_time_is_stopped(self, runner, scenes, tmp_path):
        long = make_spec(scene_key="e" * 64, samples=1_000_000, width=640, height=360, seconds_max=3.0)
        with pytest.raises(RunFailed) as failed:
            await runner.render(long, scenes, tmp_path / "x")
        assert failed.value.reason == "time_limit"

    async def test_a_cancelled_frame_leaves_no_process_behind(self, runner, scenes, tmp_path):
        told = []
        long = make_spec(scene_key="f" * 64, **LONG)
        work = asyncio.create_task(runner.render(long, scenes, tmp_path / "x", lambda *progress: told.append(progress)))
        await until(lambda: told)
        await gone_after_cancel(runner, work, long)

    async def test_a_scene_that_is_still_being_opened_can_be_cancelled_too(self, runner, scenes, tmp_path):
        spec = make_spec(scene_key="8" * 64)
        work = asyncio.create_task(runner.render(spec, scenes, tmp_path / "x"))
        await until(lambda: runner.has_open(spec.scene_key))
        await gone_after_cancel(runner, work, spec)

    async def test_a_box_may_not_use_more_memory_than_its_limit(self, runner, scenes, tmp_path):
        small = type(runner)(runner.environments, runner.sandbox, memory_bytes=60 << 20)
        try:
            with pytest.raises(RunFailed) as failed:
                await small.render(make_spec(), scenes, tmp_path / "x")
        finally:
            await small.close()
        assert failed.value.reason == "out_of_memory"

    async def test_a_killed_renderer_is_taken_for_want_of_memory(self, runner, scenes, tmp_path):
        """Nobody but a kernel without memory kills it unasked; the dispatcher then looks for a larger node."""
        told = []
        long = make_spec(scene_key="7" * 64, **LONG)
        work = asyncio.create_task(runner.render(long, scenes, tmp_path / "x", lambda *progress: told.append(progress)))
        await until(lambda: told)
        box = next(entry.blender.box for entry in runner.pool.entries if entry.key[1] == long.scene_key)
        psutil.Process(box.process.pid).children(recursive=True)[-1].kill()
        with pytest.raises(RunFailed) as failed:
            await work
        assert failed.value.reason == "out_of_memory"

    async def test_the_log_is_that_of_the_attempt_alone(self, runner, scenes, tmp_path):
        first, second = AttemptLog(), AttemptLog()
        for log in (first, second):
            await runner.render(make_spec(), scenes, tmp_path / "x", log=log)
        assert "Saved" in first.tail
        assert "Saved" in second.tail
        assert len(second.tail.split("Saved")) == 2
        assert "\x1b" not in first.tail


LONG = {"samples": 1_000_000, "width": 640, "height": 360}


async def gone_after_cancel(runner, work: asyncio.Task, spec: protocol.RenderSpec) -> None:
    """Cancel a frame; when the call has ended, so has all that ran in its box, and nobody sees the scene any more."""
    box = next(entry.blender.box for entry in runner.pool.entries if entry.key[1] == spec.scene_key)
    inside = psutil.Process(box.process.pid).children(recursive=True)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not box.is_alive
    assert not box.folder.exists()
    assert not runner.has_open(spec.scene_key)
    await until(lambda: not [process for process in inside if process.is_running() and process.status() != "zombie"])


class WarmTests:
    """Which process renders: the same one while its limits allow, a new one after."""

    pytestmark = blender

    @pytest_asyncio.fixture(loop_scope="session")
    async def own(self, runner):
        """A runner with its own pool, so that limits can be set."""
        made = type(runner)(runner.environments, runner.sandbox)
        yield made
        await made.close()

    async def pids(self, own, scenes, tmp_path, *keys: str) -> list[int]:
        """The process that rendered a frame of each of these scenes, in order."""
        seen = []
        for key in keys:
            shot = await own.shoot(make_spec(scene_key=key * 64), scenes, tmp_path / "x")
            seen.append(shot.entry.blender.box.process.pid)
        return list(dict.fromkeys(seen))

    async def test_frames_of_a_scene_share_a_process(self, own, scenes, tmp_path):
        assert len(await self.pids(own, scenes, tmp_path, "1", "1", "1")) == 1

    async def test_two_scenes_that_take_turns_both_stay_open(self, own, scenes, tmp_path):
        assert len(await self.pids(own, scenes, tmp_path, "1", "2", "1", "2")) == 2

    async def test_a_third_scene_closes_the_one_used_longest_ago(self, own, scenes, tmp_path):
        await self.pids(own, scenes, tmp_path, "1", "2", "3")
        assert (own.has_open("1" * 64), own.has_open("2" * 64), own.has_open("3" * 64)) == (False, True, True)

    async def test_a_process_is_renewed_after_its_frames(self, own, scenes, tmp_path):
        own.pool.rules = Rules(frames=2)
        assert len(await self.pids(own, scenes, tmp_path, "1", "1", "1")) == 2

    async def test_a_process_is_renewed_at_its_age(self, own, scenes, tmp_path):
        own.pool.rules = Rules(age_seconds=0.0)
        assert len(await self.pids(own, scenes, tmp_path, "1", "1")) == 2

    async def test_a_process_that_holds_too_much_is_renewed(self, own, scenes, tmp_path, monkeypatch):
        monkeypatch.setattr(pool, "HELD_SHARE", 0.0)
        assert len(await self.pids(own, scenes, tmp_path, "1", "1")) == 2

    async def test_idle_scenes_give_way_when_memory_is_short(self, own, scenes, tmp_path):
        await self.pids(own, scenes, tmp_path, "1")
        own.pool.is_short = lambda: True
        await self.pids(own, scenes, tmp_path, "2")
        assert (own.has_open("1" * 64), own.has_open("2" * 64)) == (False, True)

    async def test_two_slots_do_not_share_a_process(self, own, scenes, tmp_path):
        both = [own.render(make_spec(scene_key="1" * 64, frame=frame), scenes, tmp_path / str(frame)) for frame in (1, 2)]
        await asyncio.gather(*both)
        assert len(own.pool.entries) == 2


class InspectTests:
    """The command that the server calls."""

    pytestmark = blender[:2]

    def inspect(self, *arguments, env=None) -> dict:
        done = subprocess.run(agent_command("inspect", *arguments), capture_output=True, timeout=120, env=env)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def test_a_plain_file_is_described(self, scenes):
        found = self.inspect("--main", "plain.blend", scenes)
        expected = {
            "engine": "cycles", "blender_version_saved": "5.0", "frame_start": 1, "frame_end": 10, "frame_step": 1,
            "fps": 24.0, "width": 32, "height": 18, "percentage": 100, "samples": 1, "denoise": False, "format": "PNG",
            "cameras": ["Camera", "Second"], "camera": "Camera", "missing_files": [], "scripts_blocked": False,
            "drivers_blocked": 0, "script_names": [],
        }  # fmt: skip
        assert {name: found[name] for name in expected} == expected
        assert found["memory_bytes_estimate"] > 0
        assert found["thumbnail"].startswith("UklGR")  # RIFF, as base64: a WebP

    def test_a_hostile_file_is_described_and_has_not_run(self, scenes):
        found = self.inspect("--main", "hostile.blend", scenes)
        assert found["scripts_blocked"]
        assert (found["script_names"], found["drivers_blocked"]) == (["evil.py"], 1)
        assert found["missing_files"] == ["textures/wood.png"]
        assert found["outside_files"] == ["/etc/hostname"]
        assert found["file_output_nodes"] == 1
        assert not (scenes / "outside").exists()

    @pytest.mark.parametrize(
        ("main", "error"),
        [("garbage.blend", "scene_unreadable"), ("../plain.blend", "scene_unreadable"), ("none.blend", "asset_missing")],
    )
    def test_what_cannot_be_read_is_said(self, scenes, main, error):
        assert self.inspect("--main", main, scenes)["error"] == error

    def test_a_folder_that_only_root_may_read_is_no_obstacle(self, scenes, tmp_path):
        folder = tmp_path / "private"
        folder.mkdir(mode=0o700)
        (folder / "s.blend").write_bytes((scenes / "plain.blend").read_bytes())
        (folder / "s.blend").chmod(0o600)
        assert self.inspect("--main", "s.blend", folder)["engine"] == "cycles"

    def test_without_bubblewrap_it_refuses(self, scenes, tmp_path):
        import os

        env = {**os.environ, "PATH": str(tmp_path)}
        assert self.inspect("--main", "plain.blend", scenes, env=env)["error"] == "sandbox_unavailable"


class PathTests:
    @pytest.mark.parametrize("path", ["", "/a", "a/../b", "..", "a//b", "a\\b", "a\0b", "a/./b", "a\nb", "x" * 300])
    def test_a_path_that_could_leave_its_folder_is_refused(self, path):
        with pytest.raises(RunFailed):
            safe_parts(path)

    def test_plain_paths_are_taken(self):
        assert safe_parts("textures/Holz größer.png") == ["textures", "Holz größer.png"]

    def test_a_symbolic_link_is_not_followed(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "real" / "s.blend").touch()
        (tmp_path / "link").symlink_to("real")
        with pytest.raises(RunFailed):
            check_main(tmp_path, "link/s.blend")
