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


def format_frames(frames: list[int]) -> str:
    """The shortest usual expression of ascending frames: [1, 2, 3, 7] -> "1-3, 7"; [1, 3, 5] -> "1-5x2"."""
    words, start = [], 0
    while start < len(frames):
        end = _run_end(frames, start)
        words.append(_run_words(frames[start : end + 1]))
        start = end + 1
    return ", ".join(words)


def _run_end(frames: list[int], start: int) -> int:
    """Index of the last frame that keeps the distance of the first two; runs of two only count when they touch."""
    if start + 1 == len(frames):
        return start
    step, end = frames[start + 1] - frames[start], start + 1
    while end + 1 < len(frames) and frames[end + 1] - frames[end] == step:
        end += 1
    return end if step == 1 or end - start >= 2 else start


def _run_words(run: list[int]) -> str:
    if len(run) == 1:
        return str(run[0])
    step = run[1] - run[0]
    return f"{run[0]}-{run[-1]}" + (f"x{step}" if step > 1 else "")
