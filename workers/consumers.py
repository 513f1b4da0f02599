"""Who may follow a node's live page."""

from workers.models import Worker


def may_join(user, pk: str) -> bool:
    """Topic "worker:<pk>": its owner and staff."""
    return pk.isdigit() and len(pk) < 19 and Worker.objects.visible_to(user).filter(pk=int(pk)).exists()
