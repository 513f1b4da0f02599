"""The parts of one's own account."""

from django.urls import reverse

TABS = [
    ("profile", "Profile"),
    ("security", "Sign-in"),
    ("keys", "Keys and tokens"),
    ("notices-wanted", "Notices"),
    ("data", "Your data"),
]


def tabs() -> list[dict[str, str]]:
    return [{"key": key, "url": reverse(f"users:{key}"), "words": words} for key, words in TABS]
