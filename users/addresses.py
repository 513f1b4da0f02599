"""The e-mail address of an account: at most one, proven before a mail goes there, and never needed to sign in.

Addresses are compared without regard to case, and only those in ASCII are kept: upper() and lower() fold some other letters
(a dotless i, the Kelvin sign) into ASCII ones, so that an address at a look-alike domain would count as another person's.
"""

import secrets
from datetime import datetime, timedelta
from hmac import compare_digest

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from common.limits import is_within
from users import notices
from users.models import AddressClaim, User

LIFETIME = timedelta(minutes=30)
TRIES_MAX = 5
CODE_LENGTH = 8
PER_PERSON_MAX, PER_ADDRESS_MAX, COUNTED_SECONDS = 5, 3, 3600


class TooMany(Exception):
    """So many codes were sent within an hour, to this address or for this person."""


class NotProven(Exception):
    """The code is wrong, too old, or was tried too often."""


class Taken(Exception):
    """The address is another account's."""


class NotAscii(Exception):
    """The address has letters that might be folded into those of another address."""


def ask(*, user: User, email: str, now: datetime, request: HttpRequest) -> AddressClaim:
    """Send a code to `email`; an earlier one is good no more.

    Whoever asks learns nothing of other accounts: an address that is one's gets a mail that says so, and no code.

    Raises:
        NotAscii: no such address is kept.
        TooMany: wait.
    """
    _require_ascii(email)
    person_may = is_within("address-codes", f"user:{user.pk}", limit=PER_PERSON_MAX, seconds=COUNTED_SECONDS)
    if not person_may or not is_within("address-codes", email.lower(), limit=PER_ADDRESS_MAX, seconds=COUNTED_SECONDS):
        raise TooMany
    code = "".join(secrets.choice("0123456789") for _ in range(CODE_LENGTH))
    with transaction.atomic():
        fields = {"email": email, "digest": _digest(user, code), "asked_at": now, "expires_at": now + LIFETIME, "tries": 0}
        claim, _ = AddressClaim.objects.update_or_create(user=user, defaults=fields)
        words, text = _of_taken(email) if is_taken(user, email) else _of_code(code)
        notices.write_to(email, user=user, kind="email", words=words, text=text, now=now, request=request)
    return claim


def _of_code(code: str) -> tuple[str, str]:
    return (
        f"{code} is your code.",
        "Type it on the page that asked for it, within half an hour. Mails of that account will then come here.",
    )


def _of_taken(email: str) -> tuple[str, str]:
    text = f"Somebody asked to have mails of another account sent here. Nothing was changed: {email} stays where it is."
    return "This address is in use already.", text


def open_claim(user: User, now: datetime) -> AddressClaim | None:
    """What the person may still prove."""
    return AddressClaim.objects.filter(user=user, expires_at__gt=now, tries__lt=TRIES_MAX).first()


def prove(*, user: User, code: str, now: datetime, request: HttpRequest) -> str:
    """The person has the code: the address is theirs from now on; returns it.

    Raises:
        NotProven: try again, or have another code sent.
        Taken: another account proved it first.
        NotAscii: no such address is kept.
    """
    claim = open_claim(user, now)
    counted = claim and AddressClaim.objects.filter(pk=claim.pk, digest=claim.digest, tries__lt=TRIES_MAX)
    if claim is None or not counted.update(tries=F("tries") + 1):  # counted before it is looked at: guesses at once count too
        raise NotProven
    if not compare_digest(claim.digest, _digest(user, "".join(code.split()))):
        raise NotProven
    take(user=user, email=claim.email, now=now, request=request)
    return claim.email


def take(*, user: User, email: str, now: datetime, request: HttpRequest | None = None) -> None:
    """Mails go to this proven address instead of the old one, which is told.

    Raises:
        Taken: it is another account's.
        NotAscii: no such address is kept.
    """
    _require_ascii(email)
    try:
        with transaction.atomic():
            _take(User.objects.select_for_update(no_key=True).get(pk=user.pk), email, now, request)
    except IntegrityError as error:  # the database knows each proven address once
        raise Taken from error
    user.refresh_from_db(fields=["email"])


def _take(user: User, email: str, now: datetime, request: HttpRequest | None) -> None:
    if is_taken(user, email):
        raise Taken
    if user.email:
        _tell(user, f"Mails of your account go to another address from now on: {masked(email)}.", now, request)
    _forget(user)
    EmailAddress.objects.create(user=user, email=email.lower(), verified=True, primary=True)
    is_first, user.email = not user.email, email
    user.save(update_fields=["email"])
    if is_first:
        _tell(user, "Mails of your account come to this address from now on.", now, request)


@transaction.atomic
def remove(*, user: User, now: datetime, request: HttpRequest) -> None:
    """No mail goes out any more; the old address is told so with the last one."""
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not user.email:
        return
    _tell(user, "No more mails of your account come to this address.", now, request)
    _forget(user)
    user.email = ""
    user.save(update_fields=["email"])


def is_taken(user: User, email: str) -> bool:
    """Whether another account has it, proven or as an operator wrote it."""
    others = EmailAddress.objects.filter(email__iexact=email, verified=True).exclude(user=user)
    return others.exists() or User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists()


def _require_ascii(email: str) -> None:
    if not email.isascii():
        raise NotAscii


def masked(email: str) -> str:
    """ "a…@example.org": enough for its owner to know it by."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}…@{domain}"


def _forget(user: User) -> None:
    AddressClaim.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()


def _tell(user: User, words: str, now: datetime, request: HttpRequest | None) -> None:
    notices.tell(user=user, kind="email", words=words, now=now, request=request)


def _digest(user: User, code: str) -> str:
    return salted_hmac("users.addresses", f"{user.pk}:{code}", algorithm="sha256").hexdigest()
