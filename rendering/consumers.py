"""Who may follow a job live. The hub (pictor/routing.py) asks before it joins a browser to "job:<pk>"."""

from rendering.models import Job


def may_join(user, pk: str) -> bool:
    """May `user` hear that job `pk` changed? The same rule as for opening its page."""
    return pk.isascii() and pk.isdigit() and len(pk) < 19 and Job.objects.visible_to(user).filter(pk=int(pk)).exists()
