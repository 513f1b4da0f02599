"""The page's style, script, letters and icons: those of the site, out of the checkout or of what the wheel brought."""

import sys
from pathlib import Path

from pictor_agent.app.lines import Response

OWN = Path(__file__).parent
SITE = (Path(__file__).parents[2] / "static", Path(sys.prefix) / "share" / "pictor-agent" / "static")
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
# Nothing but these is served; pyproject.toml puts the site's into the wheel (a test compares).
NAMES_OWN = ("app.css", "app.js")
NAMES_OF_SITE = (
    "css/tokens.css",
    "css/base.css",
    "css/layout.css",
    "css/components.css",
    "img/logo.svg",
    "vendor/lucide/icons.svg",
    "vendor/inter/inter-latin-wght-normal.woff2",
    "vendor/inter/inter-latin-ext-wght-normal.woff2",
    "vendor/jetbrains-mono/jetbrains-mono-latin-400-normal.woff2",
    "vendor/jetbrains-mono/jetbrains-mono-latin-ext-400-normal.woff2",
)


def file_of(name: str) -> Response | None:
    """None for a name that is not served. Read each time: an agent that waits for months keeps no pictures in memory."""
    path = next((path for path in _places(name) if path.is_file()), None)
    if path is None:
        return None
    return Response(path.read_bytes(), headers={"Content-Type": KINDS[path.suffix], "Cache-Control": "private, max-age=600"})


def _places(name: str) -> list[Path]:
    if name in NAMES_OWN:
        return [OWN / name]
    return [folder / name for folder in SITE] if name in NAMES_OF_SITE else []
