"""Files arrive whole or not at all: cut, forged, expired and unfitting ones; uploads go on where they were cut."""

import asyncio
import hashlib
import os
import socket

import pytest

from pictor_agent import files, transfers
from pictor_agent.bandwidth import Bandwidth
from pictor_agent.files import FileStore, check_paths
from pictor_agent.kept_line import KeptLine
from pictor_agent.protocol import FileRef
from pictor_agent.runner import RunFailed
from pictor_agent.transfers import UploadFailed, UrlExpired, upload
from tests.agent.conftest import make_spec, until
from tests.agent.file_server import FileServer


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(transfers, "BACKOFF_SECONDS_MIN", 0.001)
    monkeypatch.setattr(transfers, "BACKOFF_SECONDS_MAX", 0.002)
    monkeypatch.setattr(files, "RESERVE_BYTES", 0)


@pytest.fixture
def server():
    with FileServer() as made:
        yield made


@pytest.fixture
async def client():
    async with transfers.make_client() as made:
        yield made


@pytest.fixture
def store(tmp_path, client):
    return FileStore(tmp_path / "cache", 1 << 20, client)


def offer(server, content: bytes, path="s.blend", url="/f") -> FileRef:
    server.files[url] = content
    return FileRef(path=path, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), url=server.url + url)


async def no_renewal(_sha256):
    pytest.fail("no fresh URL was needed")


def scene_of(*refs, key="1"):
    return make_spec(files=list(refs), scene_key=key * 64)


class DownloadTests:
    async def test_a_scene_is_laid_out_and_fetched_once(self, server, store):
        spec = scene_of(offer(server, b"main"), offer(server, b"wood", "textures/wood.png", "/w"))
        folder = await store.scene(spec, no_renewal)
        await store.scene(spec, no_renewal)
        assert (folder / "textures" / "wood.png").read_bytes() == b"wood"
        assert sorted(path for _, path, _ in server.seen) == ["/f", "/w"]

    async def test_a_file_that_two_scenes_share_is_fetched_once(self, server, store):
        shared = offer(server, b"shared")
        await store.scene(scene_of(shared, key="1"), no_renewal)
        await store.scene(scene_of(shared, key="2"), no_renewal)
        assert len(server.seen) == 1

    async def test_a_cut_download_goes_on_from_there(self, server, store):
        content = os.urandom(100_000)
        server.cuts.extend([30_000])
        folder = await store.scene(scene_of(offer(server, content)), no_renewal)
        assert (folder / "s.blend").read_bytes() == content
        assert [detail for _, _, detail in server.seen] == ["", "bytes=30000-"]

    async def test_a_forged_file_is_never_used(self, server, store, monkeypatch):
        monkeypatch.setattr(transfers, "TRIES", 2)
        ref = offer(server, b"good")
        server.files["/f"] = b"evil"
        with pytest.raises(RunFailed) as failed:
            await store.scene(scene_of(ref), no_renewal)
        assert failed.value.reason == "asset_missing"
        assert not list((store.folder / "files").rglob("*/*"))

    async def test_more_bytes_than_promised_are_not_taken(self, server, store, monkeypatch):
        monkeypatch.setattr(transfers, "TRIES", 2)
        ref = offer(server, b"four")
        server.files["/f"] = b"x" * 100_000
        with pytest.raises(RunFailed):
            await store.scene(scene_of(ref), no_renewal)

    async def test_an_expired_url_is_renewed(self, server, store):
        ref = offer(server, b"main")
        server.files["/new"] = server.files.pop("/f")

        async def renew(sha256):
            assert sha256 == ref.sha256
            return server.url + "/new"

        folder = await store.scene(scene_of(ref), renew)
        assert (folder / "s.blend").read_bytes() == b"main"

    async def test_a_passing_fault_of_the_server_is_ridden_out(self, server, store):
        server.statuses.extend([500, 503])
        folder = await store.scene(scene_of(offer(server, b"main")), no_renewal)
        assert (folder / "s.blend").exists()

    async def test_an_empty_file_is_a_file(self, server, store):
        folder = await store.scene(scene_of(offer(server, b"")), no_renewal)
        assert (folder / "s.blend").read_bytes() == b""

    @pytest.mark.parametrize("paths", [["../x"], ["/x"], ["a", "a/b"], ["a", "a"], ["a/b", "a"]])
    def test_paths_that_leave_or_collide_are_refused(self, paths):
        refs = [FileRef(path=path, sha256="0" * 64, size_bytes=1, url="http://x") for path in paths]
        with pytest.raises(RunFailed):
            check_paths(refs)


