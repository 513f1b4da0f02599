"""Words that every app builds the same way. PURE."""


def plural(count: int, noun: str) -> str:
    """ "1 frame", "1,024 frames"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
