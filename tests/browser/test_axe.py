"""The key pages hold nothing that keeps people with disabilities from using them, as far as axe-core can tell, in both themes."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
AXE = Path(__file__).parent / "vendor/axe-core/axe.min.js"
FOUND = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .flatMap(({id, help, nodes}) => nodes.map(({target}) => `${id} (${help}): ${target.join(" ")}`))"""


def in_the_way(page, *paths: str) -> list[str]:
    """What axe finds on each page in each theme."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # nothing half faded in
        for path in paths:
            page.goto(path)
            page.evaluate(AXE.read_text())
            found += [f"{path}, {theme}: {violation}" for violation in page.evaluate(FOUND)]
    return found


def test_pages_before_a_job_keep_nobody_out(page, drawn):
    assert in_the_way(page, "/", "/rendering/new/", f"/rendering/jobs/{drawn}/settings/", "/rendering/scenes/") == []


def test_the_pages_of_a_job_keep_nobody_out(page, stage):
    play = stage("1-3")
    play.accepted(1, 2)
    assert in_the_way(page, "/rendering/", play.path, f"{play.path}frames/1/") == []
