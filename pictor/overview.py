"""What the home page shows, put together from every app's rows. Reads only; decides nothing.

Every `*_part` answers for one live element of templates/home/home.html.
"""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from common.money import format_credits, places_for
from common.words import plural
from credit import services as credit
from pictor.desk import Desk
from rendering import presentation
from rendering.states import JobStatus, PauseReason
from workers.models import Worker
from workers.presentation import status_words
from workers.states import WorkerStatus

JOBS_SHOWN = 5
NODES_SHOWN = 6


# Key figures ----------------------------------------------------------------------------------------------------------


def stats_part(desk: Desk) -> dict:
    return {"stats": [_jobs_stat(desk), _frames_stat(desk), _nodes_stat(desk), _credit_stat(desk.shell.balance)]}


def _jobs_stat(desk: Desk) -> dict:
    running = desk.shell.running
    sentence = f"{plural(desk.sums.frames_left, 'frame')} to go" if running else "Nothing is rendering now"
    return _stat("Running jobs", running, "", sentence)


def _frames_stat(desk: Desk) -> dict:
    return _stat("Frames accepted", f"{desk.sums.frames_accepted:,}", "", "Each one is checked before you pay")


def _nodes_stat(desk: Desk) -> dict:
    sums, earned = desk.sums, desk.sums.earned_today_micros
    if not sums.nodes:
        return _stat("Nodes online", 0, "", "Yours can earn while it is idle")
    sentence = f"Earned {format_credits(earned, places=places_for(earned))} today"
    return _stat("Nodes online", desk.shell.connected, f"of {sums.nodes}", sentence)


def _credit_stat(balance: credit.Balance) -> dict:
    held, pending = (format_credits(part, places=places_for(part)) for part in (balance.held_micros, balance.pending_micros))
    words = [f"{held} held for jobs"] * bool(balance.held_micros) + [f"{pending} pending"] * bool(balance.pending_micros)
    available = format_credits(balance.available_micros)
    return _stat("Credit", available, "available", ", ".join(words) or "1 credit is 1 US dollar")


def _stat(label: str, figure: int | str, context: str, sentence: str) -> dict:
    """Arguments of components/stat.html."""
    return {"label": label, "figure": figure, "context": context, "sentence": sentence}


# The work -------------------------------------------------------------------------------------------------------------


def jobs_part(desk: Desk) -> dict:
    """The newest jobs, those at work first."""
    at_work = desk.with_status(JobStatus.QUEUED, JobStatus.RENDERING, JobStatus.PAUSED)
    others = [job for job in desk.jobs if job not in at_work]
    return {"rows": presentation.rows_of([*at_work, *others][:JOBS_SHOWN], now=desk.now)}


def newest_part(desk: Desk) -> dict:
    caption = f"newest frame, {presentation.caption_of(desk.newest)}" if desk.newest else ""
    return {"newest": desk.newest, "caption": caption, "follows": [job.pk for job in desk.at_work[:JOBS_SHOWN]]}


def nodes_part(desk: Desk) -> dict:
    return {"nodes": [_node(worker) for worker in desk.nodes[:NODES_SHOWN]]}


def _node(worker: Worker) -> dict:
    tone, words = status_words(worker, worker.running)
    return {"worker": worker, "tone": tone, "words": words}


# What needs attention -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attention:
    """One thing that waits for the reader, and the way to it."""

    tone: str
    title: str
    text: str
    url: str
    words: str


def attention_part(desk: Desk) -> dict:
    return {
        "attention": [
            *_jobs_that_wait(desk),
            *_failed_jobs(desk),
            *_what_ends(desk),
            *_nodes_that_wait(desk),
            *_no_address(desk),
        ]
    }


def _jobs_that_wait(desk: Desk) -> list[Attention]:
    items = []
    for job in desk.paused[:JOBS_SHOWN]:
        text = presentation.PAUSE_LINES[PauseReason(job.pause_reason)]
        items.append(Attention("warn", f"{job.name} is paused.", text, job.get_absolute_url(), "Open job"))
    for job in desk.with_status(JobStatus.READY)[:JOBS_SHOWN]:
        url = reverse("rendering:job-settings", args=[job.pk])
        items.append(
            Attention("info", f"{job.name} is ready.", "Look at the settings and the price, then submit it.", url, "Set up")
        )
    return items


