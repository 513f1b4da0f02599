"""The preview gate: every Nth frame first, then nothing more until the creator approves. PURE.

Until then only the preview's frames have work in the queue, so no later frame can slip through.
"""

from rendering.states import TaskStatus


def preview_count(frames: int, step: int) -> int:
    """How many frames the preview has: every `step`th of `frames`, the first one included."""
    return -(-frames // step) if step else frames


def is_closed(*, step: int, is_approved: bool, frames: int) -> bool:
    """Are there frames behind the preview that still wait for approval?"""
    return bool(step) and not is_approved and preview_count(frames, step) < frames


def is_reached(counts: dict[str, int], *, step: int, frames: int) -> bool:
    """Behind a closed gate: is every frame of the preview done, so that the rest alone is left?"""
    under_way = counts.get(TaskStatus.RENDERING, 0) + counts.get(TaskStatus.CHECKING, 0)
    return not under_way and counts.get(TaskStatus.WAITING, 0) == frames - preview_count(frames, step)
