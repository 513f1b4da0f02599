"""Could a node of somebody else do it? Asked before one owner's nodes alone decide anything."""

from collections.abc import Set
from datetime import datetime

from workers import census, misfits
from workers.matching import NOTHING, Requirements, mismatch


def fits_elsewhere(requirements: dict, affinity: str, *, whose: int, but_of: Set[int], now: datetime) -> bool:
    """Work of this user: does a node that takes work now fit, of an owner who is not among `but_of`? Of a large network a few seconds old."""
    needed = Requirements.from_json(requirements)
    learned = misfits.learned([affinity], now=now).get(affinity, NOTHING)
    return any(
        owner_id not in but_of and mismatch(needed, each.facts.of(worker_id, owner_id), learned) is None
        for each in (known.met_by(whose) for known in census.classes_of_late())
        for worker_id, owner_id in zip(each.ids, each.owner_ids, strict=True)
    )
