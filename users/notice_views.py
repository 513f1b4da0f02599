"""What one was told, and by which ways one wants to be told."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import clock
from common.http import fragment_response
from common.limits import limited
from users import mailing, notices
from users.forms import NoticesForm
from users.models import Notice
from users.notice_kinds import group_of
from users.tabs import tabs

SHOWN = 25


@login_required
@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    """Everything that is wanted on the page, newest first."""
    page = Paginator(request.user.notices.listed(), SHOWN).get_page(request.GET.get("page"))
    rows = [(notice, group_of().get(notice.kind)) for notice in page]
    has_unseen = any(notice.seen_at is None for notice in page)
    return render(request, "users/notices.html", {"page": page, "rows": rows, "has_unseen": has_unseen})


@login_required
@never_cache
@require_safe
def notice_open(request: HttpRequest, pk: int) -> HttpResponse:
    """To the page it tells of; from then on it counts as read."""
    notice = get_object_or_404(Notice.objects.listed(), pk=pk, user=request.user)
    notices.see(request.user, clock.now(), pk=notice.pk)
    return redirect(notice.url or "users:security")


@login_required
@require_POST
def notices_see(request: HttpRequest) -> HttpResponse:
    """All are read."""
    notices.see(request.user, clock.now())
    return redirect("users:notices")


@login_required
@require_safe
def bell(request: HttpRequest) -> HttpResponse:
    """The header's bell; asked for again when there is news."""
    count = Notice.objects.unseen_by(request.user.pk).count()
    return fragment_response(request, "components/bell.html", {"count": count, "user_id": request.user.pk})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def notices_wanted(request: HttpRequest) -> HttpResponse:
    """Which kinds are wanted on the page, which by mail."""
    form = NoticesForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("users:notices-wanted")
    return render(request, "users/notices_wanted.html", {"form": form, "tabs": tabs()})


@csrf_exempt  # mail programs post here without a page; the token in the address is the permission
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited("mute", limit=60, seconds=60)
def mute(request: HttpRequest, token: str) -> HttpResponse:
    """No more mails of one kind, from the mail itself, signed in or not."""
    kind = mailing.muted_by(token)
    if kind is None:
        raise Http404
    if request.method == "POST":
        mailing.mute(token)
    return render(request, "users/mute.html", {"kind": kind, "is_done": request.method == "POST"})
