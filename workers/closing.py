"""What nodes mean for an account that is to be closed, or whose data is taken along."""

from django.dispatch import receiver
from django.urls import reverse

from common.words import plural
from users.signals import Blocker, asked_for_data, asked_what_blocks
from workers.models import Worker


@receiver(asked_what_blocks, dispatch_uid="workers.what_blocks")
def what_blocks(user, **kwargs) -> list[Blocker]:
    count = Worker.objects.filter(owner=user).kept().count()
    words = f"{plural(count, 'node')} of yours {'is' if count == 1 else 'are'} still part of the network: retire {'it' if count == 1 else 'them'}."
    return [Blocker(words, reverse("workers:worker-list"))] if count else []


@receiver(asked_for_data, dispatch_uid="workers.data")
def data(user, **kwargs) -> dict:
    nodes = Worker.objects.filter(owner=user).order_by("pk").values("id", "name", "status", "created_at")
    return {
        "nodes": [node | {"id": str(node["id"]), "created_at": node["created_at"].isoformat()} for node in nodes.iterator()]
    }
