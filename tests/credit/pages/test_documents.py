"""Invoices and statements: numbers without gaps, bytes that stay, figures that are the ledger's."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connections, transaction
from django.urls import reverse

from common import clock
from credit import services, statements
from credit.codes import USER_KINDS, Code, Kind
from credit.models import Account, BillingDetails, Invoice, InvoiceCounter, Series, Transfer
from credit.services.invoices import issue_invoice
from credit.statement_paper import pdf_of_statement
from tests.credit.builders import NOW, charge, earn, hold, person, promote, top_up

pytestmark = pytest.mark.django_db


def refunded(alice, wanda) -> Transfer:
    top_up(alice, 20_000_000)
    charge(hold(alice, 6_000_000), 312, wanda)
    services.refund_charge(key="refund", charge_key="task:1:charge", reason="Wrong picture")
    return services.entries_of(alice).get(code=Code.REFUND)


class IssueTests:
    def test_every_entry_gets_a_document_of_its_series(self, alice, wanda):
        refund = refunded(alice, wanda)
        promote(alice, 5)
        names = {entry.code: issue_invoice(entry=entry, now=NOW).name for entry in services.entries_of(alice)}
        assert names["charge"] == "INV-2026-000001"
        assert names["refund"] == "CN-2026-000001"
        assert {names["top_up"], names["promotion"], names["hold"]} == {f"REC-2026-00000{n}" for n in (1, 2, 3)}
        assert Invoice.objects.get(transfer=refund).corrects.name == "INV-2026-000001"

    def test_asking_again_gives_the_same_bytes(self, alice):
        entry = promote(alice, 5)
        first = issue_invoice(entry=entry, now=NOW)
        BillingDetails.objects.create(owner=alice, name="Alice & Co.")
        again = issue_invoice(entry=entry, now=NOW + timedelta(days=400))
        assert (first.pk, bytes(first.pdf)) == (again.pk, bytes(again.pdf))
        assert hashlib.sha256(again.pdf).hexdigest() == again.sha256
        assert bytes(again.pdf).startswith(b"%PDF-")

    def test_numbers_begin_anew_each_year(self, alice):
        entries = [promote(alice, 5, key=f"gift:{n}") for n in range(3)]
        years = [NOW, NOW, NOW.replace(year=2027)]
        names = [issue_invoice(entry=entry, now=now).name for entry, now in zip(entries, years, strict=True)]
        assert names == ["REC-2026-000001", "REC-2026-000002", "REC-2027-000001"]

    def test_a_number_that_was_not_used_is_given_to_the_next(self, alice):
        entries = [promote(alice, 5, key=f"gift:{n}") for n in range(2)]
        with transaction.atomic():
            issue_invoice(entry=entries[0], now=NOW)
            transaction.set_rollback(True)
        assert issue_invoice(entry=entries[1], now=NOW).number == 1

    @pytest.mark.parametrize("change", ["update", "delete"])
    def test_nobody_changes_what_was_issued(self, alice, change):
        issue_invoice(entry=promote(alice, 5), now=NOW)
        with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
            Invoice.objects.update(number=7) if change == "update" else Invoice.objects.all()._raw_delete("default")

    def test_letters_of_all_kinds_can_be_printed(self, alice):
        BillingDetails.objects.create(owner=alice, name="Ålice Żółć Ωμέγα Привет 東京 ☕", address="Straße 1\n1010 Wien\n\n")
        entry = services.grant_promotion(user=alice, amount_micros=1, key="gift", reference="„Gift“ — 3 × ½ 👍" + "x" * 150)
        assert len(issue_invoice(entry=entry, now=NOW).pdf) > 5_000


@pytest.mark.django_db(transaction=True)
class RaceTests:
    def test_many_at_once_leave_no_gap_and_no_double(self, alice):
        entries = [promote(alice, 5, key=f"gift:{n % 8}") for n in range(16)]  # each of eight entries twice

        def ask(entry: Transfer) -> str:
            try:
                return issue_invoice(entry=Transfer.objects.get(pk=entry.pk), now=NOW).name
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            names = list(pool.map(ask, entries))
        assert sorted(set(names)) == [f"REC-2026-{n:06d}" for n in range(1, 9)]
        assert names[:8] == names[8:]
        assert InvoiceCounter.objects.get(series=Series.RECEIPT).last_number == 8


class InvoicePageTests:
    def test_the_entrys_page_issues_and_shows_it(self, client, alice):
        entry = promote(alice, 5)
        client.force_login(alice)
        page = reverse("credit:entry-detail", args=[entry.pk])
        assert "Invoice (PDF)" in client.get(page).content.decode()
        answer = client.post(reverse("credit:entry-invoice", args=[entry.pk]), follow=True)
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content == bytes(Invoice.objects.get().pdf)
        assert Invoice.objects.get().name in client.get(page).content.decode()
        assert Invoice.objects.get().name in client.get(reverse("credit:statement-list")).content.decode()

    def test_anothers_does_not_exist(self, client, alice):
        entry = promote(alice, 5)
        invoice = issue_invoice(entry=entry, now=NOW)
        client.force_login(person("mallory"))
        assert client.post(reverse("credit:entry-invoice", args=[entry.pk])).status_code == 404
        assert client.get(reverse("credit:invoice-pdf", args=[invoice.pk])).status_code == 404


class StatementTests:
    def test_it_closes_with_what_the_ledger_says(self, alice, wanda, in_order):
        refunded(alice, wanda)
        promote(wanda, 7_000_000)
        earn(wanda, 1_000_000, alice)
        month = clock.now().astimezone(UTC).date().replace(day=1)
        for user in (alice, wanda):
            statement = statements.statement_of(user, month)
            kept = {kind: sum(a.kept_micros for a in Account.objects.filter(owner=user, kind=kind)) for kind in USER_KINDS}
            assert statement.closing == kept
            assert sum(statement.opening.values()) + statement.in_micros - statement.out_micros == sum(kept.values())
            assert sum(line.entries for line in statement.lines) == services.entries_of(user).count()

    def test_a_month_opens_with_what_the_one_before_closed_with(self, alice, wanda, monkeypatch):
        for month in (1, 2, 3):
            moment = datetime(2026, month, 28, 23, 59, tzinfo=UTC)
            monkeypatch.setattr("django.utils.timezone.now", lambda moment=moment: moment)
            top_up(alice, 10_000_000, key=f"pay:{month}")
            charge(hold(alice, 2_000_000, key=f"job:{month}:hold:1"), 1_000_000, wanda, key=f"task:{month}:charge")
        january, february = (statements.statement_of(alice, date(2026, month, 1)) for month in (1, 2))
        assert (
            january.closing
            == february.opening
            == {
                Kind.SPENDABLE: 8_000_000,
                Kind.HOLDING: 1_000_000,
                Kind.PENDING: 0,
                Kind.DISPUTED: 0,
            }
        )
        assert (february.in_micros, february.out_micros) == (10_000_000, 1_000_000)
        months = statements.months_of(alice, datetime(2026, 4, 1, tzinfo=UTC))
        assert months == [date(2026, month, 1) for month in (4, 3, 2, 1)]
        assert pdf_of_statement(alice, january) == pdf_of_statement(alice, statements.statement_of(alice, date(2026, 1, 1)))

    def test_its_page_and_files(self, client, alice):
        top_up(alice, 20_000_000)
        client.force_login(alice)
        now = clock.now().astimezone(UTC)
        month = [now.year, now.month]
        assert "20.00" in client.get(reverse("credit:statement-detail", args=month)).content.decode()
        assert client.get(reverse("credit:statement-file", args=[*month, "pdf"])).content.startswith(b"%PDF-")
        lines = client.get(reverse("credit:statement-file", args=[*month, "csv"])).content.decode().splitlines()
        assert lines[-1] == "Closing,,20.00,0.00,0.00,20.00"
        for wrong in ([*month, "exe"], [now.year, 13, "pdf"], [now.year + 1, 1, "pdf"], [0, 0, "csv"]):
            assert client.get(reverse("credit:statement-file", args=wrong)).status_code == 404

    def test_without_entries_there_is_none(self, client, alice):
        client.force_login(alice)
        assert "No statement yet" in client.get(reverse("credit:statement-list")).content.decode()
