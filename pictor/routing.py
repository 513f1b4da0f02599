"""Which consumer answers which socket path, and which app decides who may follow a topic."""

from collections.abc import Callable

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.urls import path

from common.live import LiveConsumer
from pictor_agent import protocol
from rendering.consumers import may_join as may_join_job
from rendering.consumers import may_watch as may_watch_job
from users.console import lacks_second_step
from users.consumers import may_join as may_join_user
from users.models import User
from workers.consumers import may_join as may_join_worker
from workers.gateway import AgentConsumer


def guarded(may_join: Callable[[User, str], bool]) -> Callable[[User, str], bool]:
    """As with pages: operators see what is not theirs, so without a second step they follow nothing but themselves."""
    return lambda user, key: not lacks_second_step(user) and may_join(user, key)


# first part of a topic -> may_join(user, key) -> bool; the topics and their words are listed in docs/realtime.md
TOPICS = {
    "job": guarded(may_join_job),
    "worker": guarded(may_join_worker),
    "user": may_join_user,
}

WATCHERS = {"job": may_watch_job}  # the same for people who are not signed in: may_watch(key, token) -> bool


def live():
    """Pages' sockets: the session's user, from this site's own pages only."""
    return OriginValidator(
        AuthMiddlewareStack(LiveConsumer.as_asgi(topics=TOPICS, watchers=WATCHERS)), settings.CSRF_TRUSTED_ORIGINS
    )


websockets = URLRouter(
    [
        path("live", live()),
        path(protocol.PATH.lstrip("/"), AgentConsumer.as_asgi()),  # nodes prove a key, and bring neither cookie nor Origin
    ]
)
