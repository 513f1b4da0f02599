"""The hub against a real Valkey."""

import asyncio
import json

import pytest
import redis.asyncio as aioredis
from django.conf import settings

from common.hub import Hub, HubDown, hub
from common.mailboxes import EVERYTHING, Mailbox
from common.realtime import PREFIX, announce, push

DEADLINE_SECONDS = 90


@pytest.fixture
async def one_hub():
    one = Hub(settings.REDIS_URL)
    yield one
    await one.close()


@pytest.fixture
async def valkey():
    client = aioredis.Redis.from_url(settings.REDIS_URL, decode_responses=True)
    yield client
    await client.aclose()


class Box(Mailbox):
    """A mailbox whose socket takes everything."""

    def __init__(self):
        self.taken = asyncio.Queue()
        super().__init__(self.taken.put)

    async def next(self):
        return await asyncio.wait_for(self.taken.get(), DEADLINE_SECONDS)


async def until(condition):
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await condition():
            await asyncio.sleep(0.01)


class HubTests:
    async def test_a_hint_published_after_join_arrives(self, one_hub):
        mailbox = Box()
        await one_hub.join("job:1", mailbox)
        await asyncio.to_thread(announce, "job:1", "frames")
        assert (await mailbox.next())["job:1"].changed == {"frames"}

    async def test_gauges_arrive_as_they_are(self, one_hub):
        mailbox = Box()
        await one_hub.join("worker:1", mailbox)
        await asyncio.to_thread(push, "worker:1", {"gpu0_load": 0.5})
        assert (await mailbox.next())["worker:1"].gauges == {"gpu0_load": 0.5}

    async def test_many_sockets_share_one_subscription(self, one_hub, valkey):
        mailboxes = [Box() for _ in range(20)]
        await asyncio.gather(*(one_hub.join("job:2", mailbox) for mailbox in mailboxes))
        assert await valkey.pubsub_numsub(PREFIX + "job:2") == [(PREFIX + "job:2", 1)]
        await valkey.publish(PREFIX + "job:2", json.dumps({"changed": ["cost"]}))
        for mailbox in mailboxes:
            assert (await mailbox.next())["job:2"].changed == {"cost"}

    async def test_the_last_departure_ends_the_subscription(self, one_hub, valkey):
        first, second = Box(), Box()
        await one_hub.join("job:3", first)
        await one_hub.join("job:3", second)
        await one_hub.leave("job:3", first)
        assert one_hub.topics == {"job:3"}
        await one_hub.leave("job:3", second)
        assert one_hub.topics == frozenset()

        async def unsubscribed():
            return (await valkey.pubsub_numsub(PREFIX + "job:3"))[0][1] == 0

        await until(unsubscribed)

    async def test_joining_and_leaving_over_and_over_leaves_it_consistent(self, one_hub):
        async def come_and_go(mailbox):
            for _ in range(30):
                await one_hub.join("job:4", mailbox)
                await one_hub.leave("job:4", mailbox)
            await one_hub.join("job:4", mailbox)

        mailboxes = [Box() for _ in range(5)]
        await asyncio.gather(*(come_and_go(mailbox) for mailbox in mailboxes))
        await asyncio.to_thread(announce, "job:4", "frames")
        for mailbox in mailboxes:
            assert "frames" in (await mailbox.next())["job:4"].changed

    async def test_after_a_lost_connection_everything_may_have_changed(self, one_hub, valkey):
        mailbox = Box()
        await one_hub.join("job:5", mailbox)
        await valkey.client_kill_filter(_type="pubsub")
        assert (await mailbox.next())["job:5"].changed == {EVERYTHING}
        await asyncio.to_thread(announce, "job:5", "frames")
        assert (await mailbox.next())["job:5"].changed == {"frames"}

    async def test_an_unreadable_hint_harms_nobody(self, one_hub, valkey):
        mailbox = Box()
        await one_hub.join("job:6", mailbox)
        for bad in ["", "[]", "{", '{"changed": 3}', '{"changed": [[]]}', '{"gauges": 7}']:
            await valkey.publish(PREFIX + "job:6", bad)
        await asyncio.to_thread(announce, "job:6", "frames")
        assert (await mailbox.next())["job:6"].changed == {"frames"}

    async def test_without_redis_a_join_is_refused_in_time(self, monkeypatch):
        monkeypatch.setattr("common.hub.CONFIRM_SECONDS", 0.2)
        lonely = Hub("redis://127.0.0.1:1/0")
        with pytest.raises(HubDown):
            await lonely.join("job:7", Box())
        assert lonely.topics == frozenset()
        await lonely.close()

    async def test_there_is_one_hub_per_loop(self):
        assert hub() is hub()
        await hub().close()
