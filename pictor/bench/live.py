"""`make bench WHAT=live`: how many hints reach pages for a second of processor time, what a page's socket holds, and how old a
node's sample is when a page has it.

2,000 pages follow one topic. The other way, a membership of a channel-layer group for each socket (pictor.bench.grouped),
is measured in turns with ours, in a process of the same kind.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from allauth.mfa.totp.internal.auth import TOTP
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from websockets.asyncio.client import connect

from common import realtime
from pictor.bench import processor
from pictor.bench.crew import Crew, crew, make_nodes, started
from pictor.bench.report import Figure, Report
from pictor.bench.servers import servers
from pictor.bench.visitors import cookie_of
from pictor.stack import embedded
from pictor.stack.ports import answers
from pictor.stack.processes import die_with_parent, wait_until
from pictor.stack.stack import Stack
from pictor_agent import protocol
from users.models import User
from workers import events
from workers.models import Worker

QUICK = bool(os.environ.get("BENCH_QUICK"))
PAGES, PAGES_A_PERSON, PROCESSES = (400 if QUICK else 2_000), 20, 2
ROUNDS, HINTS, APART_SECONDS = (2 if QUICK else 5), 20, 0.25  # closer together they would be merged
PATIENCE_SECONDS = 300
NODES = (1_000,) if QUICK else (1_000, 10_000)
REPORT_SECONDS, FOLLOWED, WATCH_SECONDS = 5.0, 50, 30.0
CALM_SECONDS = 10.0  # after the last node has signed on
SIGN_ON_SECONDS = 900


def measure(seed: int) -> Report:
    report = Report("live", seed)
    with tempfile.TemporaryDirectory(prefix="pictor-bench-") as folder, servers(Path(folder), "sockets") as stack:
        report.figures += _fan_out(stack)
        report.figures += [_sample_age(stack, nodes) for nodes in NODES]
    return report


# Hints ----------------------------------------------------------------------------------------------------------------


def _fan_out(stack: Stack) -> list[Figure]:
    """Ours and the other in turns; hints that are heard for each second of processor time of all that takes part: the process
    with the sockets, Redis, and who sends."""
    make_nodes(1)
    topic = events.topic(Worker.objects.latest("pk").pk)
    pid = stack.pid_of("sockets")
    empty = _kibibytes(pid)
    with (
        _pages(stack.live_url + "/live", stack.url, topic) as ours,
        _grouped() as (url, other_pid),
        _pages(url, stack.url, "") as other,
    ):
        held = (_kibibytes(pid) - empty) / PAGES
        rates, references = [], []
        for number in range(ROUNDS):
            rates.append(_heard(ours, pid, lambda n, round_number=number: realtime.announce(topic, f"w{round_number}x{n}")))
            references.append(_heard(other, other_pid, _send_to_group()))
    return [
        Figure("vs_group_send", "x", [mine / theirs for mine, theirs in zip(rates, references, strict=True)]),
        Figure("hints", "1/s of processor", rates, reference=sum(references) / len(references)),
        Figure("socket", "KiB", [held]),
    ]


def _kibibytes(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / 1024


def _heard(team: Crew, pid: int, say: Callable[[int], None]) -> float:
    """Send HINTS, one after the other; a hint that was merged with the next was not heard."""
    before, seconds, saying = team.recorded, _seconds_of_all(pid), 0.0
    for number in range(HINTS):
        began = time.thread_time()
        say(number)
        saying += time.thread_time() - began
        time.sleep(APART_SECONDS)
    wait_until(lambda: team.recorded - before >= HINTS * PAGES, 10)
    return (team.recorded - before) / (_seconds_of_all(pid) - seconds + saying)


def _seconds_of_all(pid: int) -> float:
    redis_pid = realtime.connection().info("server")["process_id"]
    return processor.seconds_of(pid) + processor.seconds_of(redis_pid)


@contextmanager
def _pages(url: str, origin: str, topic: str) -> Iterator[Crew]:
    """Sockets of operators, who may follow every node."""
    people = [_operator() for _ in range(PAGES // PAGES_A_PERSON)]
    cookies = [cookie for cookie in map(cookie_of, people) for _ in range(PAGES_A_PERSON)]
    common = {"url": url, "origin": origin, "topic": topic}
    orders = [common | {"cookies": cookies[n::PROCESSES]} for n in range(PROCESSES)]
    with started("watchers", orders, online=PAGES, patience=PATIENCE_SECONDS) as team:
        yield team


def _operator() -> User:
    operator = get_user_model().objects.create(username=f"page-{time.time_ns()}", is_staff=True)
    TOTP.activate(operator, "A" * 32)  # without a second step they follow nobody else's node
    return operator


@contextmanager
def _grouped() -> Iterator[tuple[str, int]]:
    """The other way, in a process like ours."""
    port = embedded.free_port()
    words = ["uvicorn", f"--port={port}", "--ws-per-message-deflate=false", "--lifespan=off", "--log-level=warning"]
    process = subprocess.Popen([sys.executable, "-m", *words, "pictor.bench.grouped:application"], preexec_fn=die_with_parent())
    try:
        if not wait_until(lambda: answers(port, "127.0.0.1"), PATIENCE_SECONDS):
            raise RuntimeError("the process with groups did not start")
        yield f"ws://127.0.0.1:{port}/", process.pid
    finally:
        process.kill()
        process.wait()


def _send_to_group() -> Callable[[int], None]:
    from pictor.bench import grouped

    async def send(number: int) -> None:
        own = grouped.layer()  # of this event loop
        await own.group_send(grouped.GROUP, {"type": "hint", "text": json.dumps({"changed": [str(number)]})})
        await own.flush_connections() if hasattr(own, "flush_connections") else None

    return async_to_sync(send)


# Samples --------------------------------------------------------------------------------------------------------------


def _sample_age(stack: Stack, nodes: int) -> Figure:
    """The oldest of a hundred: from the node's own clock, which is this machine's, to a page that follows it."""
    url = stack.live_url + protocol.PATH
    with crew(url, agents=nodes, processes=PROCESSES * 2, seconds=REPORT_SECONDS, program="beaters", patience=SIGN_ON_SECONDS):
        time.sleep(CALM_SECONDS)
        topics = [events.topic(pk) for pk in Worker.objects.order_by("-pk").values_list("pk", flat=True)[:FOLLOWED]]
        cookie = cookie_of(_operator())
        ages = sorted(asyncio.run(_ages(stack, cookie, topics)))
    assert len(ages) > FOLLOWED, f"only {len(ages)} samples were seen"
    return Figure(f"sample_{nodes}_nodes", "ms", [1e3 * ages[len(ages) * 99 // 100]], reference=1e3 * ages[len(ages) // 2])


async def _ages(stack: Stack, cookie: str, topics: list[str]) -> list[float]:
    """Seconds between sending and seeing, of everything that is seen in WATCH_SECONDS."""
    headers, ages = {"Cookie": cookie, "Origin": stack.url}, []
    async with connect(stack.live_url + "/live", additional_headers=headers, compression=None) as socket:
        for topic in topics:
            await socket.send(json.dumps({"join": topic}))
        try:
            async with asyncio.timeout(WATCH_SECONDS):
                async for message in socket:
                    if sent_at := json.loads(message).get("gauges", {}).get("disk_free_bytes"):
                        ages.append(time.time() - sent_at / 1_000_000)
        except TimeoutError:
            return ages
    raise RuntimeError("the page lost its socket")
