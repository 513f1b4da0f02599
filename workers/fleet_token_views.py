"""Fleet tokens: made, listed, revoked."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from common import clock
from common.limits import limited
from workers import services, summary
from workers.forms import FleetTokenForm
from workers.models import FleetToken

SHOWN = 100


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
@limited("fleet-token", limit=20, seconds=600)
def fleet_tokens(request: HttpRequest) -> HttpResponse:
    """The list, and the form; the answer that made a token shows its file, this once."""
    form, made = FleetTokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            made = services.new_fleet_token(request.user, **form.cleaned_data, now=clock.now())
            form = FleetTokenForm()
        except services.TooManyFleetTokens:
            form.add_error(None, "You have many tokens that still work. Revoke one first.")
    rows, now = FleetToken.objects.owned_by(request.user).order_by("-pk")[:SHOWN], clock.now()
    context = {
        "form": form,
        "made": made,
        "rows": [(row, *row.standing(now)) for row in rows],
        "section_tabs": summary.sections(),
    }
    return render(request, "workers/fleet_tokens.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def fleet_token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    fleet = get_object_or_404(FleetToken.objects.owned_by(request.user), pk=pk)
    if services.revoke_fleet_token(fleet, now=clock.now()):
        messages.success(request, "Revoked. No further machine may use it; its nodes go on.")
    else:
        messages.warning(request, "It was revoked before.")
    return redirect("workers:fleet-tokens")
