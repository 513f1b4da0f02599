"""Templates that escape whatever is not markup already. A file of templates/ has $names; there is no logic in it."""

import html
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from string import Template

FOLDER = Path(__file__).parent / "templates"


class Markup(str):
    """HTML. Everything else that goes into a template is text."""

    __slots__ = ()


def fill(template: str, **values: object) -> Markup:
    """Raises KeyError for a name that is not given."""
    return Markup(_template(template).substitute({name: escaped(value) for name, value in values.items()}))


def joined(parts: Iterable[Markup]) -> Markup:
    return Markup("".join(parts))


def escaped(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(html.escape(str(value)))


@cache
def _template(name: str) -> Template:
    return Template((FOLDER / f"{name}.html").read_text())
