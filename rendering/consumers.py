"""Who may follow a job live. The hub (pictor/routing.py) asks before it joins a browser to "job:<pk>"."""

from rendering.models import Job, WatchLink


def may_join(user, pk: str) -> bool:
    """May `user` hear that job `pk` changed? The same rule as for opening its page."""
    return is_number(pk) and Job.objects.visible_to(user).filter(pk=int(pk)).exists()


def may_watch(pk: str, token: str) -> bool:
    """May whoever brings this token hear it? The token of the job's watch link, while that stands."""
    return is_number(pk) and WatchLink.objects.filter(job=int(pk), token=token).exists()


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
