"""The hub against a real Valkey."""

import asyncio
import json

import pytest
import redis.asyncio as aioredis
from django.conf import settings

from common.hub import EVERYTHING, GAUGES_MAX, WORDS_MAX, Hub, HubDown, Mailbox, hub
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


async def next_from(mailbox):
    return await asyncio.wait_for(mailbox.take(), DEADLINE_SECONDS)


async def until(condition):
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await condition():
            await asyncio.sleep(0.01)


class MailboxTests:
    async def test_hints_of_one_topic_are_merged_and_the_latest_gauge_wins(self):
        mailbox = Mailbox()
        mailbox.put("job:1", {"frames"}, {"load": 1})
        mailbox.put("job:1", {"cost"}, {"load": 2, "fan": 3})
        pending = (await next_from(mailbox))["job:1"]
        assert (pending.changed, pending.gauges) == ({"frames", "cost"}, {"load": 2, "fan": 3})

    async def test_it_is_bounded_however_slow_its_socket_is(self):
        mailbox = Mailbox()
        for number in range(1_000):
            mailbox.put("job:1", {f"word{number}"}, {f"gauge{number}": number})
        pending = (await next_from(mailbox))["job:1"]
        assert len(pending.changed) <= WORDS_MAX
        assert EVERYTHING in pending.changed
        assert len(pending.gauges) == GAUGES_MAX


class HubTests:
    async def test_a_hint_published_after_join_arrives(self, one_hub):
        mailbox = Mailbox()
        await one_hub.join("job:1", mailbox)
        await asyncio.to_thread(announce, "job:1", "frames")
        assert (await next_from(mailbox))["job:1"].changed == {"frames"}

    async def test_gauges_arrive_as_they_are(self, one_hub):
        mailbox = Mailbox()
        await one_hub.join("worker:1", mailbox)
        await asyncio.to_thread(push, "worker:1", {"gpu0_load": 0.5})
        assert (await next_from(mailbox))["worker:1"].gauges == {"gpu0_load": 0.5}

    async def test_many_sockets_share_one_subscription(self, one_hub, valkey):
        mailboxes = [Mailbox() for _ in range(20)]
        await asyncio.gather(*(one_hub.join("job:2", mailbox) for mailbox in mailboxes))
        assert await valkey.pubsub_numsub(PREFIX + "job:2") == [(PREFIX + "job:2", 1)]
        await valkey.publish(PREFIX + "job:2", json.dumps({"changed": ["cost"]}))
        for mailbox in mailboxes:
            assert (await next_from(mailbox))["job:2"].changed == {"cost"}

    async def test_the_last_departure_ends_the_subscription(self, one_hub, valkey):
        first, second = Mailbox(), Mailbox()
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

        mailboxes = [Mailbox() for _ in range(5)]
        await asyncio.gather(*(come_and_go(mailbox) for mailbox in mailboxes))
        await asyncio.to_thread(announce, "job:4", "frames")
        for mailbox in mailboxes:
            assert "frames" in (await next_from(mailbox))["job:4"].changed

    async def test_after_a_lost_connection_everything_may_have_changed(self, one_hub, valkey):
        mailbox = Mailbox()
        await one_hub.join("job:5", mailbox)
        await valkey.client_kill_filter(_type="pubsub")
        assert (await next_from(mailbox))["job:5"].changed == {EVERYTHING}
        await asyncio.to_thread(announce, "job:5", "frames")
        assert (await next_from(mailbox))["job:5"].changed == {"frames"}

    async def test_an_unreadable_hint_harms_nobody(self, one_hub, valkey):
        mailbox = Mailbox()
        await one_hub.join("job:6", mailbox)
        for bad in ["", "[]", "{", '{"changed": 3}', '{"changed": [[]]}', '{"gauges": 7}']:
            await valkey.publish(PREFIX + "job:6", bad)
        await asyncio.to_thread(announce, "job:6", "frames")
        assert (await next_from(mailbox))["job:6"].changed == {"frames"}

    async def test_without_redis_a_join_is_refused_in_time(self, monkeypatch):
        monkeypatch.setattr("common.hub.CONFIRM_SECONDS", 0.2)
        lonely = Hub("redis://127.0.0.1:1/0")
        with pytest.raises(HubDown):
            await lonely.join("job:7", Mailbox())
        assert lonely.topics == frozenset()
        await lonely.close()

    async def test_there_is_one_hub_per_loop(self):
        assert hub() is hub()
        await hub().close()
