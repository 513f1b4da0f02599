"""Blenders of a machine: those it has, those it may be asked for, and a plain word when one cannot be fetched."""

import asyncio
import hashlib
import os

import pytest

from pictor_agent import environments
from pictor_agent.engines import fetching
from pictor_agent.environments import Environments, NoBlender, RenderEnvironment
from tests.agent.conftest import blender_python

HERE = RenderEnvironment("5.0.1", "/nowhere/python", ())


@pytest.fixture
def no_index(monkeypatch):
    """An index that refuses every connection, at once."""
    chosen = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "UV_HTTP_RETRIES": "0",
        "PIP_FIND_LINKS": "",
        "UV_FIND_LINKS": "",
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


@pytest.fixture
def fetched(tmp_path):
    """A folder in which 5.0.1 is complete: its Python hands on to the one that has bpy, its stamp is that of the lock."""
    python = fetching.python_of(tmp_path, "5.0.1")
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{blender_python()}" "$@"\n')
    python.chmod(0o755)
    digest = hashlib.sha256(fetching.lock_file("5.0.1").read_bytes()).hexdigest()
    (tmp_path / "5.0.1" / fetching.STAMP).write_text(digest)
    return tmp_path


class OfferedTests:
    def test_what_is_here_and_what_can_be_fetched(self, tmp_path):
        assert Environments({"5.0.1": HERE}, tmp_path).offered() == ["4.2.23", "4.5.15", "5.0.1"]

    def test_without_a_folder_only_what_is_here(self):
        assert Environments({"5.0.1": HERE, "3.3.0": HERE}).offered() == ["5.0.1"]

    def test_without_room_on_the_disk_nothing_is_promised(self, tmp_path, monkeypatch):
        monkeypatch.setattr(fetching, "NEEDED_BYTES", 1 << 62)
        assert Environments({"5.0.1": HERE}, tmp_path).offered() == ["5.0.1"]
        assert "disk" in fetching.obstacle(tmp_path, "4.2.23")

    def test_a_version_that_no_lock_names_is_no_promise(self, tmp_path):
        assert not Environments({}, tmp_path).can_fetch("9.9.9")


class FindTests:
    async def test_what_is_here_is_given_without_a_word(self, tmp_path):
        told = []
        assert await Environments({"5.0.1": HERE}, tmp_path).find("5.0.1", told.append) is HERE
        assert told == []

    async def test_what_may_not_be_fetched_is_refused(self):
        with pytest.raises(NoBlender, match=r"4\.2\.23 is not on this node"):
            await Environments({}).find("4.2.23")

    async def test_a_failed_fetch_is_told_in_words_and_leaves_nothing_behind(self, tmp_path, no_index):
        blenders, told = Environments({}, tmp_path), []
        with pytest.raises(NoBlender, match=r"4\.2\.23 could not be fetched"):
            await blenders.find("4.2.23", told.append)
        assert told == ["fetching Blender 4.2.23"]
        assert "4.2.23" not in blenders
        assert not fetching.is_complete(tmp_path, "4.2.23")

    async def test_two_slots_share_one_fetch(self, fetched, monkeypatch):
        begun, start = [], asyncio.create_subprocess_exec

        async def counted(*command, **fields):
            begun.append(command)
            return await start(*command, **fields)

        monkeypatch.setattr(asyncio, "create_subprocess_exec", counted)
        blenders = Environments({}, fetched)
        first, second = await asyncio.gather(*(blenders.find("5.0.1") for _ in range(2)))
        assert first is second is blenders["5.0.1"]
        assert (first.version, first.program) == ("5.0.1", str(fetching.python_of(fetched, "5.0.1")))
        assert [command[-1] for command in begun] == ["5.0.1"]


class ExplainedTests:
    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ("OSError: [Errno 28] No space left on device", "the disk is full"),
            ("x\nerror: error sending request for url (http://127.0.0.1:9/)", "the package index cannot be reached"),
            ("ERROR: No matching distribution found for bpy==4.2.23", "ERROR: No matching distribution"),
            ("", "no reason given"),
        ],
    )
    def test_an_installer_s_words_become_one_line(self, said, words):
        assert fetching.explained(said).startswith(words)


class MakeEnvironmentsTests:
    def test_a_folder_without_a_stamp_does_not_count(self, tmp_path):
        (tmp_path / "4.2.23" / "bin").mkdir(parents=True)
        os.symlink("/bin/true", tmp_path / "4.2.23" / "bin" / "python")
        assert environments.make_environments([], tmp_path) == {}

    def test_a_program_that_is_no_blender_is_refused(self):
        with pytest.raises(NoBlender):
            environments.make_environments(["/bin/true"])
