"""The JavaScript tools of the tests are exactly what the lock says, from whatever registry this machine's npm knows."""

import json
import sys
from pathlib import Path

from pictor.stack import javascript

FOLDER = Path("tests/js")


def test_every_package_is_pinned_with_its_hash_and_names_no_host():
    text = (FOLDER / "package-lock.json").read_text()
    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())


def test_what_is_asked_for_is_exact():
    asked = json.loads((FOLDER / "package.json").read_text())
    versions = [*asked["dependencies"].values(), *asked["optionalDependencies"].values()]
    assert all(version[0].isdigit() for version in versions)


def test_linux_and_macos_have_a_chain_on_both_processors():
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    chains = [package for name, package in packages.items() if "/@foundry-rs/anvil-" in name]
    assert {(*chain["os"], *chain["cpu"]) for chain in chains} == {
        (s, cpu) for s in ("linux", "darwin") for cpu in ("x64", "arm64")
    }
    assert all(chain["optional"] for chain in chains)  # npm leaves those of other machines out


def test_the_registry_of_npm_is_told_to_the_user_who_installs(monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://registry.invalid/")
    assert javascript.settings(Path(sys.executable))["npm_config_registry"] == "http://registry.invalid/"


def test_a_program_that_is_no_npm_is_asked_nothing(tmp_path, monkeypatch):
    (tmp_path / "npm").write_text("#!/bin/sh\necho nonsense\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert javascript.settings(Path(sys.executable)) == {}
