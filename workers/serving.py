"""Whom a node serves, in which order, and with what. Pure: the words of its owner's controls, and what follows from them."""

from collections.abc import Collection
from enum import StrEnum

TEAM_MAX = 50


class Serves(StrEnum):
    """The order of service. Ranks are lists of users whose waiting work goes first, one rank after the other."""

    ALIKE = "alike"  # everybody, in the turns of the network
    OWN_FIRST = "own_first"  # the owner, then everybody
    TEAM_FIRST = "team_first"  # the owner, their team, then everybody
    TEAM_ONLY = "team_only"  # the owner, their team, nobody else
    OWN_ONLY = "own_only"  # the owner, nobody else


NOBODY_ELSE = frozenset({Serves.TEAM_ONLY, Serves.OWN_ONLY})
WITH_TEAM = frozenset({Serves.TEAM_FIRST, Serves.TEAM_ONLY})


class Use(StrEnum):
    """What a node may be used for."""

    RENDER = "render"
    CHECK = "check"
    RENT = "rent"


USES_BY_DEFAULT = frozenset({Use.RENDER.value, Use.CHECK.value})


Ranks = tuple[frozenset[int], ...]


def ranks_of(serves: str, owner_id: int, team_ids: Collection[int]) -> Ranks:
    """The users whose work goes first on a node, rank by rank."""
    if serves == Serves.ALIKE:
        return ()
    own = frozenset({owner_id})
    team = frozenset(team_ids) - own if serves in WITH_TEAM else frozenset()
    return (own, team) if team else (own,)


def uses_of(*, render: bool, check: bool, rent: bool) -> frozenset[str]:
    allowed = {Use.RENDER: render, Use.CHECK: check, Use.RENT: rent}
    return frozenset(use.value for use, is_allowed in allowed.items() if is_allowed)


def slots_of(slots_per_gpu: int | None, slots_cpu: int, gpus: int) -> int:
    """How many tasks at a time. Without a figure per GPU a node with GPUs takes one, with all of them."""
    if not gpus:
        return slots_cpu
    return gpus * slots_per_gpu if slots_per_gpu else 1
