"""Frame expressions: `1-100`, `1-100x2`, `3,7,9` and any mixture, as creators write them. PURE."""

import re

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
