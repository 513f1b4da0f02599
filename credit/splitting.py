"""How an amount divides over buckets and shares, to the micro. Pure."""

from collections.abc import Mapping
from typing import TypeVar

from common.money import split_by_shares

Name = TypeVar("Name")
SHARES = ("worker", "checkers", "network")  # ties go to the earlier one


def apportion(amount_micros: int, weights: Mapping[Name, int]) -> dict[Name, int]:
    """Divide an amount in proportion to `weights` by largest remainder; ties go to the earlier name.

    A part never exceeds its weight when the amount does not exceed their sum.
    """
    whole = sum(weights.values())
    assert amount_micros == 0 or whole > 0, "nothing to divide over"
    if not amount_micros:
        return dict.fromkeys(weights, 0)
    parts = {name: amount_micros * weight // whole for name, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda name: -(amount_micros * weights[name] % whole))
    for name in by_remainder[: amount_micros - sum(parts.values())]:
        parts[name] += 1
    assert sum(parts.values()) == amount_micros
    return parts


def take_in_order(amount_micros: int, available: Mapping[Name, int]) -> dict[Name, int]:
    """What each bucket gives, emptied in the order of `available`; buckets that give nothing are left out.

    The caller has made sure that they cover the amount.
    """
    taken = {}
    for name, at_hand in available.items():
        part = min(at_hand, amount_micros)
        amount_micros -= part
        if part:
            taken[name] = part
    assert amount_micros == 0, "the buckets do not cover the amount"
    return taken


def divide_charge(by_bucket: Mapping[Name, int], shares_bp: Mapping[str, int]) -> dict[Name, dict[str, int]]:
    """Each bucket's part for worker, checkers and network.

    The whole charge is split once by largest remainder (ties: worker, checkers, network). Each share then takes
    from the buckets in proportion, so that nobody is paid with promotional money more than another.
    """
    ordered = {name: shares_bp[name] for name in SHARES}
    assert len(shares_bp) == len(SHARES), "a charge has three shares"
    whole = split_by_shares(sum(by_bucket.values()), ordered)
    rest = dict(by_bucket)
    divided: dict[Name, dict[str, int]] = {bucket: {} for bucket in by_bucket}
    for share in SHARES:
        for bucket, part in apportion(whole[share], rest).items():
            divided[bucket][share] = part
            rest[bucket] -= part
    assert not any(rest.values())
    return divided
