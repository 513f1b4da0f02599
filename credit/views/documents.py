"""Documents: an invoice for an entry, a statement for a month."""

from datetime import date

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from common import clock, sheets
from common.limits import limited
from common.money import format_plain
from common.paging import LongPaginator
from credit import presentation, services, statements
from credit.models import Invoice
from credit.services.invoices import issue_invoice
from credit.statement_paper import pdf_of_statement

INVOICES_PER_PAGE = 25
MONTHS_SHOWN = 60


@login_required
@require_POST
@limited("credit-invoice", limit=60, seconds=600)
def entry_invoice(request, pk: int):
    """Issue the document of one's own entry, once, and show it."""
    entry = get_object_or_404(services.entries_of(request.user), pk=pk)
    return redirect("credit:invoice-pdf", pk=issue_invoice(entry=entry, now=clock.now()).pk)


@login_required
@require_safe
def invoice_pdf(request, pk: int):
    """The bytes as they were issued."""
    invoice = get_object_or_404(Invoice, owner=request.user, pk=pk)
    return _file(bytes(invoice.pdf), f"{invoice.name}.pdf", "application/pdf")


@login_required
@require_safe
def statement_list(request):
    """The months that have a statement, and the documents that were issued."""
    invoices = Invoice.objects.filter(owner=request.user).select_related("transfer").defer("pdf")
    context = {
        "months": statements.months_of(request.user, clock.now())[:MONTHS_SHOWN],
        "page": LongPaginator(invoices, INVOICES_PER_PAGE).get_page(request.GET.get("page")),
        "section_tabs": presentation.sections(),
    }
    return render(request, "credit/statements.html", context)


@login_required
@require_safe
@limited("credit-statement", limit=60, seconds=600, method="GET")
def statement_detail(request, year: int, month: int, form: str = ""):
    """One month: the page, or ("pdf", "csv") the file."""
    months = statements.months_of(request.user, clock.now())
    wanted = date(year, month, 1) if 1 <= month <= 12 and 1970 <= year <= 9999 else None
    if wanted not in months:
        raise Http404
    statement = statements.statement_of(request.user, wanted)
    name = f"statement-{year}-{month:02d}"
    if form not in ("", "pdf", "csv"):
        raise Http404
    if form == "pdf":
        return _file(pdf_of_statement(request.user, statement), f"{name}.pdf", "application/pdf")
    if form == "csv":
        return _file(_csv_of(statement), f"{name}.csv", "text/csv; charset=utf-8")
    return render(request, "credit/statement.html", {"statement": statement, "is_open": wanted == months[0]})


def _csv_of(statement: statements.Statement) -> bytes:
    header = ["", "entries", *(place.label for place in statement.places), "total"]
    return "".join(sheets.lines(header, map(_cells, statement.table))).encode()


def _cells(row: tuple) -> list:
    words, entries, amounts = row
    return [words, "" if entries is None else entries, *(format_plain(amount) for _, amount in amounts)]


def _file(body: bytes, name: str, content_type: str) -> HttpResponse:
    response = HttpResponse(body, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
