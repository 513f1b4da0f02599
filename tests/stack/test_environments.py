"""What a stranger reads when an install fails, and where packages come from."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pictor.stack import environments

LOCK = Path("requirements/base.txt")


def failed(words: str) -> subprocess.CompletedProcess:
    return subprocess.CompletedProcess([], 1, stdout="", stderr=words)


class ExplainedTests:
    def test_a_wheel_that_this_platform_lacks_is_one_line_with_the_platform(self):
        words = "lots of text\nERROR: No matching distribution found for bpy==5.0.1"
        line = environments.explained(failed(words), Path("blender-5.0.1.txt"))
        assert line.startswith("blender-5.0.1.txt: no wheel for this platform (")
        assert "bpy==5.0.1" in line
        assert "\n" not in line

    def test_a_full_disk_is_called_so(self):
        words = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
        assert environments.explained(failed(words), LOCK).startswith("The disk is full")

    def test_an_index_that_does_not_answer_is_not_called_a_missing_wheel(self):
        words = "WARNING: Retrying after connection broken by NewConnectionError\nERROR: No matching distribution found for uv"
        assert environments.explained(failed(words), LOCK).startswith("The package index cannot be reached")

    def test_anything_else_keeps_the_installer_s_own_line(self):
        assert environments.explained(failed("ERROR: hashes do not match"), LOCK).endswith("ERROR: hashes do not match")


class IndexTests:
    def test_the_index_of_pip_is_told_to_uv_as_well(self, monkeypatch):
        monkeypatch.setenv("PIP_INDEX_URL", "http://index.invalid/simple")
        found = environments.index_environment(Path(sys.executable))
        assert found["PIP_INDEX_URL"] == found["UV_DEFAULT_INDEX"] == "http://index.invalid/simple"

    def test_a_folder_of_wheels_that_is_not_there_is_left_out(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path} {tmp_path / 'gone'}")
        assert environments.index_environment(Path(sys.executable))["UV_FIND_LINKS"] == str(tmp_path)


class LockTests:
    @pytest.mark.parametrize("lock", sorted(Path("requirements").glob("*.txt")), ids=lambda lock: lock.stem)
    def test_every_requirement_is_pinned_with_hashes_and_names_no_index(self, lock):
        text = lock.read_text()
        assert "--index-url" not in text
        assert "://" not in text
        pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all("==" in line and line.endswith("\\") for line in pinned)

    def test_a_node_takes_what_the_agent_s_package_asks_for(self):
        asked = tomllib.loads(Path("pyproject.toml").read_text())["project"]["dependencies"]
        listed = [line for line in Path("requirements/node.in").read_text().splitlines() if not line.startswith("#")]
        assert sorted(asked) == sorted(listed)

    def test_each_lock_has_its_list(self):
        assert {file.stem for file in Path("requirements").glob("*.in")} == {
            file.stem for file in Path("requirements").glob("*.txt")
        }
