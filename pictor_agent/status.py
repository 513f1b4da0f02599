"""How a node stands, in words for somebody at its machine: the page and the terminal say the same. Pure."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pictor_agent import protocol
from pictor_agent.restraint import WORDS

if TYPE_CHECKING:
    from pictor_agent.attempts import Held
    from pictor_agent.shift import Shift

MICROS = 1_000_000


@dataclass(frozen=True)
class Task:
    """One attempt on this node; `words`: what is being done about it."""

    title: str
    words: str
    fraction: float = 0.0
    is_next: bool = False


@dataclass(frozen=True)
class Status:
    """One look at a node."""

    name: str = ""
    problem: str = ""  # why there is no connection
    is_connected: bool = False
    is_draining: bool = False
    is_paused: bool = False
    resting: str = ""  # a protocol.RestReason
    tasks: list[Task] = field(default_factory=list)  # what runs, then what is next
    sending: int = 0  # finished, and not yet recorded by the server
    overview: protocol.Overview | None = None  # what the site said last

    @property
    def running(self) -> list[Task]:
        return [task for task in self.tasks if not task.is_next]


@dataclass(frozen=True)
class Headline:
    """`tone` and `badge`: two words; `words`: a sentence or two, with what to do."""

    tone: str
    badge: str
    words: str


def status_of(shift: "Shift") -> Status:
    return Status(
        name=shift.name or shift.config.name,
        problem=shift.problem,
        is_connected=shift.line.link is not None,
        is_draining=shift.draining,
        is_paused=shift.state.is_paused,
        resting=shift.restraint.resting,
        tasks=[_task(held) for held in sorted(shift.attempts.held.values(), key=lambda held: held.is_waiting)],
        sending=len(shift.deliveries.due),
        overview=shift.overview,
    )


def _task(held: "Held") -> Task:
    if held.is_waiting:
        return Task(held.title, "next, already here" if held.scene and held.scene.done() else "next", is_next=True)
    if held.ending:
        return Task(held.title, "rendered; the picture is looked at", 1.0)
    return Task(held.title, held.note or ("rendering" if held.started else "fetching its files"), held.fraction)


def headline(status: Status) -> Headline:
    """What matters most now."""
    running = bool(status.running)
    if status.is_draining:
        return Headline("info", "Finishing", "It finishes what it renders, then the agent stops.")
    if status.is_paused and running:
        words = "It finishes what it renders, which is paid; no other task begins until you resume it here."
        return Headline("warn", "Pausing after this task", words)
    if status.is_paused:
        return Headline("warn", "Paused", "Paused on this machine. It takes work again when you resume it here.")
    if not status.is_connected:
        return _away(status)
    if status.resting:
        after = "It finishes what it renders and then rests: " if running else "It takes no new work for now: "
        return Headline("warn", "Resting", f"{after}{WORDS.get(status.resting, 'for a reason of its own')}.")
    if running:
        return Headline("accent", "Rendering", "Signed on, and at work.")
    return _idle(status)


def _away(status: Status) -> Headline:
    if status.problem:
        return Headline("warn", "No connection", f"{status.problem}. It tries again by itself; what renders goes on.")
    return Headline("quiet", "Connecting", "It signs on.")


def _idle(status: Status) -> Headline:
    site = status.overview
    if site and not site.is_open:
        return Headline("warn", site.stands, f"{site.why} This is changed on its page on the site.".strip())
    if status.sending:
        return Headline("accent", "Sending", "The last frame is on its way to the server.")
    return Headline("ok", "Idle", site.why if site and site.why else "Signed on; it waits for work.")


def credits_words(micros: int) -> str:
    """ "1,204.50": every digit that counts, two at least."""
    whole, rest = divmod(abs(micros), MICROS)
    digits = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole:,}.{digits}"
