"""What a job's page has by the hundred, as markup made in Python: a template takes five times as long."""

from django import template
from django.utils.safestring import mark_safe

from common.markup import text
from rendering.models import Job
from rendering.presentation.frame_map import Window
from rendering.presentation.frames import Spot, Tile

register = template.Library()


@register.simple_tag
def frame_tiles(tiles: list[Tile], job: Job) -> str:
    """The grid of the job's own page."""
    return mark_safe("\n    ".join(_tile(tile, job.unit.capitalize(), opens_viewer=not job.tiles) for tile in tiles))


def _tile(tile: Tile, unit: str, *, opens_viewer: bool) -> str:
    status, words = text(tile.status), text(tile.words)
    renders = tile.status == "rendering"
    return "".join(
        (
            f'<a class="strip-frame{" is-next" if tile.is_next else ""}" href="{text(tile.href)}"',
            f' data-view="{tile.frame}"' if opens_viewer else "",
            f' data-status="{status}"',
            f' data-task="{tile.task_id}"' if renders else "",
            f' aria-label="{unit} {tile.frame}, {words}"',
            f' title="{words}"' if tile.status == "failed" else "",
            f">{_thumb(tile)}",
            f'<span class="strip-number">{tile.frame}</span>',
            _progress(tile, unit) if renders and not tile.is_next else "",
            "</a>",
        )
    )


@register.simple_tag
def watched_tiles(tiles: list[Tile], job: Job) -> str:
    """The grid of its watch page: nothing there can be chosen, and nothing says more than the status."""
    return mark_safe("\n      ".join(_watched(tile, job.unit.capitalize()) for tile in tiles))


def _watched(tile: Tile, unit: str) -> str:
    status = text(tile.status)
    return (
        f'<a class="strip-frame{" is-next" if tile.is_next else ""}" href="{text(tile.href)}" data-status="{status}"'
        f' title="{unit} {tile.frame}">{_thumb(tile)}<span class="strip-number"><span class="visually-hidden">{unit} </span>'
        f'{tile.frame}<span class="visually-hidden">, {status}</span></span></a>'
    )


def _thumb(tile: Tile) -> str:
    return (
        f'<img src="{text(tile.thumb)}" alt="" decoding="async" loading="lazy" width="240" height="135">' if tile.thumb else ""
    )


def _progress(tile: Tile, unit: str) -> str:
    return f'<progress max="100" value="{tile.percent}" aria-label="{unit} {tile.frame}">{tile.percent} %</progress>'


@register.simple_tag
def chart_columns(spots: list[Spot]) -> str:
    """Where a pointer finds the points of the chart of seconds, and their words."""
    return mark_safe(
        "".join(
            f'<rect class="chart-hit" x="{spot.left}%" y="0" width="{spot.width}%" height="100%"><title>{text(spot.words)}</title></rect>'
            for spot in spots
        )
    )


@register.simple_tag
def map_windows(windows: list[Window], shown: Window) -> str:
    """The parts of the strip under its picture."""
    return mark_safe("".join(_window(each, is_current=each.number == shown.number) for each in windows))


def _window(window: Window, *, is_current: bool) -> str:
    address, current = f"?page={window.number}#job-strip", ' class="is-current"' if is_current else ""
    return f'<a href="{address}" tabindex="-1" title="Frames {text(window.span)}: {text(window.words)}"{current}></a>'