class CacheTests:
    async def fill(self, server, store, name: str, size: int, age: int):
        ref = offer(server, name.encode() * size, url="/" + name)
        folder = await store.scene(scene_of(ref, key=name), no_renewal)
        os.utime(folder, (1_000 - age, 1_000 - age))
        return folder

    async def test_the_scene_used_longest_ago_makes_room(self, server, store):
        old, new = await self.fill(server, store, "a", 400_000, 9), await self.fill(server, store, "b", 400_000, 1)
        await self.fill(server, store, "c", 400_000, 0)
        assert (old.exists(), new.exists()) == (False, True)

    async def test_a_held_scene_stays(self, server, store):
        old = await self.fill(server, store, "a", 400_000, 9)
        store.hold("a" * 64)
        new = await self.fill(server, store, "b", 400_000, 1)
        await self.fill(server, store, "c", 400_000, 0)
        assert (old.exists(), new.exists()) == (True, False)

    async def test_a_scene_that_a_warm_process_sees_stays(self, server, store):
        store.is_open = lambda scene_key: scene_key == "a" * 64
        old = await self.fill(server, store, "a", 400_000, 9)
        await self.fill(server, store, "b", 400_000, 1)
        await self.fill(server, store, "c", 400_000, 0)
        assert old.exists()

    async def test_what_can_never_fit_is_refused_with_words(self, server, store):
        with pytest.raises(RunFailed, match="no room") as failed:
            await self.fill(server, store, "a", 2 << 20, 0)
        assert failed.value.reason == "disk_full"

    async def test_what_the_next_task_needs_stays(self, server, store):
        """Held from its arrival, although another scene was used since."""
        await self.fill(server, store, "a", 400_000, 9)
        store.hold("a" * 64)
        store.hold("a" * 64)
        store.release("a" * 64)
        await self.fill(server, store, "b", 400_000, 1)
        await self.fill(server, store, "c", 400_000, 0)
        assert (store.folder / "scenes" / ("a" * 64)).exists()

    async def test_it_survives_a_restart(self, server, store, client):
        await self.fill(server, store, "a", 1_000, 0)
        again = FileStore(store.folder, 1 << 20, client)
        await self.fill(server, again, "a", 1_000, 0)
        assert len(server.seen) == 1

    async def test_the_order_of_use_survives_a_restart(self, server, store, client):
        old, new = await self.fill(server, store, "a", 400_000, 1), await self.fill(server, store, "b", 400_000, 9)
        again = FileStore(store.folder, 1 << 20, client)
        await self.fill(server, again, "c", 400_000, 0)
        assert (old.exists(), new.exists()) == (True, False)

    async def test_halves_of_a_killed_program_are_cleared_away(self, server, store, client):
        (store.folder / "scenes" / ("a" * 64 + files.SPARE + "0")).mkdir()
        (store.folder / "partial" / ("b" * 64)).write_bytes(b"half")
        again = FileStore(store.folder, 1 << 20, client)
        await self.fill(server, again, "c", 9, 0)
        assert [path.name for path in (store.folder / "scenes").iterdir()] == ["c" * 64]
        assert not list((store.folder / "partial").iterdir())


