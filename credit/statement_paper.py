"""A statement on paper."""

from datetime import timedelta

from common.money import format_exact
from credit.documents import Document, pdf_of
from credit.issuers import addressee_lines, operator_lines
from credit.statements import Statement

NOTE = (
    "Every figure is added up from the entries of the network's ledger in this month (UTC); amounts are credits, 1 credit is "
    "worth 1 US dollar. Money that moves between your own accounts, such as a hold, changes columns and no total."
)


def pdf_of_statement(user, statement: Statement) -> bytes:
    """The same bytes for a month that is over, however often it is asked for."""
    opening, *lines, closing = [
        (words, *(format_exact(amount) for _, amount in amounts)) for words, _, amounts in statement.table
    ]
    last_day = statement.ends_at - timedelta(days=1)
    document = Document(
        title="Statement",
        name=f"{statement.month:%B %Y}",
        issued_at=statement.ends_at,
        issuer=operator_lines(),
        addressee=addressee_lines(user),
        facts=[
            ("From", f"{statement.month:%-d %B %Y}"),
            ("To", f"{last_day:%-d %B %Y}"),
            ("Came in", format_exact(statement.in_micros)),
            ("Went out", format_exact(statement.out_micros)),
        ],
        columns=("Credits", *(place.label for place in statement.places), "Total"),
        rows=[opening, *lines],
        totals=[closing],
        notes=[NOTE],
    )
    return pdf_of(document)
