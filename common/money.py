"""Integer micro-credits: parsing, printing and splitting. 1 credit = 1 USD = 1,000,000 micros."""

from collections.abc import Mapping

MICROS = 1_000_000
SHARES_WHOLE_BP = 10_000


def parse_credits(text: str) -> int:
    """Micros written as credits with up to six decimals: "12.5" -> 12_500_000.

    Raises:
        ValueError: not a non-negative decimal number with at most six places.
    """
    whole, _, fraction = text.strip().partition(".")
    if not (whole or fraction) or not (whole + fraction).isascii() or not (whole + fraction).isdigit():
        raise ValueError(f"{text!r} is not an amount of credits")
    if len(fraction) > 6:
        raise ValueError("credits have at most six decimal places")
    return int(whole or 0) * MICROS + int(fraction.ljust(6, "0"))


def format_credits(amount_micros: int, *, places: int = 2) -> str:
    """Credits with `places` decimals, rounded towards zero, thousands separated: 1_234_567_890 -> "1,234.56"."""
    sign = "-" if amount_micros < 0 else ""
    whole, micros = divmod(abs(amount_micros), MICROS)
    fraction = f"{micros:06d}"[:places]
    return f"{sign}{whole:,}" + (f".{fraction}" if places else "")


def format_exact(amount_micros: int) -> str:
    """Credits to the last micro that is not zero, two decimals at least: 312 -> "0.000312", 5_000_000 -> "5.00"."""
    whole, fraction = format_credits(amount_micros, places=6).split(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def format_plain(amount_micros: int | None) -> str:
    """As `format_exact`, without separators, for a field or a spreadsheet: 1_234_500_000 -> "1234.50"; None -> ""."""
    return "" if amount_micros is None else format_exact(amount_micros).replace(",", "")


def places_for(amount_micros: int) -> int:
    """Decimals that leave an estimate readable: two from one credit on, then four, then six below a thousandth."""
    return 2 if not amount_micros or abs(amount_micros) >= MICROS else 4 if abs(amount_micros) >= MICROS // 1000 else 6


def split_by_shares(amount_micros: int, shares_bp: Mapping[str, int]) -> dict[str, int]:
    """Divide an amount by basis points with the largest-remainder method; ties go to the earlier name.

    Raises:
        ValueError: the shares do not add up to 10,000, or something is negative.
    """
    if amount_micros < 0 or min(shares_bp.values()) < 0 or sum(shares_bp.values()) != SHARES_WHOLE_BP:
        raise ValueError("shares must be non-negative and add up to 10,000 basis points")
    parts = {name: amount_micros * share // SHARES_WHOLE_BP for name, share in shares_bp.items()}
    by_remainder = sorted(shares_bp, key=lambda name: -(amount_micros * shares_bp[name] % SHARES_WHOLE_BP))
    for name in by_remainder[: amount_micros - sum(parts.values())]:
        parts[name] += 1
    assert sum(parts.values()) == amount_micros
    return parts
