"""Documents are issued: once for an entry, with the next number of their series, and kept as bytes."""

import hashlib
from datetime import datetime

from django.conf import settings
from django.db import transaction

from common.money import format_exact
from credit import documents
from credit.codes import Code
from credit.issuers import addressee_lines, operator_lines
from credit.models import Invoice, InvoiceCounter, Series, Transfer

SERIES = {Code.CHARGE: Series.INVOICE, Code.REFUND: Series.CREDIT_NOTE, Code.EARNING_REVERSED: Series.CREDIT_NOTE}
NOTES = (
    "Amounts are credits; 1 credit is worth 1 US dollar.",
    "The network's ledger holds this movement under the key named above.",
)


@transaction.atomic
def issue_invoice(*, entry: Transfer, now: datetime) -> Invoice:
    """The document of an entry of somebody's history; the one that was issued before, if there is one.

    A credit note names the document that it corrects, which is issued first where nobody had asked for it.

    Locks: the counter of the series (of what is corrected first), so that numbers have no gaps.
    """
    assert entry.owner_id is not None, "documents are for entries of a history"
    corrected = (
        issue_invoice(entry=entry.reverses, now=now) if entry.reverses and entry.reverses.owner_id == entry.owner_id else None
    )
    counter = _lock_counter(_series_of(entry, corrected), now.year)
    if issued := Invoice.objects.filter(transfer=entry).first():
        return issued
    counter.last_number += 1
    counter.save(update_fields=["last_number"])
    invoice = Invoice(
        series=counter.series,
        year=counter.year,
        number=counter.last_number,
        owner=entry.owner,
        transfer=entry,
        corrects=corrected,
        issued_at=now,
    )
    invoice.pdf = documents.pdf_of(_document(invoice))
    invoice.sha256 = hashlib.sha256(invoice.pdf).hexdigest()
    invoice.save(force_insert=True)
    return invoice


def _series_of(entry: Transfer, corrected: Invoice | None) -> Series:
    series = SERIES.get(Code(entry.code), Series.RECEIPT)
    return series if series != Series.CREDIT_NOTE or corrected else Series.RECEIPT


def _lock_counter(series: Series, year: int) -> InvoiceCounter:
    InvoiceCounter.objects.bulk_create([InvoiceCounter(series=series, year=year)], ignore_conflicts=True)
    return InvoiceCounter.objects.select_for_update().get(series=series, year=year)


def _document(invoice: Invoice) -> documents.Document:
    entry = invoice.transfer
    amount = format_exact(entry.amount_micros)
    facts = [("Issued", f"{invoice.issued_at:%-d %B %Y}"), ("Moved", f"{entry.created_at:%-d %B %Y, %H:%M} UTC")]
    if invoice.corrects:
        facts.append(("Corrects", invoice.corrects.name))
    facts += [("Entry", str(entry.pk)), ("Key", entry.key)]
    words = entry.get_code_display()
    return documents.Document(
        title=invoice.get_series_display(),
        name=invoice.name,
        issued_at=invoice.issued_at,
        issuer=operator_lines(),
        addressee=addressee_lines(invoice.owner),
        facts=facts,
        columns=("Description", "Credits"),
        rows=[(f"{words}: {entry.reference}" if entry.reference else words, amount)],
        totals=[("Total", amount)],
        notes=[*NOTES, *([settings.OPERATOR_NOTE] if settings.OPERATOR_NOTE else [])],
    )
