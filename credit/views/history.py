"""The history: every movement, filtered; the same as a file."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from common.http import fragment_response
from common.limits import limited
from common.paging import Place
from common.sheets import file_response
from credit import exports, presentation
from credit.history import all_of, page_of
from credit.history_form import HistoryForm

ENTRIES_PER_PAGE = 25


@login_required
@require_safe
def history(request):
    """The page; with ?rows=1 only its rows."""
    context = history_context(request)
    if "rows" in request.GET:
        return fragment_response(request, "credit/history.html#rows", context)
    return render(request, "credit/history.html", context)


@login_required
@require_safe
@limited("credit-export", limit=30, seconds=600, method="GET")
def history_csv(request):
    """All entries that the filters let through, written as they are read."""
    entries = all_of(request.user, HistoryForm(request.GET).wanted())
    return file_response(exports.csv_lines(entries), "credit-history.csv")


def history_context(request) -> dict:
    """One page of what the address asks for."""
    form = HistoryForm(request.GET)
    wanted, said = form.wanted(), form.said()
    places = {name: Place.read(request.GET.get(name)) for name in ("older", "newer")}
    page = page_of(request.user, wanted, size=ENTRIES_PER_PAGE, **places)
    others = {name: value for name, value in said.items() if name != "kind"}
    here = {name: str(place) for name, place in places.items() if place}
    return {
        "form": form,
        "page": page,
        "entries": [presentation.Entry(transfer) for transfer in page.entries],
        "kind": said.get("kind", ""),
        "is_filtered": wanted.is_filtered,
        "tabs": presentation.tabs(reverse("credit:history"), others),
        "section_tabs": presentation.sections(),
        "query": urlencode(said),
        "fragment_query": urlencode({"rows": 1, **said, **here}),
    }
