"""Budgets: told once at each step, by mail and in the page; new work stops only where that was asked for."""

from datetime import timedelta

import pytest
from django.core import mail

from common import clock
from credit import services
from credit.background import sweep_credit_alerts
from credit.errors import BudgetReached
from credit.models import BillingDetails, Budget, CreditAlert, Hold
from credit.services.alerts import _tell, find_alerts, reached, tell_alerts
from credit.services.budgets import set_budget
from tests.credit.builders import charge, hold, top_up
from users.background import sweep_notice_mails
from users.models import Notice

pytestmark = pytest.mark.django_db
BUDGETS = "/credit/budgets/"


def budget(owner, monthly: int | None = 10_000_000, *, stops: bool = False, low: int | None = None) -> Budget:
    return set_budget(owner=owner, monthly_micros=monthly, stops_new_jobs=stops, low_balance_micros=low)


def spend(alice, wanda, micros: int, name: str = "1") -> None:
    charge(hold(alice, micros, key=f"job:{name}:hold:1"), micros, wanda, key=f"task:{name}:charge")


class AlertTests:
    @pytest.mark.parametrize(
        ("spent", "percents"), [(0, []), (49, []), (50, [50]), (79, [50]), (80, [50, 80]), (250, [50, 80, 100])]
    )
    def test_the_steps(self, spent, percents):
        assert reached(spent, 100) == percents

    def test_each_step_is_told_once_and_only_the_highest_is_mailed(self, alice, wanda):
        top_up(alice, 50_000_000)
        budget(alice)
        spend(alice, wanda, 8_500_000)
        for _ in range(2):
            sweep_credit_alerts()
        sweep_notice_mails()
        assert [message.subject for message in mail.outbox] == ["Pictor: 80 % of your monthly budget is spent."]
        assert "8.50 of the 10.00 credits" in mail.outbox[0].body
        spend(alice, wanda, 2_000_000, "2")
        sweep_credit_alerts()
        sweep_notice_mails()
        assert len(mail.outbox) == 2
        assert list(CreditAlert.objects.order_by("percent").values_list("percent", flat=True)) == [50, 80, 100]

    def test_what_was_refunded_does_not_count(self, alice, wanda):
        top_up(alice, 50_000_000)
        budget(alice)
        spend(alice, wanda, 8_000_000)
        services.refund_charge(key="refund", charge_key="task:1:charge", reason="Wrong picture")
        assert find_alerts(clock.now()) == 0

    def test_a_low_balance_is_told_again_only_after_there_was_enough(self, alice):
        top_up(alice, 5_000_000)
        budget(alice, None, low=6_000_000)
        now = clock.now()
        assert [find_alerts(now), find_alerts(now)] == [1, 0]
        top_up(alice, 5_000_000, key="payment:2")
        assert find_alerts(now) == 0
        hold(alice, 9_000_000)
        assert find_alerts(now + timedelta(hours=1)) == 1
        assert tell_alerts(now) == 2

    def test_it_is_told_by_the_ways_that_its_owner_wants(self, alice):
        alice.muted = ["low_credit"]
        alice.save()
        budget(alice, None, low=6_000_000)
        sweep_credit_alerts()
        told = Notice.objects.get()
        assert (told.kind, told.is_listed, told.mail_to) == ("low_credit", True, "")

    def test_two_sweeps_at_once_tell_it_once(self, alice):
        budget(alice, None, low=6_000_000)
        now = clock.now()
        find_alerts(now)
        alert = CreditAlert.objects.get()
        assert [_tell(alert, now), _tell(alert, now)] == [True, False]

    def test_many_budgets_are_looked_at_in_few_queries(self, person, django_assert_max_num_queries):
        for number in range(20):
            budget(person(f"p{number}"), low=1)
        with django_assert_max_num_queries(10):
            assert find_alerts(clock.now()) == 20


class StopTests:
    def test_new_work_stops_at_the_limit_and_what_runs_goes_on(self, alice, wanda):
        top_up(alice, 50_000_000)
        budget(alice, stops=True)
        running = hold(alice, 6_000_000)
        charge(running, 3_000_000, wanda)
        with pytest.raises(BudgetReached) as refused:
            hold(alice, 4_000_001, key="job:2:hold:1")  # 3 spent, 3 held
        assert refused.value.short_micros == 1
        assert "budget of 10.00 credits" in refused.value.words
        assert services.extend_hold(hold_id=running.pk, key="job:1:hold:2", amount_micros=20_000_000) == 23_000_000
        assert Hold.objects.count() == 1

    def test_what_fits_exactly_is_let_through(self, alice):
        top_up(alice, 50_000_000)
        budget(alice, stops=True)
        assert hold(alice, 10_000_000).remaining_micros == 10_000_000

    def test_repeating_a_hold_is_no_new_work(self, alice):
        top_up(alice, 50_000_000)
        budget(alice, stops=True)
        assert hold(alice, 10_000_000).pk == hold(alice, 10_000_000).pk

    @pytest.mark.parametrize("limits", [{"stops": False}, {"monthly": None}])
    def test_without_the_stop_nothing_is_refused(self, alice, limits):
        top_up(alice, 50_000_000)
        budget(alice, **limits)
        assert hold(alice, 20_000_000)


class PageTests:
    def test_limits_are_kept_and_shown(self, client, alice):
        client.force_login(alice)
        assert client.post(BUDGETS, {"monthly": "12,5", "low_balance": "3", "stops_new_jobs": "on"}).status_code == 302
        kept = Budget.objects.get(owner=alice)
        assert (kept.monthly_micros, kept.low_balance_micros, kept.stops_new_jobs) == (12_500_000, 3_000_000, True)
        page = client.get(BUDGETS).content.decode()
        assert 'value="12.50"' in page
        assert "Your credit runs low." in page
        client.post(BUDGETS, {})
        assert Budget.objects.get(owner=alice).monthly_micros is None

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"monthly": "0"}, "more than zero"),
            ({"monthly": "-5"}, "Write an amount"),
            ({"monthly": "1e9"}, "Write an amount"),
            ({"monthly": "1000001"}, "At most 1,000,000"),
            ({"stops_new_jobs": "on"}, "only be stopped at a limit"),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_words(self, client, alice, said, words):
        client.force_login(alice)
        answer = client.post(BUDGETS, said)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert not Budget.objects.exists()

    @pytest.mark.parametrize(("spent", "tone"), [(5_000_000, "info"), (8_000_000, "warn"), (10_000_000, "bad")])
    def test_the_overview_says_how_much_is_spent(self, client, alice, wanda, spent, tone):
        top_up(alice, 50_000_000)
        budget(alice, stops=True)
        spend(alice, wanda, spent)
        client.force_login(alice)
        page = client.get("/credit/").content.decode()
        assert f"notice-{tone}" in page
        assert "of this month&#x27;s budget is spent." in page
        assert ("New jobs are stopped" in page) == (spent == 10_000_000)

    def test_billing_details_are_kept(self, client, alice):
        client.force_login(alice)
        said = {"name": "Alice & Co.", "address": " Street 1 \n\n Town ", "tax_number": "AT U123"}
        assert client.post("/credit/billing/", said).status_code == 302
        kept = BillingDetails.objects.get(owner=alice)
        assert (kept.name, kept.address) == ("Alice & Co.", "Street 1\nTown")
        assert client.post("/credit/billing/", {"address": "\n".join("1234567")}).status_code == 422
