"""The rules of the templates: headers, `only`, no inline style or script, icons and links that exist."""

import re

import pytest
from django.conf import settings
from django.template.loader import get_template

from pictor import catalogue

TEMPLATES = settings.BASE_DIR / "templates"
COMPONENTS = sorted(path.name for path in (TEMPLATES / "components").glob("*.html"))
LAYOUTS = ["base.html", *(f"layouts/{path.name}" for path in sorted((TEMPLATES / "layouts").glob("*.html")))]
ALL = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))


def source(name: str) -> str:
    return (TEMPLATES / name).read_text()


class HeaderTests:
    @pytest.mark.parametrize("name", [f"components/{name}" for name in COMPONENTS] + LAYOUTS)
    def test_every_component_and_layout_says_what_it_takes(self, name):
        header = re.search(r"{% comment %}(.*?){% endcomment %}", source(name), re.S)
        assert header, "no header"
        assert all(f"{word}:" in header[1] for word in ("Blocks", "Context", "Ids"))

    @pytest.mark.parametrize("name", COMPONENTS)
    def test_the_style_guide_or_the_shell_shows_every_component(self, name):
        shown = source("home/styleguide.html") + source("layouts/app.html") + source("base.html")
        nested = "".join(source(f"components/{other}") for other in COMPONENTS if other != name)
        assert f"components/{name}" in shown + nested


class TemplateTests:
    @pytest.mark.parametrize("name", ALL)
    def test_it_compiles(self, name):
        get_template(name)

    @pytest.mark.parametrize("name", ALL)
    def test_components_see_only_what_they_are_given(self, name):
        for tag in re.findall(r"{% include (?!\"unfold/).*?%}", source(name)):  # the console's own want the whole page
            assert tag.endswith(" only %}"), tag

    @pytest.mark.parametrize("name", ALL)
    def test_nothing_is_inline_that_the_policy_forbids(self, name):
        text = re.sub(r"{% comment %}.*?{% endcomment %}", "", source(name), flags=re.S)
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\b(src=|type=\"application/json\"))|javascript:", text)

    @pytest.mark.parametrize("name", ALL)
    def test_its_icons_are_in_the_sprite(self, name):
        used = set(re.findall(r'{% icon "([^"]+)"', source(name)) + re.findall(r'\bicon="([^"]+)"', source(name)))
        assert used <= set(catalogue.icon_names())

    @pytest.mark.parametrize("name", ALL)
    def test_no_link_leads_nowhere(self, name):
        assert 'href="#"' not in source(name)
