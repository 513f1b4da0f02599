"""What a release must do before it takes over, against the real server: sign on, and be let go."""

import subprocess

import httpx
import pytest

from pictor_agent.updating.manifest import opened
from tests.agent.conftest import agent_command, blender_python
from tests.chaos.farm import enrol
from tests.stories.creator import Person, await_that

pytestmark = [pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]


@pytest.fixture(scope="module")
def node(stack, tmp_path_factory):
    return enrol(Person(stack, "owner"), "on-trial", tmp_path_factory.mktemp("trial") / "node")


def test_a_release_on_trial_signs_on_and_off_and_a_node_that_is_unknown_does_not(stack, node):
    config, state = node
    file = state.folder.parent / "node.toml"
    command = agent_command(
        "run", "--config", file, "--state", state.folder, "--plain", "--trial", "--blender-python", blender_python()
    )
    assert subprocess.run(command, timeout=180).returncode == 0
    kinds = "SELECT kind FROM workers_workerevent WHERE worker_id = (SELECT id FROM workers_worker WHERE uid = %s) ORDER BY id"
    owner = Person(stack, "owner")
    assert [kind for (kind,) in owner.ask(kinds, config.uid)][-2:] == ["signed-on", "signed-off"]
    lost = "SELECT lost FROM workers_shift WHERE worker_id = (SELECT id FROM workers_worker WHERE uid = %s)"
    assert owner.ask(lost, config.uid) == [(False,)]

    file.write_text(file.read_text().replace(config.uid, "w_nobody"))
    done = subprocess.run(command, timeout=180, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Cannot sign on" in done.stdout


def test_the_server_offers_what_the_key_of_its_configuration_files_has_signed(stack, node):
    config, _ = node
    answer = await_that(lambda: httpx.get(f"{stack.url}/workers/agent/release.json"), "the site answers")
    manifest = opened(answer.content, config.update_key)
    wheel = httpx.get(f"{stack.url}/workers/agent/{manifest.wheel}?sha256={manifest.sha256}")
    assert len(wheel.content) == manifest.size_bytes
