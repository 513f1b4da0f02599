"""What the home page shows, put together from every app's rows. Reads only; decides nothing.

Every `*_part` answers for one live element of templates/home/home.html.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, Sum
from django.urls import reverse

from common.money import format_credits, places_for
from common.words import plural
from credit import services as credit
from rendering import presentation
from rendering.models import Job, Output, Task, TaskCount
from rendering.states import JobStatus, PauseReason, TaskStatus
from workers.models import Tally, Worker
from workers.presentation import status_words
from workers.states import WorkerStatus

JOBS_SHOWN = 5
JOBS_LOOKED_AT = 50  # the newest frame is one of theirs
NODES_SHOWN = 6
FAILED_SHOWN_FOR = timedelta(days=3)
AT_WORK = [JobStatus.QUEUED, JobStatus.RENDERING]


# Key figures ----------------------------------------------------------------------------------------------------------


def stats_part(user, *, now: datetime) -> dict:
    return {
        "stats": [
            _jobs_stat(user),
            _frames_stat(user),
            _nodes_stat(user, now),
            _credit_stat(user),
        ]
    }


def _jobs_stat(user) -> dict:
    at_work = Job.objects.owned_by(user).filter(status__in=AT_WORK)
    unfinished = [TaskStatus.WAITING, TaskStatus.RENDERING, TaskStatus.CHECKING]
    running, frames = at_work.count(), TaskCount.objects.filter(job__in=at_work).total(*unfinished)
    sentence = f"{plural(frames, 'frame')} to go" if running else "Nothing is rendering now"
    return _stat("Running jobs", running, "", sentence)


def _frames_stat(user) -> dict:
    accepted = TaskCount.objects.filter(job__owner=user).total(TaskStatus.ACCEPTED)
    return _stat("Frames accepted", f"{accepted:,}", "", "Each one is checked before you pay")


def _nodes_stat(user, now: datetime) -> dict:
    nodes = Worker.objects.owned_by(user).exclude(status=WorkerStatus.RETIRED)
    counts = nodes.aggregate(all=Count("pk"), online=Count("pk", filter=Q(connected_at__isnull=False)))
    earned = Tally.objects.filter(worker__owner=user, day_on=now.date()).aggregate(micros=Sum("earned_micros"))["micros"] or 0
    if not counts["all"]:
        return _stat("Nodes online", 0, "", "Yours can earn while it is idle")
    return _stat(
        "Nodes online",
        counts["online"],
        f"of {counts['all']}",
        f"Earned {format_credits(earned, places=places_for(earned))} today",
    )


def _credit_stat(user) -> dict:
    balance = credit.balance_of(user)
    held, pending = (format_credits(part, places=places_for(part)) for part in (balance.held_micros, balance.pending_micros))
    words = [f"{held} held for jobs"] * bool(balance.held_micros) + [f"{pending} pending"] * bool(balance.pending_micros)
    available = format_credits(balance.available_micros)
    return _stat("Credit", available, "available", ", ".join(words) or "1 credit is 1 US dollar")


def _stat(label: str, figure: int | str, context: str, sentence: str) -> dict:
    """Arguments of components/stat.html."""
    return {"label": label, "figure": figure, "context": context, "sentence": sentence}


# The work -------------------------------------------------------------------------------------------------------------


def jobs_part(user, *, now: datetime) -> dict:
    """The newest jobs, those at work first, and the frame that arrived last."""
    own = Job.objects.owned_by(user).select_related("scene")
    at_work = list(own.filter(status__in=[*AT_WORK, JobStatus.PAUSED])[:JOBS_SHOWN])
    others = own.exclude(pk__in=[job.pk for job in at_work])[: JOBS_SHOWN - len(at_work)]
    return {"rows": presentation.rows_of([*at_work, *others], now=now)}


def newest_part(user, *, now: datetime) -> dict:
    newest = Output.objects.newest_among(Job.objects.owned_by(user)[:JOBS_LOOKED_AT])
    caption = f"newest frame, {presentation.caption_of(newest)}" if newest else ""
    at_work = Job.objects.owned_by(user).filter(status__in=AT_WORK).values_list("pk", flat=True)
    return {"newest": newest, "caption": caption, "follows": list(at_work[:JOBS_SHOWN])}


def nodes_part(user, *, now: datetime) -> dict:
    own = Worker.objects.owned_by(user).exclude(status=WorkerStatus.RETIRED)
    nodes = own.annotate(running=Count("leases", filter=Q(leases__place=0))).order_by(
        F("connected_at").desc(nulls_last=True), "name"
    )
    return {"nodes": [_node(worker) for worker in nodes[:NODES_SHOWN]]}


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


def attention_part(user, *, now: datetime) -> dict:
    return {"attention": [*_jobs_that_wait(user), *_failed_jobs(user, now), *_nodes_that_wait(user)]}


def _jobs_that_wait(user) -> list[Attention]:
    own = Job.objects.owned_by(user)
    items = []
    for job in own.filter(status=JobStatus.PAUSED).exclude(pause_reason=PauseReason.USER)[:JOBS_SHOWN]:
        text = presentation.PAUSE_LINES[PauseReason(job.pause_reason)]
        items.append(Attention("warn", f"{job.name} is paused.", text, job.get_absolute_url(), "Open job"))
    for job in own.filter(status=JobStatus.READY)[:JOBS_SHOWN]:
        url = reverse("rendering:job-settings", args=[job.pk])
        items.append(
            Attention("info", f"{job.name} is ready.", "Look at the settings and the price, then submit it.", url, "Set up")
        )
    return items


def _failed_jobs(user, now: datetime) -> list[Attention]:
    failed = Job.objects.owned_by(user).filter(status=JobStatus.FAILED, finished_at__gte=now - FAILED_SHOWN_FOR)
    text = "Frames that failed were not charged."
    return [Attention("bad", f"{job.name} failed.", text, job.get_absolute_url(), "See why") for job in failed[:JOBS_SHOWN]]


def _nodes_that_wait(user) -> list[Attention]:
    own = Worker.objects.owned_by(user)
    items = []
    for worker in own.filter(status=WorkerStatus.OFFLINE)[:NODES_SHOWN]:
        text = "It earns nothing until its agent runs again."
        items.append(Attention("warn", f"{worker.name} is offline.", text, worker.get_absolute_url(), "Open node"))
    for worker in own.filter(status=WorkerStatus.NEW)[:NODES_SHOWN]:
        text = "Start the agent on that machine with its configuration file."
        items.append(Attention("info", f"{worker.name} has not connected yet.", text, worker.get_absolute_url(), "Set up"))
    return items


# Get started ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    title: str
    text: str
    done: bool
    url: str = ""
    words: str = ""
    next: bool = False


def starts(user) -> list[dict]:
    """One list of steps per role, the next one marked; a list whose steps are all done is left out."""
    lists = [
        {"title": "Render a scene", "steps": in_order(_creator_steps(user))},
        {"title": "Earn with a machine", "steps": in_order(_owner_steps(user))},
    ]
    return [entry for entry in lists if not all(step.done for step in entry["steps"])]


def in_order(steps: list[Step]) -> list[Step]:
    """The first step that is not done becomes the next one."""
    first = next((index for index, step in enumerate(steps) if not step.done), None)
    return [Step(**{**vars(step), "next": index == first}) for index, step in enumerate(steps)]


def _creator_steps(user) -> list[Step]:
    newest = Job.objects.owned_by(user).first()
    submitted = Job.objects.owned_by(user).exclude(submitted_at=None).first()
    accepted = Task.objects.filter(job__owner=user, status=TaskStatus.ACCEPTED).exists()
    new_url = reverse("rendering:job-new")
    settings_url = reverse("rendering:job-settings", args=[newest.pk]) if newest else new_url
    job_url = submitted.get_absolute_url() if submitted else new_url
    return [
        Step("Upload a .blend", "Or a .zip with its textures. It is inspected in a sandbox.", bool(newest), new_url, "Upload"),
        Step("See the price, submit", "A range before you start, a cap that holds.", bool(submitted), settings_url, "Settings"),
        Step("Watch the first frame arrive", "Checked before it is charged; yours to download.", accepted, job_url, "Open job"),
    ]


def _owner_steps(user) -> list[Step]:
    own = Worker.objects.owned_by(user)
    first = own.first()
    node_url = first.get_absolute_url() if first else reverse("workers:worker-new")
    rendered = Tally.objects.filter(worker__owner=user, tasks_accepted__gt=0).exists()
    return [
        Step("Name a node", "Any Linux machine, behind any router: it only dials out.", bool(first), node_url, "Create node"),
        Step("Start the agent", "One command with the file you download.", own.exclude(status=WorkerStatus.NEW).exists(), node_url, "How to"),
        Step("Earn for the first frame", "Your share is credited as each frame is accepted.", rendered, node_url, "Open node"),
    ]  # fmt: skip


PARTS = {
    "stats": stats_part,
    "attention": attention_part,
    "jobs": jobs_part,
    "newest": newest_part,
    "nodes": nodes_part,
}