def _failed_jobs(desk: Desk) -> list[Attention]:
    failed, text = desk.failed[:JOBS_SHOWN], "Frames that failed were not charged."
    return [Attention("bad", f"{job.name} failed.", text, job.get_absolute_url(), "See why") for job in failed]


def _what_ends(desk: Desk) -> list[Attention]:
    """Scenes and frames that will be deleted within a week."""
    scenes, jobs = desk.sums.scenes_ending, desk.sums.jobs_ending
    parts = [plural(scenes, "scene")] * bool(scenes) + [f"the frames of {plural(jobs, 'job')}"] * bool(jobs)
    if not parts:
        return []
    words = " and ".join(parts)
    title = f"{words[0].upper()}{words[1:]} will be deleted within a week."
    text = "Download the frames, or keep them longer." if jobs else "Keep what you still need longer."
    return [Attention("warn", title, text, reverse("rendering:scene-list"), "Look")]


def _nodes_that_wait(desk: Desk) -> list[Attention]:
    items = []
    for worker in desk.nodes_with_status(WorkerStatus.OFFLINE):
        text = "It earns nothing until its agent runs again."
        items.append(Attention("warn", f"{worker.name} is offline.", text, worker.get_absolute_url(), "Open node"))
    for worker in desk.nodes_with_status(WorkerStatus.NEW):
        text = "Start the agent on that machine with its configuration file."
        items.append(Attention("info", f"{worker.name} has not connected yet.", text, worker.get_absolute_url(), "Set up"))
    return items


def _no_address(desk: Desk) -> list[Attention]:
    """Who signed in with a wallet hears nothing by mail. A hint, taken away by whoever does not want it."""
    user = desk.user
    if user.email or user.wants_no_mail or not settings.EMAIL_HOST:
        return []
    text = "Add an address to hear when a job ends or somebody signs in as you."
    return [Attention("info", "No mail can reach you.", text, reverse("users:address"), "Add or decline")]


# Get started ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    title: str
    text: str
    done: bool
    url: str = ""
    words: str = ""
    next: bool = False


def starts(desk: Desk) -> list[dict]:
    """One list of steps per role, the next one marked; a list whose steps are all done is left out."""
    lists = [
        {"title": "Render a scene", "steps": in_order(_creator_steps(desk))},
        {"title": "Earn with a machine", "steps": in_order(_owner_steps(desk))},
    ]
    return [entry for entry in lists if not all(step.done for step in entry["steps"])]


def in_order(steps: list[Step]) -> list[Step]:
    """The first step that is not done becomes the next one."""
    first = next((index for index, step in enumerate(steps) if not step.done), None)
    return [Step(**{**vars(step), "next": index == first}) for index, step in enumerate(steps)]


def _creator_steps(desk: Desk) -> list[Step]:
    newest = next(iter(desk.jobs), None)
    submitted = next((job for job in desk.jobs if job.submitted_at), None)
    accepted = bool(desk.sums.frames_accepted)
    new_url = reverse("rendering:job-new")
    settings_url = reverse("rendering:job-settings", args=[newest.pk]) if newest else new_url
    job_url = submitted.get_absolute_url() if submitted else new_url
    return [
        Step("Upload a .blend", "Or a .zip with its textures. It is inspected in a sandbox.", bool(newest), new_url, "Upload"),
        Step("See the price, submit", "A range before you start, a cap that holds.", bool(submitted), settings_url, "Settings"),
        Step("Watch the first frame arrive", "Checked before it is charged; yours to download.", accepted, job_url, "Open job"),
    ]


def _owner_steps(desk: Desk) -> list[Step]:
    first, has_connected = next(iter(desk.nodes), None), any(node.status != WorkerStatus.NEW for node in desk.nodes)
    node_url = first.get_absolute_url() if first else reverse("workers:worker-new")
    return [
        Step("Name a node", "Any Linux machine, behind any router: it only dials out.", bool(first), node_url, "Create node"),
        Step("Start the agent", "One command with the file you download.", has_connected, node_url, "How to"),
        Step("Earn for the first frame", "Your share is credited as each frame is accepted.", desk.sums.has_rendered, node_url, "Open node"),
    ]  # fmt: skip


PARTS = {
    "stats": stats_part,
    "attention": attention_part,
    "jobs": jobs_part,
    "newest": newest_part,
    "nodes": nodes_part,
}
