"""SSH keys and API tokens of one's own."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from common import clock
from common.limits import limited
from users import fresh, notices, tokens
from users.forms import SshKeyForm, TokenForm
from users.models import SshKey
from users.tabs import tabs

KEYS_MAX = 50


@login_required
@never_cache
@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """Both lists, and the forms below them."""
    return _page(request)


def _page(request: HttpRequest, *, status: int = 200, **more) -> HttpResponse:
    context = {
        "ssh_keys": request.user.ssh_keys.all(),
        "tokens": request.user.api_tokens.filter(revoked_at=None),
        "key_form": SshKeyForm(),
        "token_form": TokenForm(),
        "now": clock.now(),
        "scopes": tokens.SCOPES,
        "tabs": tabs(),
    }
    return render(request, "users/keys.html", context | more, status=status)


@login_required
@require_POST
@limited("ssh-key", limit=30, seconds=300)
@fresh.required(back="users:keys")
def ssh_key_add(request: HttpRequest) -> HttpResponse:
    """Keep a public key, once."""
    form = SshKeyForm(request.POST)
    if form.is_valid():
        _add(request, form)
    if form.errors:
        return _page(request, key_form=form, status=422)
    messages.success(request, "The key is added.")
    return redirect("users:keys")


def _add(request: HttpRequest, form: SshKeyForm) -> None:
    key = form.cleaned_data["key"]
    if request.user.ssh_keys.count() >= KEYS_MAX:
        form.add_error(None, f"There are {KEYS_MAX} keys. Remove one that you no longer use.")
        return
    name = form.cleaned_data["name"] or key.comment[:80] or key.kind
    try:
        with transaction.atomic():
            SshKey.objects.create(
                user=request.user, name=name, kind=key.kind, bits=key.bits, fingerprint=key.fingerprint, text=key.text
            )
            _tell(request, f"An SSH key was added ({key.fingerprint}).")
    except IntegrityError:
        form.add_error("key", f"This key is here already: {key.fingerprint}")


@login_required
@require_POST
@fresh.required(back="users:keys")
def ssh_key_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a key."""
    key = get_object_or_404(SshKey, pk=pk, user=request.user)
    key.delete()
    _tell(request, f"An SSH key was removed ({key.fingerprint}).")
    messages.success(request, "The key is removed.")
    return redirect("users:keys")


@login_required
@never_cache
@require_POST
@limited("token", limit=30, seconds=300)
@fresh.required(back="users:keys")
def token_make(request: HttpRequest) -> HttpResponse:
    """Make a token and show it, this once: the answer is the page itself, a reload cannot show it again."""
    form, now = TokenForm(request.POST), clock.now()
    if form.is_valid() and request.user.api_tokens.filter(revoked_at=None).count() >= tokens.PER_PERSON_MAX:
        form.add_error(None, f"There are {tokens.PER_PERSON_MAX} tokens. Revoke one that you no longer use.")
    if form.errors:
        return _page(request, token_form=form, status=422)
    with transaction.atomic():
        made = tokens.make(
            user=request.user,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            expires_at=form.expires_at(now),
            now=now,
        )
        _tell(request, f"An API token was made ({made.row.name}).")
    return _page(request, made=made)


@login_required
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a token back. No proof is asked for: who does this makes the account safer."""
    row = tokens.revoke(user=request.user, pk=pk, now=clock.now())
    if row is None:
        raise Http404
    _tell(request, f"An API token was revoked ({row.name}).")
    messages.success(request, f"{row.name} is revoked: it does not work any more.")
    return redirect("users:keys")


def _tell(request: HttpRequest, words: str) -> None:
    notices.tell(user=request.user, kind="keys", words=words, now=clock.now(), request=request)