class DamageTests:
    """A file that changed on the disk is found by its hash and fetched again; nothing else is."""

    async def damaged(self, server, store, spec, damage) -> None:
        path = await store.scene(spec, no_renewal) / "s.blend"
        path.chmod(0o644)
        damage(path)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda path: path.write_bytes(b"MAIN"),
            lambda path: path.write_bytes(b"ma"),
            lambda path: path.write_bytes(b""),
            lambda path: path.unlink(),
        ],
        ids=["changed", "cut", "emptied", "lost"],
    )
    @pytest.mark.parametrize("restarted", [False, True])
    async def test_it_is_fetched_again(self, server, store, client, damage, restarted):
        spec = scene_of(offer(server, b"main"), offer(server, b"wood", "wood.png", "/w"))
        await self.damaged(server, store, spec, damage)
        again = FileStore(store.folder, 1 << 20, client) if restarted else store
        folder = await again.scene(spec, no_renewal)
        assert (folder / "s.blend").read_bytes() == b"main"
        assert len([path for _, path, _ in server.seen if path == "/w"]) == 1

    async def test_the_same_bytes_at_another_time_are_believed_by_their_hash(self, server, store):
        spec = scene_of(offer(server, b"main"))
        await self.damaged(server, store, spec, lambda path: os.utime(path, (1, 1)))
        await store.scene(spec, no_renewal)
        assert len(server.seen) == 1

    async def test_a_scene_that_shares_the_file_gets_the_new_one(self, server, store):
        shared = offer(server, b"main")
        first, second = scene_of(shared, key="1"), scene_of(shared, key="2")
        await store.scene(second, no_renewal)
        await self.damaged(server, store, first, lambda path: path.write_bytes(b"MAIN"))
        for spec in (first, second):
            assert (await store.scene(spec, no_renewal) / "s.blend").read_bytes() == b"main"
        assert len(server.seen) == 2

    async def test_a_scene_that_a_warm_process_sees_is_left_alone(self, server, store):
        spec = scene_of(offer(server, b"main"))
        await self.damaged(server, store, spec, lambda path: path.write_bytes(b"MAIN"))
        store.is_open = lambda scene_key: True
        assert (await store.scene(spec, no_renewal)).exists()


class FullDiskTests:
    """/dev/full takes no byte: a disk that is full in earnest."""

    def fill_up(self, store, ref) -> os.PathLike:
        partial = store.folder / "partial" / ref.sha256
        partial.symlink_to("/dev/full")
        return partial

    async def test_without_anything_to_drop_it_is_the_node_s_fault(self, server, store):
        ref = offer(server, b"main")
        self.fill_up(store, ref)
        with pytest.raises(RunFailed) as failed:
            await store.scene(scene_of(ref), no_renewal)
        assert failed.value.reason == "disk_full"

    async def test_what_nobody_needs_is_dropped_and_the_fetch_goes_on(self, server, store):
        """The disk has room again as soon as the old scene is asked for its place."""
        old = await store.scene(scene_of(offer(server, b"old", url="/old"), key="a"), no_renewal)
        ref = offer(server, b"main")
        full = self.fill_up(store, ref)

        def is_open(scene_key: str) -> bool:
            if scene_key == "a" * 64:
                full.unlink(missing_ok=True)
            return False

        store.is_open = is_open
        folder = await store.scene(scene_of(ref), no_renewal)
        assert (folder / "s.blend").read_bytes() == b"main"
        assert not old.exists()

    async def test_what_somebody_needs_is_not(self, server, store):
        old = await store.scene(scene_of(offer(server, b"old", url="/old"), key="a"), no_renewal)
        store.hold("a" * 64)
        ref = offer(server, b"main")
        self.fill_up(store, ref)
        with pytest.raises(RunFailed, match="disk_full"):
            await store.scene(scene_of(ref), no_renewal)
        assert old.exists()


