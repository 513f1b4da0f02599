"""`pictor-agent run --join CODE`: what is written, when it is not, and which codes are none."""

import stat

import pytest

from pictor_agent import main, protocol
from pictor_agent.config import BadConfig, read_config
from pictor_agent.joining import join

CODE = "wss://live.example.org/w_abc-DEF/Zm9v_YmFy-x"


def test_the_file_says_what_the_code_says_and_nobody_else_reads_it(tmp_path):
    path = tmp_path / "pictor-agent" / "node.toml"
    join(CODE, path)
    config = read_config(path)
    assert config.socket_url == "wss://live.example.org" + protocol.PATH
    assert (config.worker_uid, config.token) == ("w_abc-DEF", "Zm9v_YmFy-x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_code_brings_the_key_of_releases_along(tmp_path):
    join(f"{CODE}/{'5e' * 32}", tmp_path / "node.toml")
    config = read_config(tmp_path / "node.toml")
    assert (config.token, config.update_key) == ("Zm9v_YmFy-x", "5e" * 32)


def test_the_same_command_again_leaves_the_file_as_its_owner_changed_it(tmp_path):
    path = tmp_path / "node.toml"
    join(CODE, path)
    path.write_text(path.read_text() + "cache_bytes = 5\n")
    join(CODE, path)
    assert read_config(path).cache_bytes == 5


def test_a_newer_code_of_this_node_replaces_it(tmp_path):
    path = tmp_path / "node.toml"
    join(CODE, path)
    join(CODE.replace("Zm9v", "bmV3"), path)
    assert read_config(path).token == "bmV3_YmFy-x"


def test_the_file_of_another_node_is_left_alone(tmp_path):
    path = tmp_path / "node.toml"
    join(CODE, path)
    with pytest.raises(BadConfig, match="another node's"):
        join(CODE.replace("w_abc", "w_xyz"), path)
    assert read_config(path).worker_uid == "w_abc-DEF"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "copy the command again"),
        ("Zm9v", "copy the command again"),
        ("wss://live.example.org//t", "copy the command again"),
        ("/w_abc/t", "copy the command again"),
        ("https://example.org/w_abc/t", "must begin with ws"),
        ("wss://live.example.org/w$abc/t", "not one that the network gives out"),
    ],
)
def test_nonsense_is_no_code_and_writes_nothing(tmp_path, code, words):
    with pytest.raises(BadConfig, match=words):
        join(code, tmp_path / "node.toml")
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_and_without_a_code_the_agent_names_the_usual_place(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main.main(["run", "--plain"]) == 3
    assert ".config/pictor-agent/node.toml" in capsys.readouterr().out
