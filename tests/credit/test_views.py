"""The Credit page: who may see what, and how much it costs."""

from datetime import timedelta

import pytest
from django.urls import reverse

from credit import runway, services
from credit.codes import Code
from credit.presentation import FILTERS, READS
from tests.credit.builders import NOW, charge, hold, person, promote, top_up

pytestmark = pytest.mark.django_db
OVERVIEW = "/credit/"
PAGES = [OVERVIEW, "/credit/balance/", "/credit/newest/", "/credit/history/", "/credit/history.csv"]
PLATFORM_ONLY = {
    Code.CHECKERS_SHARE,
    Code.UNCLAIMED,
    Code.NETWORK_SHARE,
    Code.SHARE_REVERSED,
    Code.PAID_OUT,
    Code.WITHDRAWAL_FEE,
    Code.REVENUE_TAKEN,
}


class OverviewTests:
    @pytest.mark.parametrize("url", PAGES)
    def test_one_must_be_signed_in(self, client, url):
        assert client.get(url).status_code == 302

    def test_a_new_account_sees_what_to_do_next(self, client, alice):
        client.force_login(alice)
        page = client.get(OVERVIEW).content.decode()
        assert "No movements yet" in page
        assert "How to get credit" in page

    def test_it_shows_the_balance_and_every_movement(self, client, alice, wanda):
        promote(alice, 5_000_000)
        top_up(alice, 20_000_000)
        charge(hold(alice, 6_000_000), 312, wanda)
        client.force_login(alice)
        page = client.get(OVERVIEW).content.decode()
        for words in ("19.0000", "5.9996", "−0.000312", "+20.00", "Job 1, frame 1", "Invoice 1"):
            assert words in page

    def test_nobody_sees_anothers_movements(self, client, alice):
        top_up(alice, 20_000_000)
        client.force_login(person("mallory"))
        assert "Invoice 1" not in client.get(OVERVIEW).content.decode()

    def test_its_queries_do_not_grow_with_the_history(self, client, alice, wanda, django_assert_max_num_queries):
        top_up(alice, 1_000_000)
        held = hold(alice, 1_000_000)
        for number in range(20):
            charge(held, 100, wanda, key=f"task:{number}:charge")
        client.force_login(alice)
        with django_assert_max_num_queries(12):
            client.get(OVERVIEW)


class FragmentTests:
    def test_the_balance_costs_few_queries(self, client, alice, django_assert_max_num_queries):
        top_up(alice, 1_000_000)
        client.force_login(alice)
        with django_assert_max_num_queries(6):  # session, user, when it was seen, balance, budget, what was spent
            page = client.get(reverse("credit:overview-balance")).content.decode()
        assert page.strip().startswith('<div id="credit-balance"')

    def test_an_unchanged_balance_answers_304(self, client, alice):
        client.force_login(alice)
        url = reverse("credit:overview-balance")
        etag = client.get(url)["ETag"]
        assert client.get(url, headers={"if-none-match": etag}).status_code == 304
        top_up(alice, 1_000_000)
        assert client.get(url, headers={"if-none-match": etag}).status_code == 200

    def test_the_newest_movements_refresh(self, client, alice):
        promote(alice, 1)
        client.force_login(alice)
        page = client.get(reverse("credit:overview-newest")).content.decode()
        assert page.strip().startswith('<section id="credit-newest"')


class RunwayTests:
    def test_it_says_until_when_credit_lasts(self, client, alice, wanda):
        top_up(alice, 20_000_000)
        charge(hold(alice, 10_000_000), 7_000_000, wanda)
        client.force_login(alice)
        response = client.get(OVERVIEW)
        assert response.context["runway"].day_micros == 1_000_000
        assert "your credit lasts until" in response.content.decode()

    def test_without_spending_it_does_not_end(self, client, alice):
        client.force_login(alice)
        assert "does not run out" in client.get(OVERVIEW).content.decode()

    @pytest.mark.parametrize(
        ("spent", "left", "day", "days"),
        [
            (0, 5, 0, None),
            (6, 5, 0, None),  # less than a micro a day
            (7_000_000, 3_000_000, 1_000_000, 3),
            (7_000_000, 0, 1_000_000, 0),
            (7, 10**15, 1, None),  # longer than anybody plans
        ],
    )
    def test_the_rule(self, spent, left, day, days):
        found = runway.runway(spent_micros=spent, left_micros=left, now=NOW)
        assert (found.day_micros, found.ends_at) == (day, None if days is None else NOW + timedelta(days=days))


class WordsTests:
    def test_every_entry_of_a_user_has_words_and_a_filter(self):
        assert set(READS) == set(Code) - PLATFORM_ONLY
        assert {code for _, codes in FILTERS.values() for code in codes} == set(READS)

    def test_the_pools_are_in_nobodys_history(self, alice, wanda):
        top_up(alice, 1_000_000)
        charge(hold(alice, 1_000_000), 100, wanda)
        services.refund_charge(key="refund", charge_key="task:1:charge", reason="")
        for user in (alice, wanda):
            assert not services.entries_of(user).filter(code__in=PLATFORM_ONLY).exists()


class AdminTests:
    @pytest.mark.parametrize("model", ["account", "transfer", "hold", "earning"])
    def test_operators_read_the_ledger_and_change_nothing(self, client, alice, wanda, model):
        top_up(alice, 1_000_000)
        charge(hold(alice, 1_000_000), 100, wanda)
        client.force_login(person("sam", is_staff=True, is_superuser=True))
        assert client.get(reverse(f"admin:credit_{model}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:credit_{model}_add")).status_code == 403
