"""The history: every entry once, whatever is asked for and however long it is."""

from datetime import timedelta

import pytest
from django.db import connection

from common.paging import Place
from credit import services
from credit.codes import Code
from credit.history import Wanted, all_of, page_of
from credit.models import Transfer
from tests.credit.builders import charge, hold, person, promote, top_up

pytestmark = pytest.mark.django_db
HISTORY = "/credit/history/"


def listed(client, **asked) -> list[int]:
    return [entry.transfer.pk for entry in client.get(HISTORY, asked).context["entries"]]


def many(user, count: int, same_moment: bool = False) -> None:
    first = promote(user, 1)
    moment = "%s" if same_moment else "%s - n * interval '1 minute'"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO credit_transfer (key, code, source_id, target_id, amount_micros, owner_id, reference, created_at) "
            f"SELECT 'copy:' || n, code, source_id, target_id, amount_micros, owner_id, 'Gift ' || n, {moment}"
            " FROM credit_transfer, generate_series(1, %s) AS n WHERE id = %s",
            [first.created_at, count - 1, first.pk],
        )


class PagingTests:
    @pytest.mark.parametrize("same_moment", [False, True])
    @pytest.mark.parametrize("wanted", [Wanted(), Wanted(codes=(Code.PROMOTION, Code.REFUND)), Wanted(words="Gift")])
    def test_every_entry_stands_on_one_page_forwards_and_back(self, alice, wanted, same_moment):
        many(alice, 31, same_moment)
        pages = [page_of(alice, wanted, size=10)]
        while pages[-1].older:
            pages.append(page_of(alice, wanted, size=10, older=pages[-1].older))
        forwards = [entry.pk for page in pages for entry in page.entries]
        rows = Transfer.objects.filter(owner=alice).order_by("-created_at", "-id")
        assert forwards == [row.pk for row in rows if wanted.words in row.reference]
        back = page_of(alice, wanted, size=10, newer=pages[2].newer)
        assert [entry.pk for entry in back.entries] == [entry.pk for entry in pages[1].entries]

    def test_the_first_page_is_shown_whole_when_one_comes_back_to_it(self, alice):
        many(alice, 15)
        second = page_of(alice, Wanted(), size=10, older=page_of(alice, Wanted(), size=10).older)
        first = page_of(alice, Wanted(), size=10, newer=second.newer)
        assert len(first.entries) == 10
        assert first.newer is None

    def test_a_search_says_how_far_it_looked_and_goes_on(self, alice, monkeypatch):
        monkeypatch.setattr("credit.history.SEARCHED_MAX", 12)
        many(alice, 30)
        page = page_of(alice, Wanted(words="Gift 29"), size=10)
        assert (page.entries, page.searched_until is not None) == ([], True)
        assert [entry.reference for entry in all_of(alice, Wanted(words="Gift 29"))] == ["Gift 29"]

    def test_a_search_looks_no_further_forward_than_back(self, alice, monkeypatch):
        monkeypatch.setattr("credit.history.SEARCHED_MAX", 10)
        many(alice, 41)
        *_, oldest = all_of(alice, Wanted())
        after = {"size": 9, "newer": Place(oldest.created_at, oldest.pk)}
        near = page_of(alice, Wanted(words="Gift 3"), **after).entries
        assert [entry.reference for entry in near] == [f"Gift {n}" for n in range(31, 40)]
        beyond = page_of(alice, Wanted(words="Gift 2"), **after).entries  # nothing near: the first page instead
        assert [entry.reference for entry in beyond] == ["Gift 2"]

    def test_a_place_in_an_address_may_be_anything(self, client, alice):
        client.force_login(alice)
        promote(alice, 1)
        for text in ("x", "-1-2", "99999999999999999-999999999999999999", "1-1", "٣-٣"):
            assert client.get(HISTORY, {"older": text}).status_code == 200
        assert Place.read(str(Place.read("1767225600000001-7"))) == Place.read("1767225600000001-7")


