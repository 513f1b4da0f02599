"""The other way to reach many sockets, for comparison: a membership of a channel-layer group for each of them."""

import os

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import channel_layers
from channels_redis.core import RedisChannelLayer

GROUP = "bench"


def layer() -> RedisChannelLayer:
    host = {"address": os.environ["REDIS_URL"], "socket_timeout": None, "max_connections": 4_096}
    return RedisChannelLayer(hosts=[host], capacity=1_000)


class Member(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def hint(self, event) -> None:
        await self.send(event["text"])


channel_layers.set("default", layer())
application = Member.as_asgi()
