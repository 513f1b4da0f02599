"""What the summary of an owner's nodes shows: rows read, words chosen."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from django.db.models import Count, Q, Sum
from django.urls import reverse

from common.lately import kept_if_many
from common.money import format_credits, places_for
from common.words import plural
from workers import fleet_figures, uptime
from workers.control_models import Controls
from workers.fleet_figures import DayOnline
from workers.look import CALENDAR_WEEKS
from workers.models import Tally, Worker
from workers.presentation import tenths
from workers.states import WorkerStatus
from workers.tallies import Day, days_of

MONTH_DAYS = 30
NODES_SHOWN = 10  # the best of the month


class Period(NamedTuple):
    """Of the charts: how far back, and how many days are one bar."""

    days: int
    words: str
    bar_days: int = 1


PERIODS = (Period(7, "7 d"), Period(30, "30 d"), Period(90, "90 d"), Period(364, "1 y", 7))


def sections() -> list[dict]:
    """The pages of My Workers as components/tabs.html wants them."""
    pages = (
        ("list", "worker-list", "Nodes"),
        ("summary", "worker-summary", "Summary"),
        ("teams", "team-list", "Teams"),
        ("fleet", "fleet-tokens", "Fleet tokens"),
    )
    return [{"key": key, "url": reverse(f"workers:{name}"), "words": words} for key, name, words in pages]


class Together:
    """One look at all nodes of an owner: each fact is read once."""

    def __init__(self, user, now: datetime):
        self.user, self.now = user, now

    @cached_property
    def days(self) -> list[Day]:
        return days_of(self.user.pk)

    @cached_property
    def online(self) -> list[DayOnline]:
        return fleet_figures.days_online(self.user.pk, days=CALENDAR_WEEKS * 7, now=self.now)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Nodes that are online, and all that are not retired."""
        online, all_ = Count("pk", filter=~Q(connected_at=None)), Count("pk", filter=~Q(status=WorkerStatus.RETIRED))
        return Worker.objects.owned_by(self.user).aggregate(online=online, all=all_)

    @property
    def best(self) -> list[dict]:
        """The nodes that earned most within the month; of a large fleet up to a minute old."""
        key = f"workers:best:{self.user.pk}:{self.now.date()}"
        return kept_if_many(key, self._best, many=fleet_figures.MANY, seconds=fleet_figures.KEPT_SECONDS)

    def _best(self) -> tuple[list[dict], int]:
        """With the number of nodes they were chosen from."""
        since = self.now.date() - timedelta(days=MONTH_DAYS)
        rows = Tally.objects.filter(worker__owner=self.user, day_on__gt=since).order_by().values("worker_id", "worker__name")
        sums = rows.annotate(earned=Sum("earned_micros"), accepted=Sum("tasks_accepted"), failed=Sum("tasks_failed"))
        return list(sums.filter(accepted__gt=0).order_by("-earned", "worker__name")[:NODES_SHOWN]), self.counts["all"]


def stats_part(look: Together) -> dict:
    """Money first, then work."""
    user, now, days, online, counts = look.user, look.now, look.days, look.online, look.counts
    month = _since(days, now, MONTH_DAYS)
    return {
        "money": [
            _stat("Earned today", _earned(_since(days, now, 1)), "credits", _yesterday(days, now)),
            _stat("7 days", _earned(_since(days, now, 7)), "credits", _each_day(_since(days, now, 7), 7)),
            _stat("30 days", _earned(month), "credits", _net_sentence(user, now) or _each_day(month, MONTH_DAYS)),
            _stat("All time", _earned(days), "credits", f"Since {days[0].day_on:%-d %B %Y}" if days else "Nothing yet"),
        ],
        "work": [
            _stat("Nodes online", f"{counts['online']:,}", f"of {counts['all']:,}", "Retired ones are not counted"),
            _stat("Tasks, 30 days", f"{sum(day.tasks_accepted for day in month):,}", "accepted", _failed_sentence(month)),
            _utilisation_stat(month, online[-MONTH_DAYS:]),
            _uptime_stat(online[-MONTH_DAYS:]),
        ],
    }


