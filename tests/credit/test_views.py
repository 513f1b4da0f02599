"""The Credit page: who may see what, and how much it costs."""

import pytest
from django.urls import reverse

from credit import services
from credit.codes import Code
from credit.presentation import FILTERS, READS
from tests.credit.builders import charge, hold, person, promote, top_up

pytestmark = pytest.mark.django_db
OVERVIEW = "/credit/"
PAGES = [OVERVIEW, "/credit/balance/", "/credit/history/"]
PLATFORM_ONLY = {Code.CHECKERS_SHARE, Code.NETWORK_SHARE, Code.SHARE_REVERSED, Code.PAID_OUT, Code.WITHDRAWAL_FEE}


class OverviewTests:
    @pytest.mark.parametrize("url", PAGES)
    def test_one_must_be_signed_in(self, client, url):
        assert client.get(url).status_code == 302

    def test_a_new_account_sees_what_to_do_next(self, client, alice):
        client.force_login(alice)
        page = client.get(OVERVIEW).content.decode()
        assert "No movements yet" in page
        assert "How to get credit today" in page

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

    def test_the_history_filters_by_kind(self, client, alice):
        promote(alice, 5_000_000)
        top_up(alice, 20_000_000)
        client.force_login(alice)
        page = client.get(OVERVIEW, {"kind": "payment"})
        assert [entry.transfer.code for entry in page.context["entries"]] == [Code.TOP_UP]
        assert "No entries of this kind" in client.get(OVERVIEW, {"kind": "earning"}).content.decode()
        assert len(client.get(OVERVIEW, {"kind": "nonsense"}).context["entries"]) == 2

    def test_a_long_history_has_pages_that_keep_the_filter(self, client, alice):
        for number in range(30):
            promote(alice, 1, key=f"promotion:{number}")
        client.force_login(alice)
        assert "kind=promotion&amp;page=2" in client.get(OVERVIEW, {"kind": "promotion"}).content.decode()
        assert len(client.get(OVERVIEW, {"kind": "promotion", "page": "2"}).context["entries"]) == 5

    def test_its_queries_do_not_grow_with_the_history(self, client, alice, wanda, django_assert_max_num_queries):
        top_up(alice, 1_000_000)
        held = hold(alice, 1_000_000)
        for number in range(20):
            charge(held, 100, wanda, key=f"task:{number}:charge")
        client.force_login(alice)
        with django_assert_max_num_queries(12):
            client.get(OVERVIEW)


class FragmentTests:
    def test_the_balance_costs_three_queries(self, client, alice, django_assert_max_num_queries):
        top_up(alice, 1_000_000)
        client.force_login(alice)
        with django_assert_max_num_queries(3):  # session, user, balance
            page = client.get(reverse("credit:overview-balance")).content.decode()
        assert page.strip().startswith('<div id="credit-balance"')

    def test_an_unchanged_balance_answers_304(self, client, alice):
        client.force_login(alice)
        url = reverse("credit:overview-balance")
        etag = client.get(url)["ETag"]
        assert client.get(url, headers={"if-none-match": etag}).status_code == 304
        top_up(alice, 1_000_000)
        assert client.get(url, headers={"if-none-match": etag}).status_code == 200

    def test_the_history_refreshes_with_its_filter_and_page(self, client, alice):
        promote(alice, 1)
        client.force_login(alice)
        page = client.get(reverse("credit:overview-history"), {"kind": "promotion"}).content.decode()
        assert "kind=promotion&amp;page=1" in page


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
