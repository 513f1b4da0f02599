"""A node's reliability and level in words: its parts with what they rest on, what the next level asks for, the last 90 days."""

from math import floor

from common.words import plural
from workers import levels, standing
from workers.levels import LABELS, Level, Standing
from workers.look import Look
from workers.models import ReliabilityDay, Worker
from workers.reliability import ALL_HOURS, HOUR, WHOLE_BP, WORK_WEIGHT, Record, parts_of, reliability_bp

NEW_HOURS = 24  # expected: of a node that was seen for less, the figure says little


def percent(share: float) -> str:
    """To a tenth, rounded down: "100" means all, never nearly all."""
    return f"{floor(share * 1000 + 1e-6) / 10:g} %"


def badge_of(level: str) -> dict:
    """Arguments of components/badge.html."""
    return {"tone": levels.TONES[Level(level)], "words": LABELS[Level(level)]}


def figures_of(worker: Worker) -> dict:
    """What is written of the node itself: level and figure."""
    return {"level": badge_of(worker.level), "reliability": percent(worker.reliability_bp / WHOLE_BP)}


def reliability_part(look: Look) -> dict:
    worker = look.worker
    found = standing.facts_of(now=look.now, worker_ids=[worker.pk])
    record = found[0].record if found else Record()
    return {
        "worker": worker,
        **figures_of(worker),
        "reliability_parts": _parts(record),
        "reliability_sentence": _sentence(record),
        "reliability_days": [(f"{day.day_on:%-d %b}", _figure(day)) for day in look.reliability_days],
        **(_next_level(Level(worker.level), found[0].standing) if found else {}),
    }


def _figure(day: ReliabilityDay) -> float:
    return reliability_bp(day.record) // 10 / 10


def _parts(record: Record) -> list[dict]:
    parts = parts_of(record)
    return [
        {"name": "Uptime", "percent": percent(parts.uptime), "words": _uptime_words(record)},
        {"name": "Starts", "percent": percent(parts.starts), "words": _starts_words(record)},
        {"name": "Honoured", "percent": percent(parts.honoured), "words": _honoured_words(record)},
    ]


def _uptime_words(record: Record) -> str:
    if not record.offer_seconds + record.work_seconds:
        return "not seen online yet"
    offer = f"online {_hours(record.offer_up_seconds, record.offer_seconds)} on offer"
    work = f", {_hours(record.work_up_seconds, record.work_seconds)} at work" if record.work_seconds else ""
    return offer + work


def _hours(part_seconds: float, whole_seconds: float) -> str:
    """Rounded away from each other, so that equal figures mean all of it."""
    part, whole = floor(part_seconds / HOUR * 10 + 1e-6) / 10, whole_seconds / HOUR
    return f"{part:,.1f} of {whole:,.1f} hours"


def _starts_words(record: Record) -> str:
    given = record.begun + record.unbegun
    return f"{_count(record.begun)} of {_tasks(given)} begun" if given else "no task yet"


def _honoured_words(record: Record) -> str:
    if not record.begun:
        return "no task yet"
    words = [f"{_count(record.accepted)} of {_tasks(record.begun)} accepted"]
    words += [f"{_count(record.failed)} failed"] if record.failed else []
    words += [f"{_count(record.left)} left in the middle"] if record.left else []
    return ", ".join(words)


def _count(tasks: float) -> str:
    """Faded tasks are fractions; whole ones have no decimals."""
    return f"{round(tasks):,}" if abs(tasks - round(tasks)) < 0.05 else f"{tasks:,.1f}"


def _tasks(tasks: float) -> str:
    count = _count(tasks)
    return plural(1, "task") if count == "1" else f"{count} tasks"


def _sentence(record: Record) -> str:
    hours = (record.offer_seconds + WORK_WEIGHT * record.work_seconds) / HOUR
    if hours < NEW_HOURS:
        return f"New: it starts at 60 %, as if it had been seen for {ALL_HOURS} hours, and rises with every hour online."
    return "Each day counts half as much after 30 days."


def _next_level(level: Level, facts: Standing) -> dict:
    """What the level after this one asks for and the node does not have yet."""
    following = levels.next_after(level)
    return {"next_level": LABELS[following], "missing": levels.missing(following, facts)} if following else {}
