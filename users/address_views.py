"""One's e-mail address: added, proven by a code, changed, removed."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from common import clock
from common.limits import limited
from users import addresses, fresh
from users.forms import ASCII_ONLY, AddressForm, CodeForm
from users.tabs import tabs

WAIT = "Several codes were sent within an hour. Wait a while, then ask for another."
WRONG = "That is not the code of the newest mail, or it is too old. After five tries, have another one sent."
TAKEN = "That address is in use at another account."


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited("address", limit=20, seconds=300)
@fresh.required(back="users:address", methods=("POST",))
def address(request: HttpRequest) -> HttpResponse:
    """Which it is; saying another one sends a code there."""
    form = AddressForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            addresses.ask(user=request.user, email=form.cleaned_data["email"], now=clock.now(), request=request)
        except addresses.TooMany:
            form.add_error("email", WAIT)
        else:
            return redirect("users:address")
    return _page(request, form=form, status=422 if form.errors else 200)


def _page(request: HttpRequest, *, status: int = 200, **forms) -> HttpResponse:
    context = {
        "claim": addresses.open_claim(request.user, clock.now()),
        "form": AddressForm(),
        "code_form": CodeForm(),
        "is_mailing": bool(settings.EMAIL_HOST),
        "tabs": tabs(),
    }
    return render(request, "users/address.html", context | forms, status=status)


@login_required
@require_POST
@limited("address-prove", limit=20, seconds=300)
def address_prove(request: HttpRequest) -> HttpResponse:
    """The code from the mail."""
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            email = addresses.prove(user=request.user, code=form.cleaned_data["code"], now=clock.now(), request=request)
        except addresses.NotProven:
            form.add_error("code", WRONG)
        except addresses.Taken:
            form.add_error("code", TAKEN)
        except addresses.NotAscii:  # asked for before such addresses were refused
            form.add_error("code", ASCII_ONLY)
        else:
            messages.success(request, f"Mails go to {email} from now on.")
            return redirect("users:address")
    return _page(request, code_form=form, status=422)


@login_required
@require_POST
@fresh.required(back="users:address")
def address_remove(request: HttpRequest) -> HttpResponse:
    """No mails any more."""
    addresses.remove(user=request.user, now=clock.now(), request=request)
    messages.success(request, "The address is removed. Everything you are told stands among your notices.")
    return redirect("users:address")


@login_required
@require_POST
def address_decline(request: HttpRequest) -> HttpResponse:
    """Whoever wants no mails is asked no more."""
    request.user.wants_no_mail = True
    request.user.save(update_fields=["wants_no_mail"])
    messages.success(request, "You will not be asked again. Everything you are told stands among your notices.")
    return redirect("users:address")
