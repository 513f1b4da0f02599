"""What the nodes' pages show: rows read, words chosen. Decides nothing; each `*_part` answers for one live element."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, Sum

from common.words import plural
from workers import events, explain, misfits, telemetry, uptime
from workers.explain import AtWork
from workers.kinds import kind_of
from workers.models import Shift, Tally, Worker
from workers.places import name_of
from workers.states import TONES, WorkerStatus

UPTIME_DAYS = 7
CALENDAR_WEEKS = 13
EARNINGS_DAYS = 30
EVENTS_SHOWN = 30
MISFITS_SHOWN = 20
INSTALL_COMMAND = "python3.11 -m pip install ."  # pyproject.toml packages the agent alone
GIB = 1024**3
TONES_OF_EVENTS = {
    "signed-on": "ok",
    "enrolled": "ok",
    "lost": "warn",
    "superseded": "warn",
    "work-returned": "warn",
    "task-failed": "bad",
    "misfit": "warn",
    "suspended": "bad",
    "paused": "warn",
    "draining": "info",
}


# Words ----------------------------------------------------------------------------------------------------------------


def status_words(worker: Worker, running: int) -> tuple[str, str]:
    """Tone and words of the badge; `running`: how many attempts run on it now."""
    status = WorkerStatus(worker.status)
    tone, words = TONES[status], str(status.label)
    if worker.status == WorkerStatus.ONLINE:
        return ("accent", "Online, rendering") if running else (tone, "Online, idle")
    if worker.status == WorkerStatus.PAUSED and running:
        return tone, "Pausing after this task"
    return tone, words


def hardware(worker: Worker) -> str:
    """ "RTX 4090 24 GB, Ryzen 9 7950X, 64 GB" """
    gpus = [f"{gpu.model} {gpu.vram_bytes / GIB:.0f} GB" for gpu in worker.gpus.all()]
    machine = [f"{worker.cpu_model}, {plural(worker.cpu_cores, 'core')}", f"{worker.ram_bytes / GIB:.0f} GB"]
    return ", ".join(gpus + machine) if worker.ram_bytes else "Its hardware is known after the first sign-on"


def titles(rows: list[AtWork]) -> dict[tuple[str, int], str]:
    """What the products call the references, by (kind, reference)."""
    by_kind: dict[str, list[int]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row.reference)
    return {
        (kind, reference): title
        for kind, references in by_kind.items()
        for reference, title in kind_of(kind).titles(references).items()
    }


# The list -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One node in the list."""

    worker: Worker
    tone: str
    words: str
    hardware: str
    earned_micros: int
    tasks: int
    uptime: float | None  # 0..1 over UPTIME_DAYS
    work: AtWork | None
    title: str
    percent: int
    reason: str


def rows_of(workers: list[Worker], *, now: datetime) -> list[Row]:
    """Rows for `workers` (GPUs prefetched), with a fixed number of queries."""
    current = explain.current_work(workers)
    reasons = explain.idle_reasons([worker for worker in workers if worker.pk not in current])
    names = titles(list(current.values()))
    tallies = {tally.worker_id: tally for tally in Tally.objects.filter(worker__in=workers, day_on=now.date())}
    shares = _uptime_shares(workers, now)
    return [_row(worker, current.get(worker.pk), reasons, names, tallies, shares) for worker in workers]


def _row(worker, work, reasons, names, tallies, shares) -> Row:
    tone, words = status_words(worker, 1 if work else 0)
    tally = tallies.get(worker.pk)
    return Row(
        worker=worker,
        tone=tone,
        words=words,
        hardware=hardware(worker),
        earned_micros=tally.earned_micros if tally else 0,
        tasks=tally.tasks_accepted if tally else 0,
        uptime=shares.get(worker.pk),
        work=work,
        title=names.get((work.kind, work.reference), "A task") if work else "",
        percent=round(work.fraction * 100) if work else 0,
        reason=reasons.get(worker.pk, ""),
    )


def _spans(workers, since: datetime) -> dict[int, list[uptime.Span]]:
    found: dict[int, list[uptime.Span]] = {}
    shifts = Shift.objects.filter(worker__in=workers).exclude(ended_at__lt=since)
    for worker_id, began, ended in shifts.values_list("worker_id", "started_at", "ended_at"):
        found.setdefault(worker_id, []).append((began, ended))
    return found


def _uptime_shares(workers: list[Worker], now: datetime) -> dict[int, float]:
    """Since the first sign-on, at most UPTIME_DAYS back; a node that never signed on is left out."""
    since = now - timedelta(days=UPTIME_DAYS)
    spans = _spans(workers, since)
    began = Shift.objects.filter(worker__in=workers).values_list("worker").annotate(Min("started_at"))
    return {pk: uptime.share(spans.get(pk, []), max(first, since), now) for pk, first in began.order_by()}


