"""Usage: every charge on its day and under its job, less what was given back."""

from datetime import UTC, datetime, timedelta

import pytest

from credit import services
from credit.usage import usage_of
from tests.credit.builders import charge, hold, top_up

pytestmark = pytest.mark.django_db
USAGE = "/credit/usage/"
TODAY = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch):
    """Let it be some days ago."""

    def set_back(days: int) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: TODAY - timedelta(days=days))

    return set_back


def spend(alice, wanda, job: int, micros: int) -> None:
    held = hold(alice, micros, key=f"job:{job}:hold:{micros}")
    charge(held, micros, wanda, key=f"task:{job}:{micros}:charge")


def test_it_adds_up_by_day_job_and_instance(client, alice, wanda, at):
    at(2)
    top_up(alice, 50_000_000)
    spend(alice, wanda, 7, 1_000_000)
    spend(alice, wanda, 8, 500_000)
    at(0)
    spend(alice, wanda, 7, 2_000_000)
    charge(hold(alice, 300_000, key="instance:3:hold:1"), 300_000, wanda, key="instance:3:period:1")
    services.refund_charge(key="refund", charge_key="task:8:500000:charge", reason="Wrong picture")
    midnight = TODAY.replace(hour=0) + timedelta(days=1)
    found = usage_of(alice, midnight - timedelta(days=7), midnight)
    assert [amount for _, amount in found.by_day] == [0, 0, 0, 0, 1_500_000, 0, 1_800_000]
    assert [(item.number, item.spent_micros, item.charges) for item in found.of_kind("job")] == [
        ("7", 3_000_000, 2),
        ("8", 0, 2),
    ]
    assert [(item.number, item.spent_micros) for item in found.of_kind("instance")] == [("3", 300_000)]
    assert found.spent_micros == 3_300_000
    client.force_login(alice)
    page = client.get(USAGE, {"days": "7"}).content.decode()
    for words in ("3.30", "Entries of job 7", '"micros": [0, 0, 0, 0, 1000000, 0, 2000000]'):
        assert words in page


def test_many_jobs_keep_the_chart_readable_and_the_sum_whole(alice, wanda, at):
    at(0)
    top_up(alice, 50_000_000)
    for job in range(1, 10):
        spend(alice, wanda, job, job * 1000)
    midnight = TODAY.replace(hour=0) + timedelta(days=1)
    series = usage_of(alice, midnight - timedelta(days=1), midnight).series
    assert [words for words, _ in series][-1] == "Everything else"
    assert len(series) == 7
    assert sum(sum(amounts) for _, amounts in series) == 45_000


def test_its_queries_do_not_grow_with_jobs(client, alice, wanda, django_assert_max_num_queries):
    top_up(alice, 50_000_000)
    for job in range(1, 4):
        spend(alice, wanda, job, job * 1000)
    client.force_login(alice)
    with django_assert_max_num_queries(20):
        client.get(USAGE)


@pytest.mark.parametrize("days", ["", "7", "365", "-1", "x", "1000000"])
def test_an_empty_period_says_what_to_do(client, alice, days):
    client.force_login(alice)
    assert "Nothing was spent" in client.get(USAGE, {"days": days}).content.decode()
