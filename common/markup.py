"""Markup that Python makes where a page has an element a hundred times: a template takes many times as long."""

import html


def text(value: object) -> str:
    """What a value says, safe between tags and in quotes; as django.utils.html.conditional_escape, in a third of its time."""
    return value.__html__() if hasattr(value, "__html__") else html.escape(str(value))
