"""Sweeps as beat runs them, and what credit does when it hears of a new account."""

from datetime import timedelta

import pytest
from allauth.account.signals import user_signed_up
from structlog.testing import capture_logs

from common import clock
from credit import background, services
from credit.models import Account, Hold
from pictor.celery import SWEEPS
from tests.credit.builders import charge, hold, top_up
from users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order")]


def test_every_sweep_is_scheduled():
    scheduled = {function for function, _ in SWEEPS.values()}
    sweeps = {background.sweep_matured_earnings, background.sweep_expired_holds, background.sweep_ledger}
    assert {sweep.name for sweep in sweeps} <= scheduled


def test_a_sweep_of_earnings_goes_on_until_nothing_is_due(alice, wanda, monkeypatch):
    monkeypatch.setattr(background, "BATCH", 2)
    top_up(alice, 1000)
    held = hold(alice, 500)
    for number in range(5):
        charge(held, 10, wanda, key=f"task:{number}:charge")  # due long ago
    background.sweep_matured_earnings()
    assert services.balance_of(wanda).withdrawable_micros == 30


def test_a_sweep_gives_forgotten_holds_back(alice):
    top_up(alice, 1000)
    hold(alice, 500)
    Hold.objects.update(expires_at=clock.now() - timedelta(minutes=1))
    background.sweep_expired_holds()
    assert services.balance_of(alice).available_micros == 1000


def test_a_new_account_is_welcomed(alice):
    user_signed_up.send(sender=User, request=None, user=alice)
    assert services.balance_of(alice).promotional_micros == 5_000_000


def test_a_ledger_in_order_is_proved_without_an_error(alice):
    top_up(alice, 1000)
    with capture_logs() as said:
        background.sweep_ledger()
    assert [(line["event"], line["log_level"], line["differences"]) for line in said] == [("ledger_proved", "info", 0)]


def test_a_balance_that_does_not_add_up_is_an_error_in_the_log(alice):
    top_up(alice, 1000)
    purchased = Account.objects.filter(owner=alice, kind="spendable", bucket="purchased")
    purchased.update(balance_micros=999)
    with capture_logs() as said:
        background.sweep_ledger()
    purchased.update(balance_micros=1000)
    assert {line["log_level"] for line in said} == {"error"}
    assert "keeps 999, its transfers say 1000" in " ".join(line.get("difference", "") for line in said)
    assert said[-1]["differences"] == len(said) - 1
