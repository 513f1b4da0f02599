"""Words that every app builds the same way. PURE."""

import re

# Control characters, line and paragraph ends, what reorders or hides the letters beside it, halves of a character. The joiners
# U+200C and U+200D stay: Persian and many emoji are written with them.
UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\ufffb]"
)


def one_line(text: str) -> str:
    """A name that somebody wrote, as it can stand anywhere on a page: one line, nothing that cannot be seen."""
    return " ".join(UNSEEN.sub("", re.sub(r"\s", " ", text)).split())


def plural(count: int, noun: str) -> str:
    """ "1 frame", "1,024 frames"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
