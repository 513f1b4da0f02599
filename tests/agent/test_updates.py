"""The agent becomes a newer one, or stays what it is: what it believes, what it keeps, and that every stop leaves one that runs."""

import asyncio
import errno
import hashlib
import io
import os
import signal
import sys
import tarfile
import threading
import zipfile
from pathlib import Path
from unittest import mock

import msgspec
import pytest

from pictor_agent import abilities, main, protocol, running
from pictor_agent.config import BadConfig, Config, State, read_config
from pictor_agent.connection import ProtocolBroken, SignOnRefused
from pictor_agent.terminal import Terminal
from pictor_agent.updating import handover, installation, making, obtaining, trial, updates
from pictor_agent.updating.halting import Programs, in_own_thread
from pictor_agent.updating.manifest import ANSWER_BYTES_MAX, Envelope, Manifest, NotUpdated, opened, public_key, sealed
from pictor_agent.updating.releases import RETRY_SECONDS, Release, Releases
from pictor_agent.updating.updates import Updates
from tests.agent.conftest import until
from tests.agent.file_server import FileServer
from tests.agent.gateway import Gateway
from tests.agent.test_sandbox import processes_with
from workers import release_words

SEED, OTHER_SEED = bytes(range(32)), bytes(range(1, 33))
KEY = public_key(SEED)
CONTENT = b"a wheel, for all that is looked at here " * 1_000
BASE = "the installation by hand"


def manifest(number: int = 2, content: bytes = CONTENT, **changes) -> Manifest:
    row = {
        "number": number, "version": "0.2.0", "wheel": "pictor_agent-0.2.0-py3-none-any.whl",
        "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content), "python": (3, 11), "created_at": 1_700_000_000,
    }  # fmt: skip
    return Manifest(**row | changes)


class Shop(FileServer):
    """Offers one release."""

    @property
    def release_url(self) -> str:
        return f"{self.url}/agent/release.json"

    def offer(self, said: Manifest, content: bytes = CONTENT, *, seed: bytes = SEED) -> Manifest:
        self.files["/agent/release.json"] = sealed(said, seed)
        self.files[f"/agent/{said.wheel}?sha256={said.sha256}"] = content
        return said

    def newest(self, *, floor: int = 0) -> Manifest:
        return obtaining.newest(self.release_url, KEY, floor=floor)


@pytest.fixture
def shop():
    with Shop() as made:
        yield made


@pytest.fixture
def releases(tmp_path) -> Releases:
    return Releases(tmp_path / "releases")


def lay(releases: Releases, number: int, program: str = "exit 0") -> Release:
    """A complete release whose Python is a few words of shell."""
    place, said = releases.place(number), manifest(number, b"the wheel of %d" % number)
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").write_text(f"#!/bin/sh\n{program}\n")
    (place / "bin" / "python").chmod(0o755)
    (place / installation.RELEASE).write_bytes(msgspec.json.encode(said))
    return Release(place, said)


