"""Hints and mailboxes: at once where the socket is free, merged and bounded where it is not."""

import asyncio
import json

import pytest

from common import mailboxes
from common.mailboxes import EVERYTHING, GAUGES_MAX, WORDS_MAX, Hint, Mailbox

DEADLINE_SECONDS = 90


def hint(*words, topic="job:1", **gauges):
    return Hint(topic, frozenset(words), gauges)


class Socket:
    """Takes sends while its gate is open."""

    def __init__(self):
        self.sent = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, pending):
        await self.gate.wait()
        self.sent.put_nowait(pending)

    async def next(self):
        return await asyncio.wait_for(self.sent.get(), DEADLINE_SECONDS)


@pytest.fixture
def socket():
    return Socket()


class HintTests:
    def test_both_are_kept_and_the_latest_gauge_wins(self):
        both = hint("frames", load=1).merged(hint("cost", load=2, fan=3))
        assert (both.changed, both.gauges) == ({"frames", "cost"}, {"load": 2, "fan": 3})

    def test_it_is_bounded_however_much_is_merged(self):
        merged = hint()
        for number in range(1_000):
            merged = merged.merged(hint(f"word{number}", **{f"gauge{number}": number}))
        assert len(merged.changed) <= WORDS_MAX
        assert EVERYTHING in merged.changed
        assert len(merged.gauges) == GAUGES_MAX

    def test_one_that_is_too_large_is_cut_as_it_is_read(self):
        read = Hint.read("job:1", json.dumps({"changed": [f"w{number}" for number in range(WORDS_MAX + 1)]}))
        assert read.changed == {EVERYTHING}

    def test_its_text_holds_what_there_is(self):
        assert hint("frames", "cost").text == '{"topic":"job:1","changed":["cost","frames"]}'
        assert hint(load=1).text == '{"topic":"job:1","gauges":{"load":1}}'

    @pytest.mark.parametrize(
        "text", ["", "[]", "{", '{"changed": 3}', '{"changed": [3]}', '{"changed": [[]]}', '{"gauges": 7}']
    )
    def test_what_is_none_is_refused(self, text):
        with pytest.raises(ValueError):  # noqa: PT011 - json's own error is one
            Hint.read("job:1", text)


class MailboxTests:
    async def test_a_free_socket_has_a_hint_before_put_returns(self, socket):
        Mailbox(socket.send).put(hint("frames"))
        assert socket.sent.get_nowait()["job:1"].changed == {"frames"}

    async def test_what_comes_close_behind_is_merged(self, socket):
        mailbox = Mailbox(socket.send)
        for word in ("frames", "cost", "events"):
            mailbox.put(hint(word))
        mailbox.put(hint("work", topic="worker:1"))
        await socket.next()
        later = await socket.next()
        assert later["job:1"].changed == {"cost", "events"}
        assert later["worker:1"].changed == {"work"}

    async def test_a_slow_socket_gets_the_latest_when_it_is_ready(self, socket):
        mailbox = Mailbox(socket.send)
        socket.gate.clear()
        mailbox.put(hint("frames"))
        for number in range(100):
            mailbox.put(hint(load=number))
        socket.gate.set()
        assert (await socket.next())["job:1"].changed == {"frames"}
        assert (await socket.next())["job:1"].gauges == {"load": 99}
        assert socket.sent.empty()

    async def test_a_topic_that_was_left_is_not_told(self, socket):
        mailbox = Mailbox(socket.send)
        mailbox.put(hint("frames", topic="job:2"))
        mailbox.put(hint("frames"))
        mailbox.put(hint("cost", topic="job:2"))
        mailbox.forget("job:1")
        await socket.next()
        assert set(await socket.next()) == {"job:2"}

    async def test_a_closed_one_sends_nothing_more(self, socket, monkeypatch):
        monkeypatch.setattr(mailboxes, "APART_SECONDS", 0)
        mailbox = Mailbox(socket.send)
        mailbox.close()
        mailbox.put(hint("frames"))
        assert socket.sent.empty()

    async def test_one_may_be_closed_by_its_own_send(self):
        ends = asyncio.Event()

        async def send(_pending):
            await asyncio.sleep(0)
            mailbox.close()
            ends.set()

        mailbox = Mailbox(send)
        mailbox.put(hint("ended"))
        await asyncio.wait_for(ends.wait(), DEADLINE_SECONDS)

    @pytest.mark.parametrize("waits", [True, False], ids=["after it waited", "at once"])
    @pytest.mark.parametrize("error", [ConnectionResetError, RuntimeError])
    async def test_a_send_that_fails_harms_no_other_and_the_next_goes_on(self, socket, error, waits):
        failures = [error("gone")]

        async def send(pending):
            if waits:
                await asyncio.sleep(0)
            if failures:
                raise failures.pop()
            await socket.send(pending)

        mailbox = Mailbox(send)
        mailbox.put(hint("frames"))
        mailbox.put(hint("cost"))
        assert (await socket.next())["job:1"].changed == {"cost"}
