"""The one hold of a job: opened at submit, topped up per batch, released when nothing more can be charged.

Every function here wants the job's row locked by its caller.
"""

from collections.abc import Sequence
from datetime import datetime

from credit import services as credit
from credit.errors import InsufficientCredit
from rendering.estimates import reserve_micros
from rendering.models import Job
from rendering.states import PauseReason

BATCH_TASKS = 16  # how many further tasks a top-up looks ahead


def open_hold(job: Job, *, tasks: int, now: datetime) -> None:
    """Set credit aside for the first tasks; as much as there is, but at least for one.

    Raises:
        InsufficientCredit: not even one task is covered.
    """
    reserve = reserve_micros(job, now)
    wanted = _within_cap(job, reserve * min(tasks, BATCH_TASKS), held_micros=0)
    least = min(reserve, wanted)
    available = credit.balance_of(job.owner).available_micros
    hold = credit.open_hold(
        key=_next_key(job), owner=job.owner, amount_micros=max(least, min(wanted, available)), purpose=f"Rendering “{job.name}”"
    )
    job.hold_id = hold.pk
    job.save(update_fields=["hold_id", "hold_moves"])


def covered_tasks(job: Job, *, open_tasks: int, wanted: int, now: datetime) -> tuple[int, PauseReason | None]:
    """How many of `wanted` further tasks cap and credit cover, and what was too small for the rest.

    Args:
        open_tasks: those in work or being checked; their charges are still to come.
    """
    reserve = reserve_micros(job, now)
    short = None
    if job.cap_micros is not None:
        pauses_at_micros = job.cap_micros * job.pause_percent // 100
        by_cap = max(0, (pauses_at_micros - job.charged_micros) // reserve - open_tasks)
        wanted, short = (by_cap, PauseReason.CAP) if by_cap < wanted else (wanted, None)
    held = _cover(job, needed_micros=(open_tasks + wanted) * reserve, ahead_micros=BATCH_TASKS * reserve)
    by_credit = max(0, held // reserve - open_tasks)
    return (by_credit, PauseReason.CREDIT) if by_credit < wanted else (wanted, short)


def chargeable_all(job: Job, charges: Sequence[int]) -> list[int]:
    """The charges in their order, each bounded by what the cap, and the hold topped up as far as credit goes, still give."""
    left = _within_cap(job, sum(charges), held_micros=0)
    left = min(left, _cover(job, needed_micros=left)) if left else 0
    granted = []
    for charge in charges:
        granted.append(min(charge, left))
        left -= granted[-1]
    return granted


def release_hold(job: Job) -> None:
    """Give the rest back; a later requeue opens a new hold."""
    if job.hold_id:
        credit.release_hold(hold_id=job.hold_id, key=f"job:{job.pk}:hold:{job.hold_id}:release")
        job.hold_id = None
        job.save(update_fields=["hold_id"])


def _cover(job: Job, *, needed_micros: int, ahead_micros: int = 0) -> int:
    """Bring the hold to `needed_micros` (and `ahead_micros` more, once it must grow) or as near as credit goes."""
    held = credit.hold_remaining(job.hold_id) if job.hold_id else 0
    if held >= needed_micros or not job.hold_id:
        return held
    missing = _within_cap(job, needed_micros + ahead_micros - held, held_micros=held)
    missing = min(missing, credit.balance_of(job.owner).available_micros)
    try:
        return _extend(job, missing) if missing > 0 else held
    except InsufficientCredit:  # spent elsewhere between the two statements: the next look sees the true balance
        return held


def _extend(job: Job, amount_micros: int) -> int:
    held = credit.extend_hold(hold_id=job.hold_id, key=_next_key(job), amount_micros=amount_micros)
    job.save(update_fields=["hold_moves"])
    return held


def _within_cap(job: Job, amount_micros: int, *, held_micros: int) -> int:
    """`amount_micros`, so that charged, held and this stay within the cap."""
    if job.cap_micros is None:
        return amount_micros
    return max(0, min(amount_micros, job.cap_micros - job.charged_micros - held_micros))


def _next_key(job: Job) -> str:
    """A key never used before: the counter is saved in the same transaction as the movement."""
    job.hold_moves += 1
    return f"job:{job.pk}:hold:{job.hold_moves}"
