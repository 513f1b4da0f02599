"""Other people's files are unchanged and named; our colours can be read."""

import hashlib
import re

import pytest
from django.conf import settings

VENDORS = [settings.BASE_DIR / "static/vendor", settings.BASE_DIR / "tests/browser/vendor"]
OWN = {"CHECKSUMS", "VENDOR.md"}
NORMAL_TEXT = 4.5  # WCAG 2.2, 1.4.3
SHAPES = 3.0  # WCAG 2.2, 1.4.11


@pytest.mark.parametrize("vendor", VENDORS, ids=["static", "tests"])
class VendorTests:
    def test_every_file_has_its_checksum(self, vendor):
        listed = dict(reversed(line.split("  ./", 1)) for line in (vendor / "CHECKSUMS").read_text().splitlines())
        files = {str(path.relative_to(vendor)): path for path in vendor.rglob("*") if path.is_file() and path.name not in OWN}
        assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == listed

    def test_every_folder_keeps_its_licence_and_is_described(self, vendor):
        words = (vendor / "VENDOR.md").read_text()
        for folder in (path for path in vendor.iterdir() if path.is_dir()):
            assert (folder / "LICENSE").exists()
            assert f"`{folder.name}/`" in words


def tokens(theme: int) -> dict[str, tuple[float, ...]]:
    """Colours of tokens.css in one theme (0 light, 1 dark) as (red, green, blue, alpha), 0..1."""
    text = (settings.BASE_DIR / "static/css/tokens.css").read_text()
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w+|rgb\([^)]*\)), (#\w+|rgb\([^)]*\))\)", text)
    return {name: colour((light, dark)[theme]) for name, light, dark in pairs}


def colour(text: str) -> tuple[float, ...]:
    if text.startswith("#"):
        return (*(int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)), 1.0)
    red, green, blue, alpha = re.findall(r"[\d.]+", text)
    return (int(red) / 255, int(green) / 255, int(blue) / 255, float(alpha) / 100)


def over(top: tuple[float, ...], ground: tuple[float, ...]) -> tuple[float, ...]:
    return (*(a * top[3] + b * (1 - top[3]) for a, b in zip(top[:3], ground[:3], strict=True)), 1.0)


def luminance(rgb: tuple[float, ...]) -> float:
    """Relative luminance of WCAG 2.2."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
class ContrastTests:
    @pytest.mark.parametrize("ground", ["page", "panel", "raised"])
    @pytest.mark.parametrize("words", ["ink", "soft", "faint", "ok", "info", "warn-text", "bad-text", "accent-text"])
    def test_words_can_be_read_on_every_surface(self, theme, words, ground):
        known = tokens(theme)
        assert contrast(known[words], known[ground]) >= NORMAL_TEXT

    @pytest.mark.parametrize("tone", ["ok", "info", "warn", "bad", "accent"])
    def test_badges_can_be_read_on_their_tint(self, theme, tone):
        known = tokens(theme)
        words = known.get(f"{tone}-text", known[tone])
        for ground in ("page", "panel"):
            assert contrast(words, over(known[f"{tone}-tint"], known[ground])) >= NORMAL_TEXT

    def test_the_primary_button_can_be_read(self, theme):
        known = tokens(theme)
        assert contrast(known["accent-ink"], known["accent"]) >= NORMAL_TEXT
        assert contrast(known["accent-ink"], known["accent-strong"]) >= NORMAL_TEXT

    def test_one_sees_where_to_type(self, theme):
        known = tokens(theme)
        assert contrast(over(known["field-line"], known["panel"]), known["panel"]) >= SHAPES


class ModuleTests:
    """Files have hashes in their names in production, and an import has not: a module loaded both ways runs twice."""

    def test_no_page_loads_a_module_that_another_of_its_modules_imports(self):
        scripts = {path.name: path.read_text() for path in (settings.BASE_DIR / "static" / "js").glob("*.js")}
        for page in (settings.BASE_DIR / "templates").rglob("*.html"):
            loaded = set(re.findall(r'{% static "js/([\w-]+\.js)" %}', page.read_text()))
            imported = {name for each in loaded for name in re.findall(r'from "\./([\w-]+\.js)"', scripts[each])}
            assert not loaded & imported, page.name