def charts_part(look: Together, period: Period) -> dict:
    """Earnings and accepted tasks, a bar per day or week."""
    by_date = {day.day_on: day for day in look.days}
    dates = [look.now.date() - timedelta(days=n) for n in range(period.days - 1, -1, -1)]
    days = [by_date.get(each) or Day(each, 0, 0, 0) for each in dates]
    bars = [days[first : first + period.bar_days] for first in range(0, len(days), period.bar_days)]
    labels = [_bar_label(bar) for bar in bars]
    return {
        "period": period,
        "periods": PERIODS,
        "earnings": list(zip(labels, [sum(day.earned_micros for day in bar) for bar in bars], strict=True)),
        "tasks": list(zip(labels, [sum(day.tasks_accepted for day in bar) for bar in bars], strict=True)),
        "any": any(day.tasks_accepted or day.earned_micros for bar in bars for day in bar),
        "each": "week" if period.bar_days > 1 else "day",
    }


def calendar_part(look: Together) -> dict:
    """One square per day: how much of it the nodes were online, all together."""
    return {
        "calendar": [{"level": uptime.level(24 * _share(day, look.now)), "words": _day_words(day)} for day in look.online],
        "weeks": CALENDAR_WEEKS,
    }


def best_part(look: Together) -> dict:
    """The nodes that earned most within the month."""
    return {
        "best": [
            {
                "name": row["worker__name"],
                "url": reverse("workers:worker-detail", args=[row["worker_id"]]),
                "earned_micros": row["earned"],
                "accepted": row["accepted"],
                "share": tenths(row["accepted"], row["accepted"] + row["failed"]),
            }
            for row in look.best
        ]
    }


# Words ----------------------------------------------------------------------------------------------------------------


def _stat(label: str, figure: str, context: str, sentence: str) -> dict:
    """Arguments of components/stat.html."""
    return {"label": label, "figure": figure, "context": context, "sentence": sentence}


def _since(days: Sequence[Day], now: datetime, count: int) -> list[Day]:
    """The last `count` days, today included."""
    first = now.date() - timedelta(days=count - 1)
    return [day for day in days if day.day_on >= first]


def _earned(days: Sequence[Day]) -> str:
    return _credits(sum(day.earned_micros for day in days))


def _credits(amount_micros: int) -> str:
    return format_credits(amount_micros, places=places_for(amount_micros))


def _yesterday(days: Sequence[Day], now: datetime) -> str:
    before = now.date() - timedelta(days=1)
    return f"{_earned([day for day in days if day.day_on == before])} yesterday"


def _each_day(days: Sequence[Day], count: int) -> str:
    return f"{_credits(sum(day.earned_micros for day in days) // count)} a day on average"


def _net_sentence(user, now: datetime) -> str:
    """What is left after electricity, once its price is known of a node."""
    controls = list(Controls.objects.filter(worker__owner=user).exclude(kwh_micros=None))
    nets = fleet_figures.nets_of(controls, since=now - timedelta(days=MONTH_DAYS), now=now)
    if not nets:
        return ""
    net, energy = sum(net.net_micros for net in nets.values()), sum(net.energy_micros for net in nets.values())
    return f"{plural(len(nets), 'node')}: {_credits(net)} after {_credits(energy)} for electricity"


def _failed_sentence(days: Sequence[Day]) -> str:
    accepted, failed = sum(day.tasks_accepted for day in days), sum(day.tasks_failed for day in days)
    if not accepted + failed:
        return "None yet"
    return f"{failed:,} failed, {tenths(accepted, accepted + failed)} % accepted"


def _utilisation_stat(days: Sequence[Day], online: Sequence[DayOnline]) -> dict:
    busy, seconds = sum(day.busy_seconds for day in days), sum(day.seconds for day in online)
    figure = f"{min(100, round(100 * busy / seconds))} %" if seconds else "–"
    return _stat("Utilisation, 30 days", figure, "", "Of the time online, how much was work")


def _uptime_stat(online: Sequence[DayOnline]) -> dict:
    could = sum(day.could_seconds for day in online)
    figure = f"{min(100, round(100 * sum(day.seconds for day in online) / could))} %" if could else "–"
    return _stat("Uptime, 30 days", figure, "", "Of every node since it first signed on")


def _length(day: date, now: datetime) -> float:
    """Seconds of a day that have passed."""
    return uptime.since_midnight(now) if day == now.date() else uptime.DAY_SECONDS


def _share(day: DayOnline, now: datetime) -> float:
    return day.share(_length(day.day_on, now))


def _day_words(day: DayOnline) -> str:
    return f"{day.day_on:%-d %b}: {day.seconds / 3600:.1f} h online, {plural(day.nodes, 'node')}"


def _bar_label(bar: Sequence[Day]) -> str:
    first, last = bar[0].day_on, bar[-1].day_on
    return f"{first:%-d %b}" if first == last else f"{first:%-d %b} to {last:%-d %b}"
