"""A creator over HTTP, as a browser without JavaScript would be, and a look at the truth in the stack's database."""

import re
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

DEADLINE_SECONDS = 600
LOOK_SECONDS = 0.05
ENDED = {"completed", "failed", "cancelled"}


def await_that(true: Callable[[], object], what: str, *, seconds: float = DEADLINE_SECONDS, look: float = LOOK_SECONDS):
    """The first true value of a condition; fails with words when the deadline has passed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := true():
            return value
        time.sleep(look)
    raise AssertionError(f"after {seconds:g} s still not: {what}")


class Person:
    """Signed in as a persona; every form goes with its token."""

    def __init__(self, stack, persona: str):
        self.stack = stack
        self.http = httpx.Client(base_url=stack.url, follow_redirects=True, timeout=DEADLINE_SECONDS)
        self.http.get("/users/sign-in/")
        self.post("/users/sign-in/persona/", persona=persona)

    def post(self, path: str, **fields) -> httpx.Response:
        token = self.http.cookies["csrftoken"]
        answer = self.http.post(path, data=fields, headers={"X-CSRFToken": token, "Referer": self.stack.url})
        answer.raise_for_status()
        return answer

    def ask(self, query: str, *values) -> list[tuple]:
        """Rows of the stack's database, also while that is being started again."""
        return await_that(lambda: self._ask(query, values), "the database answers")[0]

    def ask_named(self, query: str, **values) -> list[tuple]:
        return await_that(lambda: self._ask(query, values), "the database answers")[0]

    def _ask(self, query: str, values: tuple | dict) -> tuple[list[tuple]] | None:
        try:
            with psycopg.connect(self.stack.databases.owner_url) as connection:
                return (connection.execute(query, values).fetchall(),)
        except psycopg.OperationalError:
            return None


class Creator(Person):
    """Uploads, submits, waits."""

    def __init__(self, stack):
        super().__init__(stack, "creator")

    def upload(self, scene: Path) -> int:
        """One plain form; returns the job's id."""
        token = self.http.cookies["csrftoken"]
        with scene.open("rb") as file:
            answer = self.http.post(
                "/rendering/new/", files={"file": file}, headers={"X-CSRFToken": token, "Referer": self.stack.url}
            )
        answer.raise_for_status()
        return int(re.search(r"/jobs/(\d+)/", str(answer.url))[1])

    def submit(self, job: int, **settings) -> None:
        """Await the inspection, then submit the form as the page offers it, with these changes."""
        await_that(lambda: self.status(job) == "ready", f"job {job} inspected ({self.status(job)})")
        page = self.http.get(f"/rendering/jobs/{job}/settings/").text
        self.post(f"/rendering/jobs/{job}/submit/", **(form_fields(page) | settings))

    def status(self, job: int) -> str:
        return self.ask("SELECT status FROM rendering_job WHERE id = %s", job)[0][0]

    def tasks(self, job: int) -> dict[str, int]:
        """How many tasks are in each status."""
        return dict(self.ask("SELECT status, count(*) FROM rendering_task WHERE job_id = %s GROUP BY 1", job))

    def charges(self, job: int) -> dict[str, int]:
        """How often each task of the job was charged, by the key's task."""
        rows = self.ask(
            """SELECT task.id::text, count(DISTINCT split_part(transfer.key, '/', 1))
               FROM rendering_task task LEFT JOIN credit_transfer transfer
                 ON transfer.code = 'charge' AND transfer.key LIKE 'task:' || task.id || ':attempt:%%'
               WHERE task.job_id = %s GROUP BY 1""",
            job,
        )
        return dict(rows)

    @contextmanager
    def rendering(self, job: int):
        """While a task of the job is being rendered by a node; on a machine that slept through it, after the job."""
        await_that(
            lambda: (
                self.status(job) in ENDED
                or self.ask(
                    "SELECT 1 FROM workers_lease lease JOIN workers_work work ON work.id = lease.work_id "
                    'WHERE work."group" = %s AND lease.started_at IS NOT NULL AND lease.place = 0',
                    job,
                )
            ),
            f"a frame of job {job} in the renderer",
        )
        yield

    def finish(self, job: int, *, seconds: float = DEADLINE_SECONDS) -> None:
        await_that(lambda: self.status(job) in ENDED, f"job {job} ended", seconds=seconds)
        assert self.status(job) == "completed", self.tasks(job)


def form_fields(page: str) -> dict[str, str]:
    """Names and values of the settings form as the server wrote it."""
    from html.parser import HTMLParser

    class Fields(HTMLParser):
        def __init__(self):
            super().__init__()
            self.values: dict[str, str] = {}
            self.select = ""

        def handle_starttag(self, tag, attributes):
            has = dict(attributes)
            if tag == "input" and has.get("name") and has.get("type") not in {"radio", "checkbox", "file", "submit"}:
                self.values.setdefault(has["name"], has.get("value") or "")
            elif tag == "input" and has.get("name") and "checked" in has:
                self.values[has["name"]] = has.get("value") or "on"
            elif tag == "select":
                self.select = has.get("name", "")
            elif tag == "option" and self.select and ("selected" in has or self.select not in self.values):
                self.values[self.select] = has.get("value") or ""

    fields = Fields()
    fields.feed(page)
    return fields.values
