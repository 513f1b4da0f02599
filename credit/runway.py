"""How long a user's credit lasts when they go on spending as in the last days."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache

from credit.services import Balance
from credit.spending import spent_micros

LOOKS_BACK = timedelta(days=7)
KEPT_SECONDS = 60  # the sum of a busy account reads many rows
LASTS_MAX = timedelta(days=3 * 365)  # what lasts longer is not worth a date


@dataclass(frozen=True, slots=True)
class Runway:
    """At `day_micros` a day, what is available and held lasts until `ends_at`; None: nothing is spent, or it lasts for years."""

    day_micros: int
    ends_at: datetime | None

    @property
    def is_spending(self) -> bool:
        return self.day_micros > 0


def of(user, balance: Balance, now: datetime) -> Runway:
    """By what was charged in the last seven days, less what was refunded."""
    spent = cache.get_or_set(f"credit:spent:{user.pk}", lambda: spent_micros(user.pk, now - LOOKS_BACK, now), KEPT_SECONDS)
    return runway(spent_micros=spent or 0, left_micros=balance.available_micros + balance.held_micros, now=now)


def runway(*, spent_micros: int, left_micros: int, now: datetime) -> Runway:
    """PURE. `spent_micros` in LOOKS_BACK; rounded down to the second."""
    day_micros = spent_micros // LOOKS_BACK.days
    if day_micros <= 0:
        return Runway(0, None)
    lasts = timedelta(seconds=min(left_micros * 86_400 // day_micros, 10**9))
    return Runway(day_micros, now + lasts if lasts <= LASTS_MAX else None)
