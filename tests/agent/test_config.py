"""The configuration file, the key made on the node, and the command line's words when something is missing."""

import stat
import subprocess

import pytest
from nacl.signing import VerifyKey

from pictor_agent import protocol
from pictor_agent.config import BadConfig, State, read_config
from tests.agent.conftest import agent_command

GOOD = 'server_url = "ws://127.0.0.1:8001"\nworker_uid = "w_abc-DEF"\ntoken = "t"\nname = "Attic"\nnew_field = 1\n'


def written(tmp_path, text=GOOD):
    path = tmp_path / "node.toml"
    path.write_text(text)
    return path


class ReadConfigTests:
    def test_the_downloaded_file_is_enough(self, tmp_path):
        config = read_config(written(tmp_path))
        assert config.socket_url == "ws://127.0.0.1:8001" + protocol.PATH
        assert (config.worker_uid, config.token, config.name) == ("w_abc-DEF", "t", "Attic")

    def test_a_fleet_token_s_file_is_enough_too_and_each_machine_has_a_folder_of_its_own(self, tmp_path, monkeypatch):
        text = GOOD.replace('worker_uid = "w_abc-DEF"', 'fleet = "f_abc"')
        config = read_config(written(tmp_path, text))
        here = config.state_name
        monkeypatch.setattr("socket.gethostname", lambda: "another")
        assert (config.uid, here[:6], here == config.state_name) == ("f_abc", "f_abc-", False)

    def test_with_the_next_token_of_the_same_owner_the_folder_is_the_same(self, tmp_path):
        texts = [
            GOOD.replace('worker_uid = "w_abc-DEF"', f'fleet = "{uid}"\nfleet_owner = "cafe"') for uid in ("f_one", "f_two")
        ]
        assert len({read_config(written(tmp_path, text)).state_name for text in texts}) == 1

    def test_no_owner_leads_to_another_folder(self, tmp_path):
        text = GOOD.replace('worker_uid = "w_abc-DEF"', 'fleet = "f_one"\nfleet_owner = "../../etc"')
        with pytest.raises(BadConfig, match="not one that the network gives out"):
            read_config(written(tmp_path, text))

    def test_the_command_line_wins(self, tmp_path):
        config = read_config(written(tmp_path, GOOD + "cache_bytes = 5\n"), cache_bytes=9, memory_bytes=None)
        assert (config.cache_bytes, config.memory_bytes) == (9, 0)

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("server_url", "server", "server_url is missing"),
            ("worker_uid", "worker", "worker_uid is missing"),
            ("ws://", "http://", "must begin with ws"),
            ("w_abc-DEF", "../../etc", "worker_uid is not"),
            ("new_field = 1", "page_port = 65536", "<= 65535"),
            ('token = "t"', "token = 5", r"Expected `str`, got `int` - at `\$.token`"),
            ("=", "", "node.toml"),
        ],
    )
    def test_a_bad_file_names_its_field(self, tmp_path, old, new, words):
        with pytest.raises(BadConfig, match=words):
            read_config(written(tmp_path, GOOD.replace(old, new, 1)))


class StateTests:
    def make(self, tmp_path) -> State:
        state = State(tmp_path / "state")
        state.make()
        return state

    def test_the_key_is_made_once_and_is_for_its_owner_s_eyes(self, tmp_path):
        state = self.make(tmp_path)
        key = state.signing_key()
        assert state.signing_key() == key
        assert stat.S_IMODE(state.key_path.stat().st_mode) == 0o600
        assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
        VerifyKey(bytes(key.verify_key)).verify(key.sign(b"x"))

    def test_a_token_is_shown_until_it_has_enrolled_the_key(self, tmp_path):
        state = self.make(tmp_path)
        assert state.unused_token("one") == "one"
        state.mark_enrolled("one")
        assert (state.unused_token("one"), state.unused_token("two")) == ("", "two")

    def test_a_pause_outlives_the_program_until_it_is_lifted(self, tmp_path):
        state = self.make(tmp_path)
        assert not state.is_paused
        state.pause()
        state.pause()
        assert State(state.folder).is_paused
        state.resume()
        state.resume()
        assert not state.is_paused

    def test_two_agents_cannot_share_a_folder(self, tmp_path):
        state = self.make(tmp_path)
        with state.locked(), pytest.raises(BadConfig, match="already runs"), state.locked():
            pass


class CommandLineTests:
    def run(self, *arguments):
        return subprocess.run(agent_command(*arguments), capture_output=True, text=True, timeout=60)

    def test_a_missing_file_is_one_clear_line(self, tmp_path):
        done = self.run("run", "--config", tmp_path / "none.toml")
        assert done.returncode == 3
        assert len(done.stdout.splitlines()) == 1
        assert "none.toml" in done.stdout

    @pytest.mark.parametrize("port", ["0", "65536", "x"])
    def test_a_port_is_one(self, tmp_path, port):
        done = self.run("app", "--no-browser", "--page-port", port)
        assert (done.returncode, "--page-port" in done.stderr) == (2, True)

    def test_a_node_is_paused_and_resumed_from_a_terminal(self, tmp_path):
        words = ("--config", written(tmp_path), "--state", tmp_path / "s")
        assert "resume" in self.run("pause", *words).stdout
        assert State(tmp_path / "s").is_paused
        assert self.run("resume", *words).returncode == 0
        assert not State(tmp_path / "s").is_paused

    def test_a_program_without_bpy_is_named(self, tmp_path):
        done = self.run("run", "--config", written(tmp_path), "--state", tmp_path / "s", "--blender-python", "/usr/bin/python3")
        assert (done.returncode, "/usr/bin/python3 has no bpy" in done.stdout) == (3, True)

    def test_the_doctor_looks_the_machine_over(self):
        done = self.run("doctor")
        assert done.returncode == 0, done.stdout
        assert "Isolation by bubblewrap" in done.stdout