class FilterTests:
    def test_by_kind_direction_day_job_words_and_amount(self, client, alice, wanda):
        gift, paid = promote(alice, 5_000_000), top_up(alice, 20_000_000)
        charge(held := hold(alice, 6_000_000, key="job:7:hold:1"), 312, wanda)
        charge(hold(alice, 1_000_000, key="job:71:hold:1"), 312, wanda, key="task:2:charge")
        services.refund_charge(key="refund", charge_key="task:1:charge", reason="Wrong picture")
        client.force_login(alice)
        codes = dict(Transfer.objects.filter(owner=alice).values_list("pk", "code"))
        assert listed(client, kind="payment") == [paid.pk]
        assert {codes[pk] for pk in listed(client, direction="out")} == {"charge"}
        assert {codes[pk] for pk in listed(client, direction="in")} == {"promotion", "top_up", "refund"}
        assert listed(client, kind="payment", direction="out") == []
        assert sorted(codes[pk] for pk in listed(client, job="7")) == ["charge", "hold", "hold", "refund"]
        assert all(row.hold_id in (held.pk, None) for row in Transfer.objects.filter(pk__in=listed(client, job="7")))
        assert listed(client, q="invoice 1") == [paid.pk]
        assert gift.pk in listed(client, q="5.00")
        day = f"{paid.created_at:%Y-%m-%d}"
        assert len(listed(client, since=day, until=day)) == len(codes)
        assert listed(client, until=f"{paid.created_at - timedelta(days=1):%Y-%m-%d}") == []

    def test_an_owner_finds_what_a_job_paid_them_and_nothing_of_its_creator(self, client, alice, wanda):
        top_up(alice, 20_000_000)
        charge(hold(alice, 6_000_000, key="job:7:hold:1"), 312, wanda)
        client.force_login(wanda)
        assert {entry.transfer.owner_id for entry in client.get(HISTORY, {"job": "7"}).context["entries"]} == {wanda.pk}

    def test_what_cannot_be_understood_is_said_and_left_out(self, client, alice):
        promote(alice, 1)
        client.force_login(alice)
        page = client.get(HISTORY, {"kind": "x", "since": "tomorrow", "job": "-1", "q": "a\0"})
        assert page.status_code == 200
        assert len(page.context["entries"]) == 1
        assert "From: Enter a valid date." in page.content.decode()
        assert "The last day is before" in client.get(HISTORY, {"since": "2026-02-02", "until": "2026-02-01"}).content.decode()

    def test_an_empty_answer_says_what_to_do(self, client, alice):
        client.force_login(alice)
        assert "No movements yet" in client.get(HISTORY).content.decode()
        promote(alice, 1)
        assert "No entry fits" in client.get(HISTORY, {"kind": "refund"}).content.decode()

    def test_its_queries_do_not_grow(self, client, alice, django_assert_max_num_queries):
        many(alice, 60)
        client.force_login(alice)
        with django_assert_max_num_queries(5):
            client.get(HISTORY, {"rows": "1", "direction": "in"})


class PlanTests:
    def test_every_page_of_a_long_history_is_read_from_an_index(self, alice):
        """No plan may sort or read through what it does not show, whatever is asked for."""
        from credit.history import _parts  # the very queries

        many(alice, 5_000)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE credit_transfer")
        place = page_of(alice, Wanted(), size=2_500).older
        for wanted in (Wanted(), Wanted(codes=(Code.PROMOTION,)), Wanted(codes=(Code.REFUND,))):
            for part in _parts(alice, wanted, place, None):
                plan = part.order_by("-created_at", "-id")[:26].explain()
                assert "Index" in plan, plan
                assert "Sort" not in plan, plan


class CsvTests:
    def test_the_file_has_every_entry_of_the_filter(self, client, alice):
        promote(alice, 5_000_000)
        top_up(alice, 20_000_000)
        client.force_login(alice)
        response = client.get("/credit/history.csv", {"kind": "payment"})
        assert response.streaming
        header, line = b"".join(response).decode().splitlines()
        assert header.startswith("entry,time (UTC),kind,direction,amount (credits)")
        assert ",Payment,in,20.00,Purchased,Operator top-ups,Spendable,Invoice 1," in line

    def test_a_long_history_is_written_a_chunk_at_a_time(self, client, alice, monkeypatch, django_assert_max_num_queries):
        monkeypatch.setattr("credit.history.CHUNK", 10)
        many(alice, 35)
        client.force_login(alice)
        lines = client.get("/credit/history.csv").streaming_content
        with django_assert_max_num_queries(2):  # one chunk: where, and what
            [next(lines) for _ in range(8)]
        assert len(list(lines)) == 36 - 8

    def test_a_spreadsheet_takes_no_words_for_a_formula(self, client, alice):
        services.grant_promotion(user=alice, amount_micros=1, key="gift", reference="=HYPERLINK(1)")
        client.force_login(alice)
        assert "'=HYPERLINK" in b"".join(client.get("/credit/history.csv")).decode()


class EntryTests:
    def test_its_page_shows_the_whole_movement(self, client, alice, wanda):
        top_up(alice, 20_000_000)
        charge(hold(alice, 6_000_000), 312, wanda)
        entry = services.entries_of(alice).get(code=Code.CHARGE)
        client.force_login(alice)
        page = client.get(f"{HISTORY}{entry.pk}/").content.decode()
        for words in ("0.000312", "0.000187", "0.000031", "0.000094", "task:1:charge/purchased", "Checkers", "Network"):
            assert words in page

    def test_who_was_paid_does_not_see_who_paid(self, client, alice, wanda):
        top_up(alice, 20_000_000)
        charge(hold(alice, 6_000_000), 312, wanda)
        client.force_login(wanda)
        entry = services.entries_of(wanda).get()
        page = client.get(f"{HISTORY}{entry.pk}/")
        assert Code.CHARGE not in [leg.transfer.code for leg in page.context["legs"]]

    def test_a_refund_and_its_charge_lead_to_each_other(self, client, alice, wanda):
        top_up(alice, 20_000_000)
        charge(hold(alice, 6_000_000), 312, wanda)
        services.refund_charge(key="refund", charge_key="task:1:charge", reason="Wrong picture")
        client.force_login(alice)
        refund, charged = services.entries_of(alice).get(code=Code.REFUND), services.entries_of(alice).get(code=Code.CHARGE)
        assert f"{HISTORY}{charged.pk}/" in client.get(f"{HISTORY}{refund.pk}/").content.decode()
        assert f"{HISTORY}{refund.pk}/" in client.get(f"{HISTORY}{charged.pk}/").content.decode()

    def test_for_anybody_else_it_does_not_exist(self, client, alice):
        entry = promote(alice, 1)
        client.force_login(person("mallory"))
        assert client.get(f"{HISTORY}{entry.pk}/").status_code == 404
