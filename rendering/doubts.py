"""A doubtful frame, or one that was rendered before: what the other attempts at it say.

* Black, flat, repeated, or unlike the frame that was accepted before: a doubt. A node of another owner that comes to the
  same picture settles it; one owner's nodes confirm each other as often as they like.
* Where nobody else is there to ask, the third doubtful attempt ends it. What was never confirmed is kept for nothing, so
  that nobody gains by it; a scene that comes out differently every time is charged: its creator asked for it.
* A creator's own nodes confirm their own frames: there is nobody to cheat.
* A picture that two owners contradict with one and the same other picture is refuted. The creator's nodes have no say.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rendering.comparing import is_other_picture
from rendering.models import Attempt, Task
from rendering.reasons import DOUBTS, Reason

DOUBTED_MAX = 3  # attempts, where nobody else can be asked
ACCEPTED = "accepted"
OWNERS_NEEDED = 2


class Finding(NamedTuple):
    """What becomes of a frame that has passed all else."""

    doubt: Reason | None = None  # not settled: it is rendered once more
    refuted: tuple[int, ...] = ()  # attempts whose pictures are proved wrong
    is_free: bool = False  # kept, and not charged


class Look(NamedTuple):
    """An earlier attempt at the same frame whose picture is kept."""

    attempt: Attempt
    agrees: bool

    @property
    def owner_id(self) -> int:
        return self.attempt.worker.owner_id


Read = Callable[[Attempt], np.ndarray | None]


def finding(task: Task, attempt: Attempt, pixels: np.ndarray, doubt: Reason | None, *, read: Read, others_wait) -> Finding:
    """Settle a doubt, or raise one, by the earlier attempts.

    Args:
        doubt: what the checks say of the frame by itself.
        read: the pixels of an earlier attempt; None when they are gone.
        others_wait: called with the owners who were asked: is a node of somebody else online that fits?
    """
    looks = looks_at(task, attempt, pixels, read)
    doubt = doubt or (Reason.DIFFERS if any(_contradicts(look, looks) for look in looks) else None)
    owners = {attempt.worker.owner_id} | {look.owner_id for look in looks if look.agrees}
    if doubt and not _is_settled(task, attempt, looks, owners):
        return _unsettled(looks, attempt, doubt, others_wait)
    is_proof = len(owners - {task.job.owner_id}) >= OWNERS_NEEDED
    return Finding(refuted=tuple(look.attempt.pk for look in looks if not look.agrees) if is_proof else ())


def _contradicts(look: Look, looks: list[Look]) -> bool:
    """Was another picture accepted before, or has one stood against that since?"""
    newest = next((each for each in looks if each.attempt.outcome == ACCEPTED), None)
    is_newer = look in _since_accepted(looks) and look.attempt.outcome == Reason.DIFFERS
    return not look.agrees and (look is newest or is_newer)


def _is_settled(task: Task, attempt: Attempt, looks: list[Look], owners: set[int]) -> bool:
    is_own = attempt.worker.owner_id == task.job.owner_id
    return len(owners) >= OWNERS_NEEDED or (is_own and any(look.agrees for look in looks))


def _unsettled(looks: list[Look], attempt: Attempt, doubt: Reason, others_wait) -> Finding:
    """Once more, unless that was done often enough and nobody new is there."""
    doubted = _since_accepted(looks)
    asked = {attempt.worker.owner_id} | {look.owner_id for look in doubted}
    enough = len(doubted) + 1 >= DOUBTED_MAX and (len(asked) >= OWNERS_NEEDED or not others_wait(asked))
    return Finding(is_free=doubt != Reason.DIFFERS) if enough else Finding(doubt)


def _since_accepted(looks: list[Look]) -> list[Look]:
    """The doubtful ones of this start; `looks` are newest first."""
    numbers = [look.attempt.number for look in looks if look.attempt.outcome == ACCEPTED]
    return [look for look in looks if look.attempt.outcome in DOUBTS and look.attempt.number > max(numbers, default=0)]


def looks_at(task: Task, attempt: Attempt, pixels: np.ndarray, read: Read) -> list[Look]:
    """The earlier attempts that were accepted or doubtful, newest first, with whether they show the same picture."""
    earlier = task.attempts.filter(outcome__in=[ACCEPTED, *DOUBTS], number__lt=attempt.number)
    found = []
    for other in earlier.select_related("worker", "output").order_by("-number")[: 2 * DOUBTED_MAX]:
        agrees = _agrees(attempt, pixels, other, read)
        if agrees is not None:
            found.append(Look(other, agrees))
    return found


def _agrees(attempt: Attempt, pixels: np.ndarray, other: Attempt, read: Read) -> bool | None:
    """None when the other picture is gone."""
    if other.pixels_sha256 == attempt.pixels_sha256:
        return True
    seen = read(other)
    return None if seen is None else not is_other_picture(pixels, seen)