class BelievedTests:
    def test_what_the_server_signed_is_read(self, shop):
        assert shop.offer(manifest()) == shop.newest()

    def test_another_key_is_not_believed(self, shop):
        shop.offer(manifest(), seed=OTHER_SEED)
        with pytest.raises(NotUpdated, match="not signed by the key"):
            shop.newest()

    @pytest.mark.parametrize("change", ['"number":2', '"size_bytes":', '"sha256":"'])
    def test_nor_is_a_word_that_was_changed_after_it_was_signed(self, change):
        envelope = msgspec.json.decode(sealed(manifest(), SEED), type=Envelope)
        altered = msgspec.structs.replace(envelope, manifest=envelope.manifest.replace(change, change + "1", 1))
        with pytest.raises(NotUpdated, match="not signed by the key"):
            opened(msgspec.json.encode(altered), KEY)

    @pytest.mark.parametrize(
        "answer", [b"", b"<html>", b"{}", b'{"manifest": 1}', b"\xff\xfe", b'{"manifest":"{}","signature":"00"}']
    )
    def test_nonsense_is_refused_in_words(self, shop, answer):
        shop.files["/agent/release.json"] = answer
        with pytest.raises(NotUpdated, match="cannot be read"):
            shop.newest()

    def test_a_signed_word_with_absurd_figures_is_refused(self, shop):
        shop.offer(msgspec.structs.replace(manifest(), size_bytes=1 << 40))
        with pytest.raises(NotUpdated, match="cannot be read"):
            shop.newest()

    def test_no_file_name_leads_elsewhere(self, shop):
        shop.offer(msgspec.structs.replace(manifest(), wheel="../../etc/x.whl"))
        with pytest.raises(NotUpdated, match="cannot be read"):
            shop.newest()

    def test_an_endless_answer_is_not_read_to_its_end(self, shop):
        shop.files["/agent/release.json"] = b" " * (ANSWER_BYTES_MAX + 1)
        with pytest.raises(NotUpdated, match="too long"):
            shop.newest()

    def test_an_older_release_signed_long_ago_is_refused(self, shop):
        shop.offer(manifest(4))
        with pytest.raises(NotUpdated, match="offers release 4, and this node has had release 5"):
            shop.newest(floor=5)

    def test_one_that_needs_a_newer_python_is_refused(self, shop):
        shop.offer(manifest(python=(9, 0)))
        with pytest.raises(NotUpdated, match=r"needs Python 9\.0"):
            shop.newest()

    def test_a_server_that_is_away_or_has_none_is_said(self, shop):
        with pytest.raises(NotUpdated, match="answers 404"):
            shop.newest()
        with pytest.raises(NotUpdated, match="cannot be fetched"):
            obtaining.newest("http://127.0.0.1:9/release.json", KEY, floor=0)


class WheelTests:
    def fetch(self, shop, target: Path, content: bytes = CONTENT) -> None:
        said = shop.offer(manifest(), content)
        obtaining.wheel(shop.release_url, said, target)

    def test_the_file_that_was_signed_is_kept(self, shop, tmp_path):
        self.fetch(shop, tmp_path / "a.whl")
        assert (tmp_path / "a.whl").read_bytes() == CONTENT

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (CONTENT[:-1] + b"!", "not the one that was signed"),
            (CONTENT[:-1], "cut off"),
            (b"", "cut off"),
            (CONTENT + b"!", "larger than"),
        ],
        ids=["altered", "truncated", "empty", "too large"],
    )
    def test_any_other_is_refused_and_dropped(self, shop, tmp_path, content, words):
        with pytest.raises(NotUpdated, match=words):
            self.fetch(shop, tmp_path / "a.whl", content)
        assert list(tmp_path.iterdir()) == []

    def test_a_cut_line_leaves_nothing(self, shop, tmp_path):
        said = shop.offer(manifest())
        shop.cuts.append(1_000)
        with pytest.raises(NotUpdated):
            obtaining.wheel(shop.release_url, said, tmp_path / "a.whl")
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_is_said_and_leaves_nothing(self, shop, tmp_path):
        said = shop.offer(manifest())
        (tmp_path / "a.whl").symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left") as raised:
            obtaining.wheel(shop.release_url, said, tmp_path / "a.whl")
        assert raised.value.errno == errno.ENOSPC
        assert list(tmp_path.iterdir()) == []


