"""The agent's image: built from the server's archive, started by the page's own commands, at work, and stopped."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.image.conftest import LENT, RUN, Terminal
from tests.stories.creator import Creator, Person, await_that
from tests.workers.test_agent_image import BUBBLEWRAP_CALLS

pytestmark = [pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.timeout(1_800)]
APPARMOR = Path("/sys/module/apparmor/parameters/enabled")
OPTIONS = {
    "seccomp": "a list that allows namespaces",
    "systempaths": "a whole /proc",
    "apparmor": "mounts",
}


def doctor(image: Terminal, *, without: str = "nothing") -> str:
    """What the agent's doctor says in a container with the page's options, less one."""
    run = image.command("image-run").replace("-d --name pictor-agent --restart unless-stopped", "--rm")
    return image.says(re.sub(rf"--security-opt {without}=\S+ ", "", run) + " doctor")


def test_bubblewrap_works_with_the_options_of_the_page(image):
    said = doctor(image)
    assert "Isolation by bubblewrap" in said, said


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_is_needed(image, option):
    if option == "apparmor" and not (APPARMOR.exists() and APPARMOR.read_text().strip() == "Y"):
        pytest.skip("this kernel has no AppArmor")
    said = doctor(image, without=option)
    assert "E-SANDBOX-2" in said, f"bubblewrap needs no {OPTIONS[option]}: {said}"


@pytest.mark.parametrize("call", sorted(BUBBLEWRAP_CALLS))
def test_each_call_that_the_list_leaves_out_is_needed(image, call):
    (path,) = image.folder.glob("*/seccomp.json")
    written = path.read_text()
    path.write_text(written.replace('"chroot",', f'"chroot", "{call}",'))
    try:
        assert "E-SANDBOX-2" in doctor(image)
    finally:
        path.write_text(written)


def test_the_agent_is_no_root_there_and_has_no_capability(image):
    run = image.command("image-run").replace("-d --name pictor-agent --restart unless-stopped", "--rm --entrypoint cat")
    status = dict(line.split(":\t", 1) for line in image.type(f"{run} /proc/self/status").splitlines())
    assert "0" not in status["Uid"].split()
    assert int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"


@pytest.fixture
def node(image, stack):
    """A container that has begun; removed whatever happens."""
    owner = Person(stack, "owner")
    page = owner.post("/workers/new/", name="container").url.path
    (image.folder / "node.toml").write_text(owner.post(f"{page}config/").text)
    (image.folder / "node.toml").chmod(0o600)
    image.type(image.command("image-config"))
    lent = LENT.format(blenders=os.environ["BLENDER_ENVIRONMENTS"])
    image.type(image.command("image-run"), run=f"{RUN} {lent}")
    yield page
    image.says("docker rm --force --volumes pictor-agent")


def test_a_node_in_a_container_earns_and_signs_off(image: Terminal, node, creator: Creator, tiny_scene):
    def state() -> dict:
        return json.loads(image.type("docker inspect --format '{{json .State}}' pictor-agent"))

    def told(column: str, table: str = "workers_worker") -> object:
        key = "id" if table == "workers_worker" else "worker_id"
        found = creator.ask(f"SELECT {column} FROM {table} WHERE {key} = %s", int(node.split("/")[2]))
        assert state()["Running"], image.type("docker logs pictor-agent 2>&1")
        return found[0][0] if found else None

    await_that(lambda: told("connected_at"), "the container signed on")
    assert told("isolation") == "bubblewrap"
    await_that(lambda: told("passed", "workers_selftest"), "its self-test passed")

    job = creator.upload(tiny_scene)
    creator.submit(job)
    creator.finish(job)
    assert creator.tasks(job) == {"accepted": 4}
    await_that(lambda: state()["Health"]["Status"] == "healthy", "Docker sees it healthy")

    image.type("docker stop pictor-agent")
    assert state()["ExitCode"] == 0
    said = image.type("docker logs pictor-agent 2>&1")
    assert "Signed off" in said
    assert creator.ask("SELECT connected_at FROM workers_worker WHERE name = 'container'") == [(None,)]
