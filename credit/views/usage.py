"""What credit was spent on, drawn and in numbers."""

from datetime import UTC, timedelta

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common import clock
from credit import presentation
from credit.links import links_of
from credit.sums import midnight
from credit.usage import Item, usage_of

PERIODS = (7, 30, 90, 365)  # days
LINKED_MAX = 25  # rows with a link of their own


@login_required
@require_safe
def usage(request):
    days = request.GET.get("days", "")
    days = int(days) if days in {str(period) for period in PERIODS} else 30
    until = midnight(clock.now().astimezone(UTC).date() + timedelta(days=1))
    found = usage_of(request.user, until - timedelta(days=days), until)
    context = {
        "usage": found,
        "days": days,
        "periods": PERIODS,
        "day_micros": found.spent_micros // days,
        "points": [(f"{day:%-d %b}", spent) for day, spent in found.by_day],
        "chart": {
            "days": [f"{day:%Y-%m-%d}" for day in found.days],
            "series": [{"words": words, "micros": amounts} for words, amounts in found.series],
        },
        "jobs": _linked(request.user, found.of_kind("job")),
        "instances": _linked(request.user, found.of_kind("instance")),
        "section_tabs": presentation.sections(),
    }
    return render(request, "credit/usage.html", context)


def _linked(user, items: list[Item]) -> list[tuple[Item, str]]:
    """Each with the address of its page, where the reader may open it."""
    return [(item, _url(user, item) if place < LINKED_MAX else "") for place, item in enumerate(items)]


def _url(user, item: Item) -> str:
    links = links_of(user, f"{item.kind}:{item.number}")
    return links[0].url if links else ""