class ReleasesTests:
    def test_without_a_pointer_the_installation_itself_runs(self, releases):
        lay(releases, 2)
        assert releases.current(BASE) is None

    def test_the_one_that_is_pointed_to_runs(self, releases):
        second = lay(releases, 2)
        releases.point_to(second, BASE)
        assert releases.current(BASE) == second
        assert releases.floor == 2

    def test_an_installation_that_was_made_anew_by_hand_runs_itself(self, releases):
        releases.point_to(lay(releases, 2), BASE)
        assert releases.current("another") is None

    def test_one_that_is_not_complete_or_has_lost_its_python_does_not_run(self, releases):
        second = lay(releases, 2)
        releases.point_to(second, BASE)
        second.python.unlink()
        assert releases.current(BASE) is None

    @pytest.mark.parametrize("damage", [b"", b"{", b'{"number": "x"}'])
    def test_nonsense_in_its_files_leaves_the_installation_running(self, releases, damage):
        releases.point_to(lay(releases, 2), BASE)
        (releases.folder / "current").write_bytes(damage)
        (releases.folder / "record").write_bytes(damage)
        assert releases.current(BASE) is None
        assert releases.record().failed == {}

    def test_a_disk_that_says_no_ends_nothing(self, releases, caplog):
        releases.folder.write_text("no folder")
        upkeep = Updates(Config("ws://x", "w"), releases, "")
        upkeep.hear(protocol.Release(number=3, version="0.2.0", url="http://x/release.json"))
        with pytest.raises(NotUpdated, match="has not said yet"):
            upkeep.prepare()
        assert "Not kept" in caplog.text

    def test_what_is_no_longer_needed_goes(self, releases):
        lay(releases, 2)
        lay(releases, 3)
        (releases.folder / "old.whl").touch()
        releases.prune({3})
        assert sorted(path.name for path in releases.folder.iterdir()) == ["3"]


STEPS = {
    "open",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.chmod",
    "os.symlink",
    "shutil.rmtree",
    "subprocess.Popen",
}


def killed_at(step: int, work) -> bool:
    """Run `work` in a process that is killed as it begins its step of this number; False when it came to its end before."""
    child = os.fork()
    if not child:
        left = [step]

        def hook(event: str, arguments) -> None:
            if event in STEPS:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


class KilledTests:
    """Killed at every step from the download to the last clearing up: what runs next is a release that has worked."""

    @pytest.fixture
    def work(self, releases, shop, monkeypatch):
        first = lay(releases, 1)
        releases.point_to(first, BASE)
        shop.offer(manifest(2))
        releases.note(url=shop.release_url)
        monkeypatch.setattr(installation, "digest", lambda: BASE)
        monkeypatch.setattr(making, "_make", lambda place, wheel, programs: self.make(place))
        monkeypatch.setattr(os, "sync", lambda: None)  # of the whole machine, some fifty times
        config = Config("ws://127.0.0.1:9", "w_test", update_key=KEY)
        said = shop.files["/agent/release.json"]
        monkeypatch.setattr(obtaining, "newest", lambda url, key, floor: opened(said, key))
        monkeypatch.setattr(
            obtaining, "wheel", lambda url, told, target: target.write_bytes(CONTENT)
        )  # no thread outlives a fork

        def run() -> None:
            successor = updates.obtain(config, releases, Programs())
            if successor:
                handover.switch(State(releases.folder.parent), config, successor, [], Terminal(io.StringIO()))

        return run

    @staticmethod
    def make(place: Path) -> None:
        (place / "bin").mkdir(parents=True)
        (place / "bin" / "python").write_text("#!/bin/sh\nexit 0\n")
        (place / "bin" / "python").chmod(0o755)

    def test_a_program_is_left_that_runs_and_the_next_try_comes_to_its_end(self, releases, work):
        step, seen = 1, set()
        while killed_at(step, work):
            current = releases.current(BASE)
            assert current is not None, f"nothing to run after step {step}"
            assert os.access(current.python, os.X_OK)
            assert releases.floor == current.number
            seen.add(current.number)
            step += 1
        assert seen == {1, 2}
        assert step > 15, "the steps were not counted"
        assert releases.current(BASE).number == 2

    def test_killed_again_and_again_from_the_beginning_it_is_the_same(self, releases, work):
        """Each try begins where the one before was killed, one step later."""
        for step in range(1, 200):
            if not killed_at(step, work):
                break
            assert releases.current(BASE) is not None
        assert releases.current(BASE).number == 2


def pack(folder: Path, name: str, version: str, files: dict[str, str], needs: str = "") -> Path:
    """A wheel."""
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    needed = f"Requires-Dist: {needs}\n" if needs else ""
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)
    return path


