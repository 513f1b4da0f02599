"""Filters and tags that every template may use (a template builtin): money, sizes, durations, times, icons, plots."""

import math
from datetime import datetime
from functools import cache

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from common import clock, plots
from common.markup import text
from common.money import format_credits, format_exact
from common.words import plural

register = template.Library()

NOTHING = "–"
MINUTE, HOUR, DAY, MONTH = 60, 3600, 86_400, 30 * 86_400


@register.filter
def credits(amount_micros: int | None, places: int = 2) -> str:
    """Micro-credits as credits: {{ amount_micros|credits }} or {{ rate_micros|credits:6 }}."""
    return NOTHING if amount_micros is None else format_credits(amount_micros, places=places)


@register.filter
def exact_credits(amount_micros: int | None) -> str:
    """Micro-credits as credits without rounding, where a single frame's price is shown: {{ amount_micros|exact_credits }}."""
    return NOTHING if amount_micros is None else format_exact(amount_micros)


@register.filter
def rough_credits(amount_micros: int) -> str:
    """A key figure: cents from a tenth of a credit on, below it every micro: 37_368_948 -> "37.36", 312 -> "0.000312"."""
    return format_credits(amount_micros, places=2) if abs(amount_micros) >= 100_000 else format_exact(amount_micros)


@register.filter
def rounded_credits(amount_micros: float) -> str:
    """The top of a chart of money, which a plot rounds to whole micros or more: {{ plot.top|rounded_credits }}."""
    return format_exact(round(amount_micros))


@register.filter
def grouped(count: int | None) -> str:
    """A count with its thousands apart: 12345 -> "12,345"."""
    return NOTHING if count is None else f"{count:,}"


@register.filter
def figure(value: float | None) -> str:
    """A number at the precision a chart needs, three digits: 0.00231 -> "0.00231", 5.42 -> "5.42", 1234.5 -> "1,234"."""
    if value is None:
        return NOTHING
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.{2 - math.floor(math.log10(abs(value)))}f}".rstrip("0").rstrip(".")


@register.filter
def duration(seconds: float | None) -> str:
    """A length of time in its two largest units: 3.94 -> "3.9 s", 75 -> "1 min 15 s", 90000 -> "1 d 1 h"."""
    if seconds is None:
        return NOTHING
    if seconds < MINUTE:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for size, unit, smaller, smaller_unit in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min"), (MINUTE, "min", 1, "s")):
        if whole >= size:
            return _two_units(whole, size, unit, smaller, smaller_unit)
    return "1 min"


@register.filter
def long_duration(seconds: int) -> str:
    """A length of time for a sentence, exact: 86400 -> "1 day", 5400 -> "90 minutes"."""
    size, unit = next(
        (size, unit) for size, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")) if seconds % size == 0
    )
    return plural(seconds // size, unit)


def _two_units(seconds: int, size: int, unit: str, smaller: int, smaller_unit: str) -> str:
    rest = seconds % size // smaller
    return f"{seconds // size} {unit}" + (f" {rest} {smaller_unit}" if rest else "")


@register.filter
def filesize(size_bytes: int | None) -> str:
    """Bytes in decimal units, as disks and networks count them: 1_532_000 -> "1.5 MB"."""
    if size_bytes is None:
        return NOTHING
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            return f"{size:.0f} {unit}" if size >= 99.5 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable: TB takes everything")


@register.filter
def memory(size_bytes: int | None) -> str:
    """Bytes of RAM or VRAM in binary gigabytes, the way they are sold: 25_757_220_864 -> "24 GB"."""
    return NOTHING if size_bytes is None else f"{size_bytes / 1024**3:.1f} GB".replace(".0 GB", " GB")


@register.filter
def percent(part: float | None, whole: float | None = 1) -> str:
    """A share in words: {{ 0.62|percent }} or {{ accepted|percent:total }} -> "62 %". Rounded down: 100 % means all."""
    if part is None or not whole:
        return NOTHING
    return f"{int(part * 100 / whole)} %"


@register.filter
def percent_number(part: float | None, whole: float | None = 1) -> float:
    """The same as a number from 0 to 100 with two decimals, for components that draw it."""
    return min(100.0, max(0.0, round((part or 0) * 100 / whole, 2))) if whole else 0.0


@register.filter
def ago(when: datetime | None, now: datetime | None = None) -> str:
    """How long ago: "just now", "5 minutes ago", "in 3 hours"; from 30 days on the date."""
    if when is None:
        return "never"
    seconds = ((now or clock.now()) - when).total_seconds()
    if abs(seconds) < 45:
        return "just now"
    if abs(seconds) >= MONTH:
        return timezone.localtime(when).strftime("%-d %b %Y")
    count, unit = _largest_unit(abs(seconds))
    words = f"{count} {unit}" + ("s" if count != 1 else "")
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _largest_unit(seconds: float) -> tuple[int, str]:
    for size, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= size:
            return int(seconds // size), unit
    return int(seconds), "second"


@register.simple_tag
def time_tag(when: datetime | None) -> str:
    """A <time> that says how long ago; static/js/times.js keeps it current and adds the reader's own time zone."""
    if when is None:
        return "never"
    exact = timezone.localtime(when).strftime("%-d %b %Y, %H:%M:%S %Z")
    return format_html('<time datetime="{}" title="{}" data-ago>{}</time>', when.isoformat(), exact, ago(when))


@register.simple_tag
@cache
def icon(name: str, size: str = "") -> str:
    """A line icon of the sprite, invisible to screen readers: {% icon "box" %}, sizes "s", "l", "xl". Pages have dozens."""
    size_class = f" icon-{size}" if size else ""
    sprite = static("vendor/lucide/icons.svg")
    return format_html('<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>', size_class, sprite, name)


@register.simple_tag
def attributes(given: dict) -> str:
    """What a form's widget carries, as in django/forms/widgets/attrs.html: {% attributes widget.attrs %}."""
    return mark_safe("".join(_attribute(name, value) for name, value in given.items() if value is not False))


def _attribute(name: str, value: object) -> str:
    return f" {text(name)}" if value is True else f' {text(name)}="{text(value)}"'


@register.simple_tag
def options(groups: list[tuple[str | None, list[dict], int]]) -> str:
    """Everything inside a select: a list of time zones has hundreds. {% options widget.optgroups %}"""
    return mark_safe("".join(_group(label, choices) for label, choices, _ in groups))


def _group(label: str | None, choices: list[dict]) -> str:
    inside = "".join(map(_option, choices))
    return f'<optgroup label="{text(label)}">{inside}</optgroup>' if label else inside


def _option(choice: dict) -> str:
    attrs = choice["attrs"] and attributes(choice["attrs"])
    return f'<option value="{text(choice["value"])}"{attrs or ""}>{text(choice["label"])}</option>'


@register.filter
def avatar_tone(pk: int | None) -> int:
    """Which of the five avatar colours a user has."""
    return (pk or 0) % 5


@register.simple_tag
def line_plot(points: list[tuple[str, float]], top: float | None = None) -> plots.Line:
    """Geometry of a line chart: {% line_plot points as plot %}; with `top` its plot ends there."""
    return plots.line(points, top or None)


@register.simple_tag
def bar_plot(points: list[tuple[str, float]]) -> plots.Bars:
    """Geometry of a bar chart: {% bar_plot points as plot %}."""
    return plots.bars(points)
