"""The archive that the agent's image is made from. That it can be built and works: tests/image, by `make test-image`."""

import io
import json
import shutil
import tarfile

from django.conf import settings
from django.urls import reverse

from pictor_agent import seccomp
from workers import agent_image, agent_wheel, installing

BUBBLEWRAP_CALLS = {"mount", "umount2", "pivot_root", "unshare", "sethostname"}


class ArchiveTests:
    def test_it_holds_all_that_a_build_copies(self, client):
        answer = client.get(reverse("workers:agent-image"))
        with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
            names = {name.removeprefix("pictor-agent-image/") for name in tar.getnames()}
            wheel = tar.extractfile(f"pictor-agent-image/wheels/{agent_wheel.offered().name}").read()
        assert names == {"Dockerfile", "seccomp.json", "requirements.txt", f"wheels/{agent_wheel.offered().name}"}
        assert wheel == agent_wheel.offered().content

    def test_nothing_else_that_lies_beside_them_is_handed_out(self, monkeypatch, tmp_path):
        shutil.copytree(agent_image.PLACE, tmp_path / "worker")
        (tmp_path / "worker" / "node.toml").write_text("key = 'an owner tried the image here'")
        (tmp_path / "worker" / "wheels").mkdir()
        monkeypatch.setattr(agent_image, "PLACE", tmp_path / "worker")
        packed = agent_image.archive.__wrapped__()
        assert packed == agent_image.archive()

    def test_every_process_packs_the_same_bytes(self):
        first = agent_image.archive()
        agent_image.archive.cache_clear()
        assert agent_image.archive() == first


class SystemCallTests:
    def test_a_container_refuses_what_a_box_refuses_less_what_makes_a_box(self):
        (rule,) = json.loads((agent_image.PLACE / "seccomp.json").read_text())["syscalls"]
        assert set(rule["names"]) == {*seccomp.REFUSED, *seccomp.REFUSED_X86} - BUBBLEWRAP_CALLS


class CommandTests:
    def test_they_name_this_server_and_the_folder_of_the_archive(self):
        commands = installing.container_commands()
        assert f"{settings.SITE_URL}{reverse('workers:agent-image')}" in commands["build_command"]
        assert commands["build_command"].endswith(" pictor-agent-image")
        assert "seccomp=pictor-agent-image/seccomp.json" in commands["container_command"]

    def test_the_document_for_operators_says_the_same(self, settings):
        settings.SITE_URL = "SITE_URL"
        document = (settings.BASE_DIR / "docs" / "operations.md").read_text()
        assert [command for command in installing.container_commands().values() if f"\n{command}\n" not in document] == []
