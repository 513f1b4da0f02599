"""What one operator has done without a second one."""

from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.db.models import Sum
from django.db.models.functions import Abs

from credit.models import Adjustment, Taking

DAY = timedelta(days=1)


def lock_operator(operator) -> None:
    """Two requests of one operator at once must not both pass the limit."""
    get_user_model().objects.select_for_update(no_key=True).get(pk=operator.pk)


def alone_today_micros(operator, now: datetime) -> int:
    """Moved alone within a day by adjustments, in either direction, and by takings; so that parts do not pass the limit."""
    alone = {"asked_by": operator, "asked_at__gt": now - DAY, "needs_second": False}
    sums = [rows.objects.filter(**alone).aggregate(micros=Sum(Abs("amount_micros"))) for rows in (Adjustment, Taking)]
    return sum(each["micros"] or 0 for each in sums)