class NeededTests:
    """A release that needs a package which the running one lacks: pip itself, with a folder for its index."""

    @pytest.fixture
    def index(self, tmp_path, monkeypatch) -> Path:
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
        monkeypatch.setattr(making, "_take_over", lambda *_: None)
        (tmp_path / "index").mkdir()
        return tmp_path / "index"

    def make(self, tmp_path, sha256: str) -> Path:
        files = {
            "pictor_agent/__init__.py": "",
            "pictor_agent/__main__.py": "import pictor_part",
            "pictor_agent-9.0.data/data/share/pictor-agent/node.txt": f"pictor-part==1.0 --hash=sha256:{sha256}\n",
        }
        wheel = pack(tmp_path, "pictor_agent", "9.0", files, needs="pictor-part")
        making.make(tmp_path / "9", wheel, manifest(9), Programs())
        return tmp_path / "9"

    def test_the_file_that_the_signed_wheel_names_is_taken(self, index, tmp_path):
        part = pack(index, "pictor_part", "1.0", {"pictor_part.py": ""})
        assert (self.make(tmp_path, hashlib.sha256(part.read_bytes()).hexdigest()) / installation.RELEASE).exists()

    def test_another_file_of_that_name_is_not(self, index, tmp_path):
        pack(index, "pictor_part", "1.0", {"pictor_part.py": "print('not ours')"})
        with pytest.raises(NotUpdated, match=r"(?i)hash"):
            self.make(tmp_path, "0" * 64)
        assert not (tmp_path / "9").exists()

    def test_nothing_is_built_from_source(self, index, tmp_path):
        with tarfile.open(index / "pictor_part-1.0.tar.gz", "w:gz") as archive:
            (tmp_path / "setup.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
            archive.add(tmp_path / "setup.py", "pictor_part-1.0/setup.py")
        source = (index / "pictor_part-1.0.tar.gz").read_bytes()
        with pytest.raises(NotUpdated, match="No matching distribution"):
            self.make(tmp_path, hashlib.sha256(source).hexdigest())
        assert not (tmp_path / "ran").exists()


class HaltedTests:
    """The agent ends while a release is made ready."""

    async def test_the_program_that_runs_is_killed_with_what_it_started_and_none_begins(self, tmp_path):
        programs, mark = Programs(), str(tmp_path)
        run = asyncio.create_task(in_own_thread(lambda: programs.run(["sh", "-c", f"sleep 600; echo {mark}"])))
        await until(lambda: processes_with(mark))
        programs.halt()
        with pytest.raises(NotUpdated, match="the agent ends"):
            await run
        assert not processes_with(mark)
        with pytest.raises(NotUpdated, match="the agent ends"):
            programs.run(["true"])

    def test_the_end_waits_for_no_thread(self):
        go, ended = threading.Event(), []

        async def cut_short() -> None:
            work = asyncio.create_task(in_own_thread(lambda: (go.wait(30), ended.append(True))))
            await asyncio.sleep(0)
            work.cancel()

        asyncio.run(cut_short())
        assert ended == []
        go.set()

    def test_what_was_halted_is_no_fault_of_the_release(self, releases, shop):
        upkeep = Updates(Config("ws://x", "w", update_key=KEY), releases, "", offered=3, allowed=3)
        shop.offer(manifest(3))
        releases.note(url=shop.release_url)
        upkeep.halt()
        with pytest.raises(NotUpdated, match="the agent ends"):
            upkeep.prepare()
        assert upkeep.build().words == ""


class SwitchTests:
    """The trial of a release by the one that runs."""

    @pytest.fixture
    def said(self):
        return io.StringIO()

    async def switch(self, releases, said, program: str, *, url: str) -> bool:
        successor = releases.find(3) or lay(releases, 3, program)
        state, config = State(releases.folder.parent), Config(url, "w_test")
        return await asyncio.to_thread(handover.switch, state, config, successor, ["run"], Terminal(said))

    async def test_one_that_signs_on_runs_from_then_on(self, releases, said):
        assert await self.switch(releases, said, '[ "$5 $PICTOR_AGENT_CHOSEN" = "--trial 1" ]', url="ws://127.0.0.1:9")
        assert releases.current(installation.digest()).number == 3

    @pytest.mark.parametrize(
        ("program", "words"),
        [
            ("echo Traceback; echo SyntaxError: no; exit 1", "it ended with status 1: SyntaxError: no"),
            ("kill -9 $$", "it ended with status -9"),
            ("exec sleep 600", "it did not sign on within"),
        ],
        ids=["crashes at start", "is killed", "never signs on"],
    )
    async def test_one_that_does_not_is_tried_in_other_hours_and_then_given_up_for_good(
        self, releases, said, program, words, monkeypatch
    ):
        monkeypatch.setattr(handover, "TRIAL_SECONDS", 1.0)
        releases.point_to(lay(releases, 2), BASE)
        async with Gateway() as gateway:
            for _ in range(handover.TRIALS - 1):
                assert not await self.switch(releases, said, program, url=gateway.url)
                assert releases.record().failed == {}
                assert words in releases.record().words
                self.pass_an_hour(releases)
            assert self.upkeep(releases).is_due(0.0, busy=False)
            assert not await self.switch(releases, said, program, url=gateway.url)
        assert releases.current(BASE).number == 2
        assert words in releases.record().failed[3]
        assert releases.record().tried == 3
        assert not releases.place(3).exists()
        assert words in said.getvalue()
        self.pass_an_hour(releases)
        assert not self.upkeep(releases).is_due(0.0, busy=False)

    async def test_a_deployment_costs_no_release(self, releases, said):
        """Its line was cut, and a moment later another gateway answers."""
        async with Gateway() as gateway:
            for _ in range(handover.TRIALS + 1):
                await self.switch(releases, said, f"exit {handover.HINDERED}", url=gateway.url)
                assert not self.upkeep(releases).is_due(0.0, busy=False)
                self.pass_an_hour(releases)
        assert releases.record().failed == {}
        assert self.upkeep(releases).is_due(0.0, busy=False)

    async def test_an_hour_counts_once(self, releases, said):
        async with Gateway() as gateway:
            for _ in range(handover.TRIALS + 1):
                await self.switch(releases, said, "exit 1", url=gateway.url)
        assert releases.record().trials == {3: 1}

    async def test_while_the_server_is_away_no_release_is_to_blame(self, releases, said):
        for _ in range(handover.TRIALS):
            assert not await self.switch(releases, said, "exit 1", url="ws://127.0.0.1:9")
            self.pass_an_hour(releases)
        assert releases.record().failed == {}
        assert releases.find(3) is not None

    def test_a_trial_may_take_as_long_as_all_that_it_waits_for(self):
        parts = (abilities.EGL_SECONDS, abilities.DEVICE_SECONDS, trial.ANSWER_SECONDS)
        assert sum(parts) < handover.TRIAL_SECONDS

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (ConnectionResetError(), handover.HINDERED),
            (SignOnRefused(protocol.Refused(code="busy", words="later", retry=True)), handover.HINDERED),
            (SignOnRefused(protocol.Refused(code="unknown", words="no", retry=False)), 1),
            (ProtocolBroken("a text frame"), 1),
        ],
        ids=["lost", "later", "refused", "not understood"],
    )
    async def test_a_trial_says_whether_it_was_hindered(self, tmp_path, said, error, status, monkeypatch):
        monkeypatch.setattr(running, "make_shift", lambda *_: mock.AsyncMock())
        monkeypatch.setattr(running, "try_out", mock.AsyncMock(side_effect=error))
        assert await running._try(Config("ws://x", "w"), State(tmp_path), Terminal(said)) == status

    def test_beside_an_agent_that_runs_a_trial_is_hindered(self, tmp_path, capsys):
        (tmp_path / "node.toml").write_text('server_url = "ws://127.0.0.1:9"\nworker_uid = "w_a"\n')
        with State(tmp_path).locked():
            words = ["run", "--config", str(tmp_path / "node.toml"), "--state", str(tmp_path), "--trial"]
            assert main.main(words) == handover.HINDERED

    @staticmethod
    def upkeep(releases) -> Updates:
        return Updates(Config("ws://x", "w"), releases, "", offered=3, allowed=9)

    @staticmethod
    def pass_an_hour(releases) -> None:
        releases.note(not_before=releases.record().not_before - RETRY_SECONDS)


