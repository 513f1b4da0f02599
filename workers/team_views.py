"""The teams that a person was asked into, and what they answer."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from common import clock
from common.limits import limited
from common.transitions import IllegalMove, StaleMove
from workers import services, summary, team_presentation
from workers.models import Invitation
from workers.states import InvitationStatus

ANSWERS = {"limit": 60, "seconds": 600}


@login_required
@require_GET
def team_list(request: HttpRequest) -> HttpResponse:
    context = {"teams": team_presentation.asked_into(services.invitations_of(request.user)), "section_tabs": summary.sections()}
    return render(request, "workers/team_list.html", context)


def act(request: HttpRequest, pk: int, to: InvitationStatus, done: str) -> HttpResponse:
    """Answer, and say so."""
    invitation = get_object_or_404(Invitation.objects.visible_to(request.user), pk=pk)
    try:
        services.answer_invitation(invitation, person=request.user, to=to, now=clock.now())
    except (StaleMove, IllegalMove):
        messages.warning(request, "That was answered already; here is how it stands now.")
    else:
        messages.success(request, done)
    return redirect("workers:team-list")


@login_required
@require_POST
@limited("team-answer", **ANSWERS)
def team_accept(request: HttpRequest, pk: int) -> HttpResponse:
    return act(request, pk, InvitationStatus.ACCEPTED, "You are in the team: your waiting work goes first on its nodes.")


@login_required
@require_POST
@limited("team-answer", **ANSWERS)
def team_decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Also to leave a team that one is in."""
    return act(request, pk, InvitationStatus.DECLINED, "You are not in that team. Whoever asked sees no answer.")
