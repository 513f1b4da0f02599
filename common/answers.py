"""What somebody else's server says, brought into the shape that was asked for: nothing is believed before it has it.

Each raises what `error` makes of some words; an app names its own once, by `functools.partial`.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

NUMBER = re.compile("[0-9]{1,78}|0x[0-9a-fA-F]{1,64}")  # 2**256 has 78 digits, or 64 of base 16
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Refuse = Callable[[str], Exception]


def whole(value: object, *, error: Refuse, bits: int = 256) -> int:
    """A number from 0 on that so many bits can hold, as nodes write it: 12, "12" or "0xc"."""
    number = None
    if isinstance(value, str) and NUMBER.fullmatch(value):
        number = int(value, 16 if value.startswith("0x") else 10)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    if number is None or not 0 <= number < 1 << bits:
        raise error(f"not a number: {value!r:.60}")
    return number


def moment(value: object, *, error: Refuse, unit: timedelta) -> datetime:
    """A time that is counted in `unit` from 1970 on."""
    try:
        return EPOCH + whole(value, error=error, bits=63) * unit
    except OverflowError:
        raise error(f"not a time: {value!r:.60}") from None


def mapping(value: object, *, error: Refuse) -> dict:
    if not isinstance(value, dict):
        raise error(f"not an object: {value!r:.60}")
    return value


def listing(value: object, *, error: Refuse) -> list:
    if not isinstance(value, list):
        raise error(f"not a list: {value!r:.60}")
    return value