class DueTests:
    def upkeep(self, releases, **fields) -> Updates:
        return Updates(Config("ws://x", "w"), releases, **{"obstacle": "", "offered": 3, "allowed": 3} | fields)

    def test_a_newer_release_that_its_owner_allows_is_due_when_nothing_runs(self, releases):
        upkeep = self.upkeep(releases)
        assert not upkeep.is_due(0.0, busy=True)
        assert upkeep.is_due(10.0, busy=False)

    def test_a_node_that_is_never_idle_does_it_between_two_tasks_after_a_while(self, releases):
        upkeep = self.upkeep(releases)
        assert not upkeep.is_due(5.0, busy=True)
        assert upkeep.is_due(5.0 + updates.PATIENCE_SECONDS, busy=True)

    @pytest.mark.parametrize("fields", [{"allowed": 2}, {"offered": 0}, {"obstacle": "image"}])
    def test_what_is_not_allowed_not_there_or_not_possible_is_not_due(self, releases, fields):
        assert not self.upkeep(releases, **fields).is_due(0.0, busy=False)

    def test_what_runs_already_is_not_due(self, releases):
        releases.point_to(lay(releases, 3), BASE)
        assert not self.upkeep(releases).is_due(0.0, busy=False)

    def test_after_a_failure_it_waits(self, releases):
        upkeep = self.upkeep(releases)
        upkeep.put_off(0.0)
        assert not upkeep.is_due(RETRY_SECONDS - 1, busy=False)
        assert upkeep.is_due(RETRY_SECONDS, busy=False)

    def test_what_somebody_asked_for_at_the_machine_needs_no_other_word(self, releases):
        releases.note(wished=3)
        assert self.upkeep(releases, offered=0, allowed=0).is_due(0.0, busy=False)

    def test_why_it_stays_what_it_is_is_told_to_the_server(self, releases, shop):
        upkeep = self.upkeep(releases, allowed=9)
        upkeep.config = Config("ws://x", "w", update_key=KEY)
        shop.offer(manifest(3), seed=OTHER_SEED)
        upkeep.hear(protocol.Release(number=3, version="0.2.0", url=shop.release_url))
        with pytest.raises(NotUpdated):
            upkeep.prepare()
        told = upkeep.build()
        assert (told.tried, told.words) == (3, "the release is not signed by the key in this node's configuration file")

    def test_a_release_beyond_what_was_allowed_is_left(self, releases, shop):
        shop.offer(manifest(4))
        releases.note(url=shop.release_url)
        config = Config("ws://x", "w", update_key=KEY)
        with pytest.raises(NotUpdated, match="has not allowed yet"):
            updates.obtain(config, releases, Programs(), permitted=3)

    def test_a_folder_of_the_same_number_from_another_file_is_made_anew(self, releases, shop, monkeypatch):
        """After its database was restored the server gives a number again."""
        lay(releases, 4)
        said = shop.offer(manifest(4))
        releases.note(url=shop.release_url)
        monkeypatch.setattr(making, "_make", lambda place, wheel, programs: KilledTests.make(place))
        config = Config("ws://x", "w", update_key=KEY)
        assert updates.obtain(config, releases, Programs(), permitted=4).manifest == said

    def test_a_full_disk_is_a_reason_and_leaves_nothing(self, releases, shop, monkeypatch):
        shop.offer(manifest(4))
        releases.note(url=shop.release_url)
        monkeypatch.setattr(making, "FREE_BYTES_MIN", 1 << 60)
        config = Config("ws://x", "w", update_key=KEY)
        with pytest.raises(NotUpdated, match="of disk is free"):
            updates.obtain(config, releases, Programs(), permitted=4)
        assert [path.name for path in releases.folder.iterdir()] == ["record"]