class UploadTests:
    async def test_a_cut_upload_goes_on_from_there(self, server, client, tmp_path, monkeypatch):
        monkeypatch.setattr(transfers, "CHUNK_BYTES", 40_000)
        content = os.urandom(100_000)
        (tmp_path / "frame").write_bytes(content)
        server.cuts.extend([25_000])
        await upload(client, tmp_path / "frame", server.url + "/u", KeptLine(), Bandwidth())
        assert bytes(server.uploads["/u"]) == content
        assert [detail for method, _, detail in server.seen if method == "PATCH"] == ["0", "25000", "65000"]

    async def test_a_line_is_kept_for_the_next_file(self, server, client, tmp_path):
        (tmp_path / "frame").write_bytes(b"frame")
        line, ports = KeptLine(), set()
        for name in ("/1", "/2"):
            await upload(client, tmp_path / "frame", server.url + name, line, Bandwidth())
            [[kept]] = line.idle.values()
            ports.add(kept.writer.get_extra_info("sockname"))
        assert len(ports) == 1
        assert set(server.uploads) == {"/1", "/2"}

    async def test_a_line_that_was_dropped_meanwhile_is_replaced(self, server, client, tmp_path):
        (tmp_path / "frame").write_bytes(b"frame")
        line = KeptLine()
        await upload(client, tmp_path / "frame", server.url + "/1", line, Bandwidth())
        [[kept]] = line.idle.values()
        kept.writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        await until(lambda: kept.is_dropped)
        await upload(client, tmp_path / "frame", server.url + "/2", line, Bandwidth())
        assert [(method, path) for method, path, _ in server.seen] == [("PATCH", "/1"), ("PATCH", "/2")]

    async def test_a_cancelled_upload_hangs_up_at_once(self, server, client, tmp_path):
        (tmp_path / "frame").write_bytes(b"frame")
        server.held_up.add("/u")
        line = KeptLine()
        work = asyncio.create_task(upload(client, tmp_path / "frame", server.url + "/u", line, Bandwidth()))
        await until(lambda: server.seen)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert not line.idle

    async def test_behind_a_proxy_the_library_sends(self, server, client, tmp_path):
        (tmp_path / "frame").write_bytes(b"frame")
        line = KeptLine()
        line.is_usable = False
        await upload(client, tmp_path / "frame", server.url + "/u", line, Bandwidth())
        assert bytes(server.uploads["/u"]) == b"frame"
        assert not line.idle

    async def test_a_whole_file_is_not_sent_again(self, server, client, tmp_path):
        (tmp_path / "frame").write_bytes(b"frame")
        server.uploads["/u"] = bytearray(b"frame")
        await upload(client, tmp_path / "frame", server.url + "/u", KeptLine(), Bandwidth())
        assert [method for method, *_ in server.seen] == ["PATCH"]

    async def test_a_small_file_takes_one_request(self, server, client, tmp_path):
        (tmp_path / "frame").write_bytes(b"frame")
        await upload(client, tmp_path / "frame", server.url + "/u", KeptLine(), Bandwidth())
        assert [(method, detail) for method, _, detail in server.seen] == [("PATCH", "0")]
        assert bytes(server.uploads["/u"]) == b"frame"

    async def test_what_an_earlier_run_has_sent_is_not_sent_again(self, server, client, tmp_path, monkeypatch):
        monkeypatch.setattr(transfers, "CHUNK_BYTES", 40_000)
        content = os.urandom(100_000)
        (tmp_path / "frame").write_bytes(content)
        server.uploads["/u"] = bytearray(content[:30_000])
        await upload(client, tmp_path / "frame", server.url + "/u", KeptLine(), Bandwidth())
        assert bytes(server.uploads["/u"]) == content
        assert [detail for _, _, detail in server.seen] == ["0", "30000", "70000"]

    async def test_an_expired_grant_is_told_apart_from_a_fault(self, server, client, tmp_path):
        (tmp_path / "frame").write_bytes(b"frame")
        server.statuses.extend([500, 403])
        with pytest.raises(UrlExpired):
            await upload(client, tmp_path / "frame", server.url + "/u", KeptLine(), Bandwidth())

    async def test_a_server_that_never_takes_it_ends_the_tries(self, server, client, tmp_path, monkeypatch):
        monkeypatch.setattr(transfers, "TRIES", 3)
        (tmp_path / "frame").write_bytes(b"frame")
        server.statuses.extend([500] * 10)
        with pytest.raises(UploadFailed):
            await upload(client, tmp_path / "frame", server.url + "/u", KeptLine(), Bandwidth())
