"""`make bench WHAT=memory`: what the web process and the agent hold at rest, and by how much a long zip and a long upload add
to the web process.

The whole stack with one node; memory as the kernel counts it (resident set size), of the largest process of each program.
"""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.middleware.csrf import get_token
from django.test import RequestFactory
from django.urls import reverse

from pictor.bench.crowd import job_of_frames
from pictor.bench.farm import farm
from pictor.bench.report import Figure, Report
from pictor.bench.visitors import session_of
from pictor.stack.processes import wait_until
from pictor.stack.stack import Stack
from rendering import uploads
from rendering.models import Output
from users.personas import persona_user
from workers.models import Worker

FRAMES, FRAME_BYTES = 10_000, 50_000
UPLOAD_BYTES = 512 * 1024**2
LOOK_SECONDS = 0.05
NODE_SECONDS_MAX = 120


def measure(seed: int) -> Report:
    with farm() as stack:
        if not wait_until(lambda: Worker.objects.connected().exists(), NODE_SECONDS_MAX):
            raise RuntimeError("the node did not sign on")
        with _browser(stack) as browser:
            browser.get(reverse("home")).raise_for_status()
            figures = [Figure("agent_idle", "MB", [_megabytes(stack, "node")])]
            figures.append(Figure("web_idle", "MB", [_megabytes(stack, "web")]))
            figures.append(_growth(stack, "zip_growth", lambda: _fetch_zip(browser)))
            figures.append(_growth(stack, "upload_growth", lambda: _upload(browser)))
    return Report("memory", seed, figures)


def _megabytes(stack: Stack, name: str) -> float:
    """Of the largest process of this program; an agent at rest has none but its own."""
    first = psutil.Process(stack.pid_of(name))
    return max(process.memory_info().rss for process in [first, *first.children(recursive=True)]) / 1e6


def _growth(stack: Stack, name: str, work) -> Figure:
    """How far above its memory of before the web process goes; `work` is done once before, for what is kept anyway."""
    work()
    before, highest, over = _megabytes(stack, "web"), [0.0], threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            highest.append(_megabytes(stack, "web"))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        work()
    finally:
        over.set()
        looking.join()
    return Figure(name, "MB", [max(0.0, max(highest) - before)], reference=before)


@contextmanager
def _browser(stack: Stack) -> Iterator[httpx.Client]:
    """Signed in as the demo's creator."""
    request = RequestFactory().get("/")
    token = get_token(request)
    session = session_of(persona_user("creator"))
    cookies = {settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: request.META["CSRF_COOKIE"]}
    with httpx.Client(base_url=stack.url, cookies=cookies, headers={"X-CSRFToken": token}, timeout=600) as client:
        yield client


def _fetch_zip(browser: httpx.Client) -> None:
    """All frames of a job in one archive; they share one file in the store."""
    user = persona_user("creator")
    job = user.jobs.filter(name="Bench").first() or job_of_frames(user, Worker.objects.first(), FRAMES)
    key = "frames/bench.png"
    if not default_storage.exists(key):
        default_storage.save(key, ContentFile(os.urandom(FRAME_BYTES)))
        Output.objects.filter(storage_key=key).update(size_bytes=FRAME_BYTES)
    with browser.stream("GET", reverse("rendering:job-zip", args=[job.pk])) as answer:
        answer.raise_for_status()
        got = sum(len(block) for block in answer.iter_bytes())
    assert got > FRAME_BYTES * FRAMES, got


def _upload(browser: httpx.Client) -> None:
    """One long file, part by part, as the browser sends it; it is given up at the end."""
    upload = uploads.start_upload(owner=persona_user("creator"), name="long.blend", size_bytes=UPLOAD_BYTES)
    block = secrets.token_bytes(uploads.PART_BYTES)
    for part in range(UPLOAD_BYTES // uploads.PART_BYTES):
        address = reverse("rendering:upload-part", args=[upload.pk, 0, part])
        browser.patch(address, content=block, headers={"Upload-Offset": "0"}).raise_for_status()
    uploads.forget_upload(upload)
