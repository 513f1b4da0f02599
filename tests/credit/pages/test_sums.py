"""Sums of days that are over are kept: what is read from them is what the transfers say."""

from datetime import UTC, date, datetime, timedelta

import pytest

from credit import services, statements
from credit.models import DaySum
from credit.proof import differences as all_differences
from credit.spending import spent_micros
from credit.sums import keep_sums
from credit.usage import usage_of
from tests.credit.builders import charge, hold, top_up

pytestmark = pytest.mark.django_db
TODAY = datetime(2026, 3, 3, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)


def differences() -> list:
    """Of this law alone: holds of a month ago are past their time."""
    return [found for found in all_differences(TODAY) if found.law == "The sums of a day equal its transfers"]


@pytest.fixture
def lived(alice, wanda, monkeypatch):
    """Six weeks with a charge every day, some given back on a later day."""
    for back in range(42, -1, -1):
        monkeypatch.setattr("django.utils.timezone.now", lambda back=back: TODAY - timedelta(days=back))
        if back % 10 == 2:
            top_up(alice, 10_000_000, key=f"pay:{back}")
        held = hold(alice, 30_000 + back, key=f"job:{back // 5}:hold:{back}")
        charge(held, 20_000 + back, wanda, key=f"task:{back}:charge")
        if back % 7 == 3:
            services.refund_charge(key=f"refund:{back}", charge_key=f"task:{back + 2}:charge", reason="Wrong picture")


def read(alice) -> list:
    """Everything that reads sums, over spans that begin and end anywhere."""
    month = date(2026, 2, 1)
    usage = usage_of(alice, MIDNIGHT - timedelta(days=30), MIDNIGHT)
    return [
        sorted((item.number, item.spent_micros, item.charges, dict(item.by_day)) for item in usage.items),
        statements.statement_of(alice, month),
        statements.statement_of(alice, statements.next_month(month)),
        [spent_micros(alice.pk, TODAY - timedelta(hours=hours), TODAY) for hours in (1, 12, 30, 100, 168, 2000)],
        spent_micros(alice.pk, TODAY - timedelta(hours=50), TODAY - timedelta(hours=40)),
    ]


def test_what_is_kept_changes_no_figure(alice, lived):
    unkept = read(alice)
    for back in (30, 5, 1, 0):  # as the sweep would have gone on
        assert keep_sums(TODAY - timedelta(days=back)) > 0
        assert read(alice) == unkept
    assert not differences()


def test_a_day_is_kept_once_and_an_hour_after_its_end(alice, lived):
    newest = TODAY.date()
    keep_sums(MIDNIGHT + timedelta(minutes=59))
    assert not DaySum.objects.filter(day=newest).exists()
    assert keep_sums(MIDNIGHT + timedelta(minutes=60)) > 0
    assert DaySum.objects.filter(day=newest).exists()
    assert keep_sums(MIDNIGHT + timedelta(hours=2)) == 0


def test_pages_read_what_is_kept(alice, lived):
    keep_sums(MIDNIGHT + timedelta(days=1))
    DaySum.objects.filter(code="charge").update(amount_micros=7)
    assert spent_micros(alice.pk, TODAY - timedelta(days=2, hours=12), MIDNIGHT) == 3 * 7


def test_a_sum_that_is_wrong_or_missing_is_found(alice, lived):
    keep_sums(MIDNIGHT + timedelta(days=1))
    changed, gone = DaySum.objects.filter(owner=alice, code="charge").order_by("day")[:2]
    DaySum.objects.filter(pk=changed.pk).update(amount_micros=1)
    gone.delete()
    assert len(differences()) == 2
    DaySum.objects.all().delete()  # as docs/money.md says: the sweep writes them again
    keep_sums(MIDNIGHT + timedelta(days=1))
    assert not differences()