class ObstacleTests:
    CONFIG = Config("ws://x", "w", update_key=KEY)

    def test_an_image_is_pulled(self, monkeypatch):
        monkeypatch.setenv(installation.IMAGE, "1")
        assert installation.obstacle(self.CONFIG) == "image"

    def test_code_in_a_folder_is_left_alone(self):
        assert installation.obstacle(self.CONFIG) == "checkout"

    def test_every_obstacle_has_words(self):
        assert release_words.OBSTACLES.keys() == installation.OBSTACLES.keys()

    def test_a_key_that_is_none_is_refused_at_the_start(self, tmp_path):
        path = tmp_path / "node.toml"
        path.write_text('server_url = "ws://x"\nworker_uid = "w_a"\nupdate_key = "short"\n')
        with pytest.raises(BadConfig, match="update_key"):
            read_config(path)


class CommandTests:
    """`pictor-agent update`, by hand."""

    @pytest.fixture
    def ask(self, tmp_path, capsys, monkeypatch):
        path = tmp_path / "node.toml"
        path.write_text(f'server_url = "ws://127.0.0.1:9"\nworker_uid = "w_a"\nupdate_key = "{KEY}"\n')

        def run(*words: str) -> str:
            status = main.main(["update", "--config", str(path), "--state", str(tmp_path), *words])
            said = capsys.readouterr().out
            assert ("Not updated" in said) == (status == 1)
            return said

        return run

    def test_code_in_a_folder_is_left_alone_in_words(self, ask):
        assert "It runs from its source code" in ask()

    def test_an_agent_that_has_never_signed_on_knows_no_place(self, ask, monkeypatch):
        monkeypatch.setattr(installation, "obstacle", lambda config: "")
        assert "start the agent once" in ask()

    def test_an_agent_that_runs_does_it_itself(self, ask, monkeypatch, shop, releases, tmp_path):
        monkeypatch.setattr(installation, "obstacle", lambda config: "")
        shop.offer(manifest(3))
        releases.note(url=shop.release_url)
        with State(tmp_path).locked():
            assert "goes over to release 3" in ask()
        assert releases.record().wished == 3

    @pytest.fixture
    def third(self, monkeypatch, shop, releases) -> Release:
        """Pointed to, and offered."""
        monkeypatch.setattr(installation, "obstacle", lambda config: "")
        third = lay(releases, 3)
        shop.offer(third.manifest)
        releases.note(url=shop.release_url)
        releases.point_to(third, BASE)
        return third

    def test_a_release_that_runs_already_is_not_made_again(self, ask, monkeypatch, third):
        monkeypatch.setattr(installation, "digest", lambda: BASE)
        monkeypatch.setattr(handover, "_become", lambda command: None)
        assert "the newest release already" in ask()

    def test_somebody_who_went_back_by_hand_is_told_so(self, ask, third):
        assert "has had release 3 already, and its owner went back from it by hand" in ask()

    def test_another_file_of_a_number_that_ran_is_not_taken(self, ask, shop, third):
        shop.offer(manifest(3))
        assert "has had release 3 already, and from another file" in ask()

    @pytest.mark.parametrize("command", ["update", "doctor"])
    def test_it_is_the_release_that_runs_who_answers(self, monkeypatch, tmp_path, third, command):
        (tmp_path / "node.toml").write_text('server_url = "ws://127.0.0.1:9"\nworker_uid = "w_a"\n')
        words = [command, "--config", str(tmp_path / "node.toml"), "--state", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", ["pictor-agent", *words])
        monkeypatch.setattr(installation, "digest", lambda: BASE)
        monkeypatch.setattr(handover, "_become", mock.Mock(side_effect=SystemExit))
        with pytest.raises(SystemExit):
            main.main(words)
        handover._become.assert_called_once_with([*third.command, *words])

    def test_the_newest_is_left_as_it_is(self, ask, monkeypatch, shop, releases):
        monkeypatch.setattr(installation, "obstacle", lambda config: "")
        monkeypatch.setattr(installation, "wheel_sha256", lambda: manifest().sha256)
        shop.offer(manifest(3))
        releases.note(url=shop.release_url)
        assert "the newest release already" in ask()
        assert releases.floor == 3