# The node's page ------------------------------------------------------------------------------------------------------


def head_part(worker: Worker, *, now: datetime) -> dict:
    running = worker.leases.filter(place=0).count()
    tone, words = status_words(worker, running)
    facts = hardware(worker)
    if worker.agent_version:
        facts += f", agent {worker.agent_version}"
    return {"worker": worker, "tone": tone, "words": words, "facts": facts, "running": running} | verbs_of(worker)


def verbs_of(worker: Worker) -> dict:
    """Which verbs fit the status."""
    status = worker.status
    return {
        "can_pause": status in {WorkerStatus.ONLINE, WorkerStatus.OFFLINE},
        "can_resume": status == WorkerStatus.PAUSED,
        "can_retire": status != WorkerStatus.RETIRED,
        "can_configure": status not in {WorkerStatus.RETIRED, WorkerStatus.SUSPENDED},
    }


def setup_part(worker: Worker, *, now: datetime) -> dict:
    """The steps from a name to the first frame, and which one is next."""
    fresh = worker.enrolments.filter(used_at=None, revoked_at=None, expires_at__gt=now).order_by("-pk").first()
    steps = [
        ("Create the node", "", True),
        ("Download its configuration file", "It enrols one machine, once, within a day.", bool(fresh or worker.public_key)),
        (
            "Start the agent with it",
            "It makes a key on that machine and dials out; no port is opened.",
            bool(worker.public_key),
        ),
        ("The node signs on", "This page notices by itself.", worker.connected_at is not None),
    ]
    following = next((index for index, (_, _, done) in enumerate(steps) if not done), len(steps))
    return {
        "worker": worker,
        "setting_up": worker.public_key is None and worker.status != WorkerStatus.RETIRED,
        "steps": [
            {"title": title, "text": text, "done": done, "next": index == following}
            for index, (title, text, done) in enumerate(steps)
        ],
        "next_action": _next_action(worker, fresh),
        "enrolment": fresh,
        "config_name": config_name(worker),
        "install_command": INSTALL_COMMAND,
        "run_command": f"pictor-agent run --config {config_name(worker)}",
    }


def _next_action(worker: Worker, fresh) -> str:
    if fresh is None:
        return "Download the configuration file onto the machine that will render."
    return "Waiting for the agent: run the commands below on that machine."


def config_name(worker: Worker) -> str:
    """File name of the configuration: letters, digits and dashes only."""
    slug = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in worker.name).strip("-")
    return f"{slug or 'node'}.toml"


def notice_part(worker: Worker, *, now: datetime) -> dict:
    """What the owner should know first; the isolation warning comes before everything else."""
    return {"worker": worker, "notice": _notice(worker)}


def _notice(worker: Worker) -> dict | None:
    if worker.status == WorkerStatus.RETIRED:
        return {"tone": "info", "title": "Retired.", "text": "It takes no more work; its history stays here."}
    if worker.status == WorkerStatus.SUSPENDED:
        return {"tone": "bad", "title": "Suspended by an operator.", "text": "It gets no work until an operator lifts this."}
    if worker.public_key is None or worker.sandboxed:
        return None
    if worker.unsandboxed_allowed:
        return {
            "tone": "warn",
            "title": "Strangers' scenes run here without isolation.",
            "text": "The agent was started with --allow-unsandboxed: a hostile file could reach everything its user can. "
            "Install bubblewrap and start it without the flag.",
        }
    return {
        "tone": "bad",
        "title": "No sandbox, so no work.",
        "text": "bubblewrap was not found on the node. Install it (apt install bubblewrap) and start the agent again.",
    }


def stats_part(worker: Worker, *, now: datetime) -> dict:
    today = worker.tallies.filter(day_on=now.date()).first() or Tally(worker=worker)
    month = worker.tallies.filter(day_on__gt=now.date() - timedelta(days=EARNINGS_DAYS))
    sums = month.aggregate(accepted=Sum("tasks_accepted"), failed=Sum("tasks_failed"), earned=Sum("earned_micros"))
    return {
        "worker": worker,
        "today": today,
        "earned_month_micros": sums["earned"] or 0,
        "tasks_sentence": _tasks_sentence(sums["accepted"] or 0, sums["failed"] or 0),
        "failed_tone": "bad" if today.tasks_failed else "",
        "uptime": _uptime_shares([worker], now).get(worker.pk),
        "online_since": worker.connected_at,
        "score": f"{worker.score_milli / 1000:.1f}×",
    }


def _tasks_sentence(accepted: int, failed: int) -> str:
    if not accepted + failed:
        return "None in 30 days yet"
    return f"{accepted:,} in 30 days, {accepted * 100 / (accepted + failed):.1f} % accepted"


