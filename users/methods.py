"""Ways to sign in: which a person has, and taking one away. The last one stays."""

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from users.models import User
from users.wording import short_address

WALLETS = ("aptos", "evm")
NAMES = {"google": "Google", "aptos": "Aptos wallet", "evm": "EVM wallet"}
ICONS = {"google": "globe", "aptos": "wallet", "evm": "wallet"}


class LastMethod(Exception):
    """Without it nobody could sign in to this account any more."""


@dataclass(frozen=True)
class Method:
    pk: int
    provider: str
    name: str
    who: str  # e-mail address or the address of a wallet, short
    full: str
    icon: str
    since: datetime
    last_used: datetime

    @property
    def is_wallet(self) -> bool:
        return self.provider in WALLETS

    @property
    def pk_text(self) -> str:
        return str(self.pk)


def methods_of(user: User) -> list[Method]:
    return [_method(account) for account in SocialAccount.objects.filter(user=user).order_by("date_joined")]


def _method(account: SocialAccount) -> Method:
    is_wallet = account.provider in WALLETS
    full = account.uid if is_wallet else account.extra_data.get("email", "")
    return Method(
        pk=account.pk,
        provider=account.provider,
        name=NAMES.get(account.provider, account.provider),
        who=short_address(account.uid) if is_wallet else full,
        full=full,
        icon=ICONS.get(account.provider, "link"),
        since=account.date_joined,
        last_used=account.last_login,
    )


def unlink(*, user: User, pk: int) -> Method:
    """Take away a way to sign in. The row of the person is locked: of two last ones, unlinked at once, one stays.

    Raises:
        SocialAccount.DoesNotExist: none of this person's (any more).
        LastMethod: it is the last.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        account = SocialAccount.objects.get(pk=pk, user=user)
        if not SocialAccount.objects.filter(user=user).exclude(pk=pk).exists():
            raise LastMethod
        method = _method(account)
        account.delete()
    return method


def has_second_step(user: User) -> bool:
    """An app or a passkey; recovery codes alone are none."""
    return Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
