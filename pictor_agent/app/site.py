"""The page's addresses: what is shown as the program stands, and the verbs. Whoever comes this far has passed the gate."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pictor_agent import checklist
from pictor_agent.app import files, pages
from pictor_agent.app.gate import Gate
from pictor_agent.app.lines import Request, Response, words
from pictor_agent.platforms import Obstacle
from pictor_agent.status import status_of
from pictor_agent.terminal import Terminal

if TYPE_CHECKING:
    from pictor_agent.app.examination import Examination
    from pictor_agent.app.importing import Importing
    from pictor_agent.shift import Shift

HTML = "text/html; charset=utf-8"
STOPS = ("This node stops", "It finishes what it renders, if anything, and then the agent ends.")
ENDED = ("This node has ended", "The agent signed off. Start it again with: pictor-agent app")


@dataclass(eq=False)
class Site:
    """Shows the first of these that is there: an obstacle, the form for the configuration file, the node; else what is `said`."""

    terminal: Terminal
    gate: Gate = field(default_factory=lambda: Gate(0))  # of the port, once that is known
    obstacle: Obstacle | None = None
    importing: "Importing | None" = None
    shift: "Shift | None" = None
    examination: "Examination | None" = None
    said: tuple[str, str] = ("This node starts", "It looks at this machine: the sandbox, the GPUs, Blender.")
    problem: str = ""  # of the last verb; of a node that has ended, why

    async def answer(self, request: Request) -> Response:
        try:
            return self.gate.refusal(request) or await self._admitted(request)
        except Exception as error:  # a fault of ours must neither stop the node nor show its insides
            self.terminal.say(f"The page failed: {type(error).__name__}: {error}", "bad")
            return words(500, "That failed; the agent's terminal says why.")

    async def _admitted(self, request: Request) -> Response:
        name = self.gate.inner(request.path)
        if request.method == "POST":
            return await self._do(name, request)
        if name == "":
            return await self._page(request)
        return files.file_of(name) or words(404, "There is nothing here.")

    # What is shown ----------------------------------------------------------------------------------------------------

    async def _page(self, request: Request) -> Response:
        body = (await self._markup()).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status=304, headers={"ETag": etag})
        return Response(body, headers={"Content-Type": HTML, "ETag": etag})

    async def _markup(self) -> pages.Markup:
        if self.obstacle:
            return pages.obstacle_page(self.obstacle)
        if self.importing:
            return pages.import_page(str(self.importing.path), problem=self.importing.problem)
        if self.shift:
            await self.shift.ask_overview()
            return pages.node_page(self._view(self.shift))
        return pages.words_page(*self.said)

    def _view(self, shift: "Shift") -> pages.View:
        examination = self.examination
        problems = [self.problem, examination.problem if examination else ""]
        return pages.View(
            status=status_of(shift),
            machine=shift.inventory(),
            beat=shift.last_beat,
            steps=checklist.steps(shift.seen()),
            findings=examination.findings if examination else [],
            examining=bool(examination and examination.is_running),
            notices=[("bad", problem) for problem in problems if problem],
        )

    # Verbs ------------------------------------------------------------------------------------------------------------

    async def _do(self, name: str, request: Request) -> Response:
        verbs: dict[str, Callable[[Request], Awaitable[Response | None]]] = {
            "pause": lambda _: self._pause(at_once=False),
            "pause-now": lambda _: self._pause(at_once=True),
            "resume": self._resume,
            "stop": self._stop,
            "examine": self._examine,
            "import": self._import,
        }
        if name not in verbs:
            return words(404, "There is nothing here.")
        self.problem = ""
        try:
            answer = await verbs[name](request)
        except OSError as error:
            self.problem = f"That could not be kept: {error.strerror}."
            answer = None
        return answer or Response(status=303, headers={"Location": f"/{self.gate.token}/"})

    async def _pause(self, *, at_once: bool) -> None:
        if self.shift:
            await self.shift.pause(at_once=at_once)

    async def _resume(self, _: Request) -> None:
        if self.shift:
            self.shift.resume()

    async def _stop(self, _: Request) -> Response:
        """Answered at once, for the page may end with the program. To end in the middle of a frame is a matter of the terminal."""
        if self.shift and not self.shift.draining:
            self.shift.drain()
        return Response(pages.words_page(*STOPS).encode(), headers={"Content-Type": HTML})

    async def _examine(self, _: Request) -> None:
        if self.examination:
            self.examination.begin()

    async def _import(self, request: Request) -> None:
        if self.importing:
            self.importing.take(request)