def gauges_part(worker: Worker, *, now: datetime) -> dict:
    """The newest sample; the page then draws what the socket pushes."""
    sample = telemetry.get_sample(worker.pk) if worker.connected_at else None
    by_index = {gpu["index"]: gpu for gpu in (sample or {}).get("gpus", [])}
    return {
        "worker": worker,
        "sample": sample,
        "cpu_percent": round((sample or {}).get("cpu_load", 0) * 100),
        "ram_percent": _percent((sample or {}).get("ram_used_bytes", 0), worker.ram_bytes),
        "gpus": [_gpu(gpu, by_index.get(gpu.index)) for gpu in worker.gpus.all()],
    }


def _gpu(gpu, sample: dict | None) -> dict:
    """A GPU with its newest sample, if its driver gives any."""
    known, sample = sample is not None, sample or {}
    used = sample.get("vram_used_bytes", 0)
    fan = sample.get("fan")
    return {
        "gpu": gpu,
        "known": known,
        "load_percent": round(sample.get("load", 0) * 100),
        "vram_percent": _percent(used, gpu.vram_bytes),
        "vram_figure": f"{used / GIB:.1f}",
        "vram_words": f"of {gpu.vram_bytes / GIB:.0f} GB",
        "celsius": round(sample.get("temperature_celsius", 0)),
        "watts": round(sample.get("power_watts", 0)),
        "clock_mhz": sample.get("clock_mhz", 0),
        "fan_percent": None if fan is None else round(fan * 100),
    }


def _percent(part: int, whole: int) -> int:
    return min(100, round(part * 100 / whole)) if whole else 0


def work_part(worker: Worker, *, now: datetime) -> dict:
    """What runs, what is next, what uploads; else why nothing does."""
    rows = explain.work_of(worker)
    names = titles(rows)
    shown = [
        {
            "row": row,
            "title": names.get((row.kind, row.reference), "A task"),
            "percent": round(row.fraction * 100),
            "seconds": (now - row.started_at).total_seconds() if row.started_at else None,
        }
        for row in rows
    ]
    return {
        "worker": worker,
        "running": [item for item in shown if item["row"].place == 0],
        "following": [item for item in shown if item["row"].place == 1],
        "uploading": [item for item in shown if item["row"].place is None],
        "idle_reason": explain.idle_reason(worker),
    }


def history_part(worker: Worker, *, now: datetime) -> dict:
    """Earnings by day and the uptime calendar."""
    earned = dict(worker.tallies.values_list("day_on", "earned_micros"))
    dates = [now.date() - timedelta(days=n) for n in range(EARNINGS_DAYS - 1, -1, -1)]
    spans = _spans([worker], now - timedelta(weeks=CALENDAR_WEEKS)).get(worker.pk, [])
    days = uptime.days(spans, now, weeks=CALENDAR_WEEKS)
    return {
        "worker": worker,
        "earnings": [(f"{day:%-d %b}", earned.get(day, 0) / 1_000_000) for day in dates],
        "any_earnings": any(earned.get(day) for day in dates),
        "calendar": [{"level": uptime.level(hours), "words": f"{day:%-d %b}: {hours:.1f} h online"} for day, hours in days],
    }


def events_part(worker: Worker, *, now: datetime) -> dict:
    rows = worker.events.order_by("-at", "-id")[:EVENTS_SHOWN]
    moments = [
        {
            "words": events.KINDS.get(row.kind, row.kind),
            "detail": row.detail,
            "at": row.at,
            "tone": TONES_OF_EVENTS.get(row.kind, "quiet"),
        }
        for row in rows
    ]
    return {"worker": worker, "moments": moments}


def misfits_part(worker: Worker, *, now: datetime) -> dict:
    """What is kept from the node, and why."""
    rows = misfits.in_force(now=now).filter(worker=worker)[:MISFITS_SHOWN]
    return {"worker": worker, "kept_away": [(row.title, misfits.words_of(row), row.at) for row in rows]}


def facts_part(worker: Worker, *, now: datetime) -> dict:
    return {"worker": worker, "facts_rows": _facts_rows(worker)} | verbs_of(worker)


def _facts_rows(worker: Worker) -> list[tuple[str, str]]:
    isolation = "bubblewrap" if worker.sandboxed else "none, allowed by its owner" if worker.unsandboxed_allowed else "none"
    return [
        ("Location", name_of(worker.country) or "not stated"),
        ("Reliability", f"{worker.reliability_bp / 100:.1f} % over 30 days"),
        ("Trusted", "yes, by an operator" if worker.trusted else "not yet"),
        ("Isolation", isolation),
        ("Blender", ", ".join(worker.blender_versions) or "none installed yet"),
        ("System", worker.os or "–"),
        ("Host name", worker.hostname or "–"),
        ("Processor", f"{worker.cpu_model}, {plural(worker.cpu_cores, 'core')}" if worker.cpu_model else "–"),
        ("Places", f"{plural(worker.slots, 'task')} at a time, one more ready"),
        ("Node", worker.uid),
    ]
