"""Frame expressions (`1-100`, `1-100x2`, `3,7,9` and any mixture), and the order in which frames are rendered. PURE."""

import re
from collections.abc import Sequence
from heapq import heappush, heapreplace

IN_ORDER, NTH, BISECT = "in_order", "nth", "bisect"  # see rendering.choices.RenderOrder
FRAMES_MAX = 10_000  # tasks of one job
FRAME_FIRST, FRAME_LAST = -1_048_574, 1_048_574  # what Blender accepts
EXPRESSION_CHARACTERS_MAX = 500

_PART = re.compile(r"(-?\d{1,8})(?:-(-?\d{1,8})(?:[x:](\d{1,8}))?)?", re.ASCII)


class BadFrames(ValueError):
    """The expression cannot be read; the message tells its creator what to write."""


def parse_frames(expression: str) -> list[int]:
    """The frames of an expression, ascending, each once.

    Raises:
        BadFrames: unreadable, empty, outside Blender's range, or more than FRAMES_MAX frames.
    """
    if len(expression) > EXPRESSION_CHARACTERS_MAX:
        raise BadFrames(f"Write the frames with at most {EXPRESSION_CHARACTERS_MAX} characters.")
    parts = [part for part in expression.replace(";", ",").split(",") if part.strip()]
    if not parts:
        raise BadFrames("Write at least one frame, for example 1-100.")
    frames: set[int] = set()
    for part in parts:
        frames.update(_range_of(part))
        if len(frames) > FRAMES_MAX:
            raise BadFrames(f"One job has at most {FRAMES_MAX:,} frames. Split the range into several jobs.")
    return sorted(frames)


def _range_of(part: str) -> range:
    match = _PART.fullmatch("".join(part.split()).lower().replace("–", "-"))
    if not match:
        raise BadFrames(f"“{part.strip()[:40]}” is not a frame or a range. Write 7, 1-100 or 1-100x2.")
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    step = 1 if match[3] is None else int(match[3])
    if step < 1:
        raise BadFrames("The step after “x” must be 1 or more.")
    if first > last:
        raise BadFrames(f"The range {first}-{last} runs backwards. Write {last}-{first}.")
    if first < FRAME_FIRST or last > FRAME_LAST:
        raise BadFrames(f"Blender knows the frames {FRAME_FIRST} to {FRAME_LAST}.")
    frames = range(first, last + 1, step)
    if len(frames) > FRAMES_MAX:
        raise BadFrames(f"{first}-{last} has {len(frames):,} frames; one job has at most {FRAMES_MAX:,}.")
    return frames


def in_render_order(frames: Sequence[int], order: str, step: int = 1) -> list[int]:
    """The frames in the order in which they are to be rendered: each once.

    Args:
        frames: ascending.
        step: N of "every Nth first".
    """
    if order == NTH:
        return _first(frames, preview_frames(frames, step))
    if order == BISECT:
        return [frames[index] for index in _bisected(len(frames))]
    return list(frames)


def preview_frames(frames: Sequence, step: int) -> list:
    """Every `step`th of `frames` (numbers or tasks), the first one included."""
    return list(frames[:: max(1, step)])


def sort_numbers(frames: Sequence[int], order: str, *, step: int = 1, preview_step: int = 0) -> dict[int, int]:
    """Frame -> its place in the queue among the frames of its job, from 0; those of the preview come first of all."""
    ordered = in_render_order(frames, order, step)
    if preview_step:
        ordered = _first(ordered, preview_frames(frames, preview_step))
    return {frame: number for number, frame in enumerate(ordered)}


def _first(frames: Sequence[int], chosen: Sequence[int]) -> list[int]:
    """`frames`, those that are `chosen` before the others, each part in its own order."""
    before = set(chosen)
    return [frame for frame in frames if frame in before] + [frame for frame in frames if frame not in before]


def _bisected(count: int) -> list[int]:
    """0 to count-1: the first, the last, then the middle of a gap, always of the widest gap."""
    found = [*range(min(count, 1)), *range(max(1, count - 1), count)]
    gaps = [(1 - count, 0)]  # (minus its width, where it begins): a heap, widest first
    while gaps:
        width, low = -gaps[0][0], gaps[0][1]
        if width < 2:
            break
        half = width // 2
        found.append(low + half)
        heapreplace(gaps, (-half, low))
        heappush(gaps, (half - width, low + half))
    return found
