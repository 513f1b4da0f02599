"""A configuration file by form: as a file or pasted, checked, kept for its owner alone."""

import stat

import httpx
import pytest

from pictor_agent.app.importing import Importing
from pictor_agent.app.lines import Request
from pictor_agent.config import read_config
from tests.agent.test_config import GOOD


def form(**fields) -> Request:
    """As a browser sends it: `file` is bytes of a file, `text` what was pasted."""
    files = {name: (name, value) for name, value in fields.items() if name == "file"}
    other = {name: (None, value) for name, value in fields.items() if name != "file"}
    built = httpx.Request("POST", "http://x/", files=files | other)
    return Request("POST", "/", {"content-type": built.headers["content-type"]}, built.read())


@pytest.fixture
def importing(tmp_path) -> Importing:
    return Importing(tmp_path / "config" / "pictor-agent" / "node.toml")


@pytest.mark.parametrize("fields", [{"file": GOOD.encode(), "text": ""}, {"file": b"", "text": GOOD}, {"text": GOOD}])
def test_a_file_is_taken_chosen_or_pasted(importing, fields):
    importing.take(form(**fields))
    assert importing.done.is_set(), importing.problem
    assert importing.path.read_text().strip() == GOOD.strip()


CODE = "wss://live.example.org/w_abc-DEF/Zm9v_YmFy-x"


@pytest.mark.parametrize(
    "pasted", [CODE, f" {CODE}\r\n", f"pipx install 'x.whl' && ~/.local/bin/pictor-agent run --join {CODE}"]
)
def test_the_command_of_the_node_s_page_does_as_well(importing, pasted):
    importing.take(form(text=pasted))
    config = read_config(importing.path)
    assert (config.server_url, config.uid, config.token) == ("wss://live.example.org", "w_abc-DEF", "Zm9v_YmFy-x")


def test_it_is_kept_for_its_owner_alone(importing):
    importing.take(form(file=GOOD.encode()))
    assert stat.S_IMODE(importing.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(importing.path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"file": b"", "text": " "}, "Choose the file, or paste what is in it, or the command."),
        ({"file": b"\xff\xfe\x00"}, "This is no text"),
        ({"file": b"server_url = "}, "The configuration file: Invalid value"),
        ({"text": GOOD.replace("ws://", "http://")}, "server_url must begin with ws:// or wss://"),
        ({"text": GOOD.replace("worker_uid", "worker")}, "worker_uid is missing; download the file again"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words_and_not_kept(importing, fields, words):
    importing.take(form(**fields))
    assert words in importing.problem
    assert not importing.done.is_set()
    assert not importing.path.exists()


def test_a_form_of_another_kind_is_refused(importing):
    importing.take(Request("POST", "/", {"content-type": "application/x-www-form-urlencoded"}, b"text=x"))
    assert "Choose the file" in importing.problem


def test_a_folder_that_cannot_be_made_is_named(importing):
    importing.path.parent.parent.write_text("in the way")
    importing.take(form(file=GOOD.encode()))
    assert "cannot be written" in importing.problem
