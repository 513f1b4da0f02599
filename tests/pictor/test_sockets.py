"""The sockets' process as it runs: uvicorn, real cookies, real topics, a real hint after a real commit."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
import uvicorn
import websockets
from allauth.mfa.models import Authenticator
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import Client

from common.hub import hub
from common.realtime import announce
from pictor.stack.embedded import free_port
from tests.builders import make_job, make_worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rows(alice):
    job, worker = make_job(alice, status="ready"), make_worker(alice)
    return {"job": job.pk, "worker": worker.pk, "user": alice.pk}


@asynccontextmanager
async def served():
    """The port of a running server."""
    from pictor.asgi import application

    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(application, port=port, lifespan="off", log_config=None, ws_per_message_deflate=False)
    )
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(90):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await running
        await hub().close()
        await sync_to_async(connections.close_all)()


def session_of(user) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def connect(port: int, browser: Client | None = None, origin: str | None = "http://testserver"):
    headers = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"} if browser else {}
    return websockets.connect(f"ws://127.0.0.1:{port}/live", origin=origin, additional_headers=headers)


async def ask(socket, **words) -> dict:
    await socket.send(json.dumps(words))
    return json.loads(await asyncio.wait_for(socket.recv(), 5))


async def test_an_owner_follows_what_is_theirs_and_hears_of_it(rows, alice):
    browser = await sync_to_async(session_of)(alice)
    async with served() as port, connect(port, browser) as socket:
        for kind, pk in rows.items():
            assert await ask(socket, join=f"{kind}:{pk}") == {"joined": f"{kind}:{pk}"}
        await asyncio.to_thread(announce, f"job:{rows['job']}", "frames")
        assert json.loads(await socket.recv()) == {"topic": f"job:{rows['job']}", "changed": ["frames"]}


async def test_mallory_follows_nothing_of_alices(rows, mallory):
    browser = await sync_to_async(session_of)(mallory)
    async with served() as port, connect(port, browser) as socket:
        for kind, pk in rows.items():
            assert await ask(socket, join=f"{kind}:{pk}") == {"refused": f"{kind}:{pk}"}


async def test_operators_follow_jobs_and_nodes_but_no_persons(rows, sam):
    browser = await sync_to_async(session_of)(sam)
    async with served() as port, connect(port, browser) as socket:
        answers = [await ask(socket, join=f"{kind}:{pk}") for kind, pk in rows.items()]
        assert [next(iter(answer)) for answer in answers] == ["joined", "joined", "refused"]


async def test_an_operator_without_a_second_step_follows_nothing_of_others(rows, sam):
    await Authenticator.objects.filter(user=sam).adelete()
    browser = await sync_to_async(session_of)(sam)
    async with served() as port, connect(port, browser) as socket:
        for kind, pk in rows.items():
            assert await ask(socket, join=f"{kind}:{pk}") == {"refused": f"{kind}:{pk}"}


async def test_signing_out_closes_the_socket(rows, alice):
    browser = await sync_to_async(session_of)(alice)
    async with served() as port, connect(port, browser) as socket:
        await ask(socket, join=f"job:{rows['job']}")
        await sync_to_async(browser.post)("/users/sign-out/")
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)
        assert socket.close_code == 4401


async def test_another_sites_page_is_refused_at_the_handshake(rows, alice):
    browser = await sync_to_async(session_of)(alice)
    async with served() as port:
        with pytest.raises(websockets.InvalidStatus):
            await connect(port, browser, origin="https://evil.example")
