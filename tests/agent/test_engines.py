"""The registry is what pages show and what nodes may be asked for."""

from pathlib import Path

import pytest

from pictor_agent import engines
from pictor_agent.engines import fetching


class RegistryTests:
    def test_cycles_and_eevee_on_three_blenders_are_what_one_can_choose(self):
        assert [engine.name for engine in engines.available()] == ["cycles", "eevee"]
        assert [version.exact for version in engines.find("cycles").versions_available] == ["5.0.1", "4.5.15", "4.2.23"]

    def test_every_pair_of_them_can_be_rendered(self):
        assert all(
            engines.can_render(engine.name, version.exact)
            for engine in engines.available()
            for version in engines.blender_versions_available()
        )

    def test_what_comes_is_listed_and_cannot_be_chosen(self):
        assert "redshift" in [engine.name for engine in engines.coming()]
        assert not engines.can_render("redshift", "5.0.1")
        assert not engines.can_render("cycles", "4.3.0")
        assert "Houdini" in engines.software_coming()
        assert "Blender" not in engines.software_coming()

    def test_names_are_their_keys_and_there_is_one_file_for_each(self):
        assert all(engine.name == name for name, engine in engines.ENGINES.items())
        assert all(engine.software in engines.SOFTWARE for engine in engines.ENGINES.values())
        assert all((Path(engines.__file__).parent / f"{name}.py").exists() for name in engines.ENGINES)

    @pytest.mark.parametrize(
        ("saved", "renders"),
        [
            ("2.80", "4.2.23"),
            ("3.6", "4.2.23"),
            ("4.1", "4.2.23"),
            ("4.2.3", "4.2.23"),
            ("4.3", "4.5.15"),
            ("4.4", "4.5.15"),
            ("4.5", "4.5.15"),
            ("5.0", "5.0.1"),
            ("5.1", None),
        ],
    )
    def test_a_file_gets_the_oldest_version_that_can_open_it(self, saved, renders):
        found = engines.version_for_file(saved)
        assert (found and found.exact) == renders

    def test_blender_s_own_names_are_known(self):
        assert engines.find_by_blender_id("CYCLES").name == "cycles"
        assert engines.find_by_blender_id("BLENDER_EEVEE_NEXT").name == "eevee"
        assert engines.find_by_blender_id("POVRAY") is None

    def test_every_version_has_its_lock_with_hashes(self):
        for version in engines.blender_versions_available():
            lock = fetching.lock_file(version.exact).read_text()
            assert lock.startswith(f"bpy=={version.exact} ")
            assert "numpy==1." in lock
            assert lock.count("--hash=sha256:") > 8
