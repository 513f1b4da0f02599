"""What the nodes' pages show: rows read, words chosen. Decides nothing; each `*_part` answers for one live element."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.words import plural
from workers import explain, misfits, release_words, telemetry, uptime
from workers.control_models import controls_of
from workers.explain import AtWork
from workers.levels import LABELS, Level
from workers.levels import TONES as LEVEL_TONES
from workers.look import CALENDAR_WEEKS, EARNINGS_DAYS, Look, spans_of, titles
from workers.models import AgentRelease, Worker
from workers.places import name_of
from workers.states import MAY_PAUSE, TONES, WorkerStatus

UPTIME_DAYS = 7
MISFITS_SHOWN = 20
GIB = 1024**3


# Words ----------------------------------------------------------------------------------------------------------------


def status_words(worker: Worker, running: int) -> tuple[str, str]:
    """Tone and words of the badge; `running`: how many attempts run on it now."""
    status = WorkerStatus(worker.status)
    tone, words = TONES[status], str(status.label)
    if worker.status == WorkerStatus.ONLINE and worker.closed_by:
        return ("accent", "Closing after this task") if running else ("quiet", "Online, closed")
    if worker.status == WorkerStatus.ONLINE and worker.resting:
        return ("accent", "Resting after this task") if running else ("warn", "Online, resting")
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
    level_tone: str
    level_words: str
    reliability: str  # "97.1 %"
    work: AtWork | None
    title: str
    percent: int
    reason: str


def rows_of(workers: list[Worker], *, now: datetime) -> list[Row]:
    """Rows for `workers` (of look.for_look and look.with_day), with a fixed number of queries."""
    busy = [worker for worker in workers if worker.holds_work]
    current = explain.current_work(busy) if busy else {}
    reasons = explain.idle_reasons([worker for worker in workers if not worker.holds_work])
    names = titles(list(current.values()))
    spans = spans_of(workers, now - timedelta(days=UPTIME_DAYS))
    return [
        _row(worker, current.get(worker.pk), reasons, names, _uptime_share(worker, spans.get(worker.pk, []), now))
        for worker in workers
    ]


def _row(worker, work, reasons, names, share) -> Row:
    tone, words = status_words(worker, 1 if work else 0)
    return Row(
        worker=worker,
        tone=tone,
        words=words,
        hardware=hardware(worker),
        earned_micros=worker.earned_micros or 0,
        tasks=worker.tasks_accepted or 0,
        uptime=share,
        level_tone=LEVEL_TONES[Level(worker.level)],
        level_words=LABELS[Level(worker.level)],
        reliability=f"{tenths(worker.reliability_bp, 10_000)} %",
        work=work,
        title=names.get((work.kind, work.reference), "A task") if work else "",
        percent=round(work.fraction * 100) if work else 0,
        reason=reasons.get(worker.pk, ""),
    )


def _uptime_share(worker: Worker, spans: list[uptime.Span], now: datetime) -> float | None:
    """Since the first sign-on, at most UPTIME_DAYS back; None for a node that never signed on."""
    first = worker.first_signed_on_at
    return uptime.share(spans, max(first, now - timedelta(days=UPTIME_DAYS)), now) if first else None


# The node's page ------------------------------------------------------------------------------------------------------


def head_part(look: Look) -> dict:
    worker, running = look.worker, look.running
    tone, words = status_words(worker, running)
    facts = hardware(worker)
    if worker.agent_version:
        facts += f", agent {worker.agent_version}"
    verbs = verbs_of(worker)
    verbs["can_stop"] = running > 0 and (verbs["can_pause"] or verbs["can_resume"])
    return {"worker": worker, "tone": tone, "words": words, "facts": facts, "running": running} | verbs


def verbs_of(worker: Worker) -> dict:
    """Which verbs fit the status."""
    status = worker.status
    return {
        "can_pause": status in MAY_PAUSE,
        "can_resume": status == WorkerStatus.PAUSED,
        "can_retire": status != WorkerStatus.RETIRED,
        "can_configure": status not in {WorkerStatus.RETIRED, WorkerStatus.SUSPENDED},
    }


def notice_part(look: Look) -> dict:
    """What the owner should know first; the isolation warning comes before everything else."""
    return {"worker": look.worker, "notice": _notice(look.worker)}


def _notice(worker: Worker) -> dict | None:
    if worker.status == WorkerStatus.RETIRED:
        return {"tone": "info", "title": "Retired.", "text": "It takes no more work; its history stays here."}
    if worker.status == WorkerStatus.SUSPENDED:
        return {"tone": "bad", "title": "Suspended by an operator.", "text": "It gets no work until an operator lifts this."}
    if worker.simulated:
        return {
            "tone": "warn",
            "title": "Its GPUs are simulated.",
            "text": "The agent plays them from a recording (--gpu-trace), so that pages and limits can be tried without any.",
        }
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


def stats_part(look: Look) -> dict:
    worker, accepted = look.worker, sum(tally.tasks_accepted for tally in look.tallies)
    return {
        "worker": worker,
        "today": look.today,
        "earned_month_micros": sum(tally.earned_micros for tally in look.tallies),
        "tasks_sentence": _tasks_sentence(accepted, sum(tally.tasks_failed for tally in look.tallies)),
        "failed_tone": "bad" if look.today.tasks_failed else "",
        "uptime": _uptime_share(worker, look.spans, look.now),
        "online_since": worker.connected_at,
        "score": f"{worker.score_milli / 1000:.1f}×",
    }


def tenths(part: int, whole: int) -> str:
    """Percent of `whole` to a tenth, rounded down: "100" means all, never nearly all."""
    return f"{part * 1000 // whole / 10:g}"


def _tasks_sentence(accepted: int, failed: int) -> str:
    if not accepted + failed:
        return "None in 30 days yet"
    return f"{accepted:,} in 30 days, {tenths(accepted, accepted + failed)} % accepted"


def gauges_part(look: Look) -> dict:
    """The newest sample; the page then draws what the socket pushes."""
    worker = look.worker
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


def work_part(look: Look) -> dict:
    """What runs, what is next, what uploads; else why nothing does."""
    shown = [
        {
            "row": row,
            "title": look.titles.get((row.kind, row.reference), "A task"),
            "percent": round(row.fraction * 100),
            "seconds": (look.now - row.started_at).total_seconds() if row.started_at else None,
        }
        for row in look.work
    ]
    return {
        "worker": look.worker,
        "running": [item for item in shown if item["row"].place == 0],
        "following": [item for item in shown if item["row"].place == 1],
        "uploading": [item for item in shown if item["row"].place is None],
        "idle_reason": look.idle_reason,
    }


def history_part(look: Look) -> dict:
    """Earnings by day and the uptime calendar."""
    earned = {tally.day_on: tally.earned_micros for tally in look.tallies}
    dates = [look.now.date() - timedelta(days=n) for n in range(EARNINGS_DAYS - 1, -1, -1)]
    days = uptime.days(look.spans, look.now, weeks=CALENDAR_WEEKS)
    return {
        "worker": look.worker,
        "earnings": [(f"{day:%-d %b}", earned.get(day, 0) / 1_000_000) for day in dates],
        "any_earnings": any(earned.get(day) for day in dates),
        "calendar": [{"level": uptime.level(hours), "words": f"{day:%-d %b}: {hours:.1f} h online"} for day, hours in days],
    }


def misfits_part(look: Look) -> dict:
    """What is kept from the node, and why."""
    rows = misfits.in_force(now=look.now).filter(worker=look.worker)[:MISFITS_SHOWN]
    return {"worker": look.worker, "kept_away": [(row.title, misfits.words_of(row), row.at) for row in rows]}


def facts_part(look: Look) -> dict:
    agent = _agent_of(look.worker)
    rows = [("Agent", agent.words), *_facts_rows(look.worker)]
    return {"worker": look.worker, "facts_rows": rows, "can_update": agent.can_update} | verbs_of(look.worker)


def _agent_of(worker: Worker) -> release_words.Agent:
    """`worker`: of workers.look.for_look."""
    controls = controls_of(worker)
    number = worker.newest_release
    return release_words.agent_of(
        worker.agent_version,
        getattr(worker, "build", None),
        number and AgentRelease(pk=number, sha256=worker.newest_sha256),
        allowed=controls.release_allowed,
        by_itself=controls.updates_itself,
    )


def _facts_rows(worker: Worker) -> list[tuple[str, str]]:
    isolation = "bubblewrap" if worker.sandboxed else "none, allowed by its owner" if worker.unsandboxed_allowed else "none"
    return [
        ("Location", name_of(worker.country) or "not stated"),
        ("Trusted", "yes, by an operator" if worker.trusted else "not yet"),
        ("Isolation", isolation),
        ("Blender", ", ".join(worker.blender_versions) or "none installed yet"),
        *[("Engine that does not work here", note) for note in worker.engine_notes],
        ("System", worker.os or "–"),
        ("Host name", worker.hostname or "–"),
        ("Processor", f"{worker.cpu_model}, {plural(worker.cpu_cores, 'core')}" if worker.cpu_model else "–"),
        ("Places", f"{plural(worker.slots, 'task')} at a time, one more ready"),
        ("Node", worker.uid),
    ]
