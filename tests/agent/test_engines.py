"""The registry is what pages show and what nodes may be asked for."""

import pytest

from pictor_agent import engines


class RegistryTests:
    def test_cycles_on_blender_5_is_what_one_can_choose(self):
        assert [engine.name for engine in engines.available()] == ["cycles"]
        assert [version.exact for version in engines.find("cycles").versions_available] == ["5.0.1"]

    def test_what_comes_is_listed_and_cannot_be_chosen(self):
        assert "eevee" in [engine.name for engine in engines.coming()]
        assert not engines.can_render("eevee", "5.0.1")
        assert not engines.can_render("cycles", "4.5.15")
        assert "Houdini" in engines.software_coming()
        assert "Blender" not in engines.software_coming()

    def test_names_are_their_keys(self):
        assert all(engine.name == name for name, engine in engines.ENGINES.items())
        assert all(engine.software in engines.SOFTWARE for engine in engines.ENGINES.values())

    @pytest.mark.parametrize(("saved", "renders"), [("5.0", "5.0.1"), ("5.0.0", "5.0.1"), ("3.6.2", "5.0.1"), ("5.1", None)])
    def test_a_file_gets_a_version_that_can_open_it(self, saved, renders):
        found = engines.version_for_file(saved)
        assert (found and found.exact) == renders

    def test_blender_s_own_names_are_known(self):
        assert engines.find_by_blender_id("CYCLES").name == "cycles"
        assert engines.find_by_blender_id("BLENDER_EEVEE_NEXT").name == "eevee"
        assert engines.find_by_blender_id("POVRAY") is None
