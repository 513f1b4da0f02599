"""Closing an account and taking one's data along. The ledger keeps its rows; the person behind them is forgotten."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from users import sessions
from users.methods import methods_of
from users.models import AddressClaim, ApiToken, KnownDevice, Notice, SshKey, User, WalletChallenge
from users.signals import Blocker, account_closed, asked_for_data, asked_what_blocks

NOTICES_MAX = 1_000


class Blocked(Exception):
    def __init__(self, blockers: list[Blocker]) -> None:
        super().__init__(*[blocker.words for blocker in blockers])
        self.blockers = blockers


def what_blocks(user: User, now: datetime) -> list[Blocker]:
    answers = asked_what_blocks.send(sender=User, user=user, now=now)
    return [blocker for _, blockers in answers for blocker in blockers or ()]


@transaction.atomic
def close(user: User, now: datetime) -> None:
    """Forget the person: ways in, keys, name and address. Everything is asked again under the row's lock.

    Raises:
        Blocked: money or work is left.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if blockers := what_blocks(user, now):
        raise Blocked(blockers)
    for rows in (
        SocialAccount,
        EmailAddress,
        AddressClaim,
        Authenticator,
        SshKey,
        ApiToken,
        KnownDevice,
        Notice,
        WalletChallenge,
    ):
        rows.objects.filter(user=user).delete()
    user.display_name, user.email, user.first_name, user.last_name = "Closed account", "", "", ""
    user.username, user.time_zone = f"closed:{user.pk}", ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.closed_at = now
    user.set_unusable_password()
    user.save()  # a receiver ends the sessions
    account_closed.send(sender=User, user=user, now=now)


def data_of(user: User, now: datetime) -> dict:
    """Everything that is kept about this person, for JSON."""
    data = {"made_at": now.isoformat(), "account": _account(user), "sign_in": _sign_in(user), "keys": _keys(user)}
    data["notices"] = _notices(user)
    for _, more in asked_for_data.send(sender=User, user=user, now=now):
        data |= more or {}
    return data


def _account(user: User) -> dict:
    return {
        "id": user.pk,
        "username": user.username,
        "name": user.display_name,
        "email": user.email,
        "time_zone": user.time_zone,
        "theme": user.theme,
        "joined": user.date_joined.isoformat(),
        "mails_not_wanted": user.muted,
        "notices_not_listed": user.unlisted,
    }


def _notices(user: User) -> list[dict]:
    return [
        {"at": notice.at.isoformat(), "words": notice.words, "text": notice.text, "ip": notice.ip, "browser": notice.browser}
        for notice in Notice.objects.filter(user=user)[:NOTICES_MAX]
    ]


def _sign_in(user: User) -> dict:
    return {
        "methods": [
            {"kind": method.provider, "who": method.full, "since": method.since.isoformat()} for method in methods_of(user)
        ],
        "second_steps": [
            {"kind": step.type, "since": step.created_at.isoformat()} for step in Authenticator.objects.filter(user=user)
        ],
        "browsers": sessions.as_data(user),
    }


def _keys(user: User) -> dict:
    return {
        "ssh": [{"name": key.name, "key": key.text, "added": key.created_at.isoformat()} for key in user.ssh_keys.all()],
        "tokens": [
            {"name": token.name, "start": token.start, "scopes": token.scopes, "made": token.created_at.isoformat()}
            for token in user.api_tokens.all()
        ],
    }
