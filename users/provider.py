"""Wallets as ways to sign in, in allauth's terms: it then does accounts, linking, second factors and sessions as for Google.

allauth looks for `provider_classes` in this module of each installed app.
"""

from allauth.socialaccount.providers.base import Provider, ProviderAccount
from django.urls import reverse

from users.wording import short_address


class WalletAccount(ProviderAccount):
    def to_str(self) -> str:
        return short_address(self.account.uid)


class WalletProvider(Provider):
    """The uid is the canonical address, which is proven by a signature before a SocialLogin is made."""

    uses_apps = False
    account_class = WalletAccount

    def get_login_url(self, request, **kwargs) -> str:
        """Where a wallet is asked; its pages have the script for it."""
        return reverse("users:profile" if request.user.is_authenticated else "users:sign-in")

    def extract_uid(self, data) -> str:
        return data["address"]

    def extract_extra_data(self, data) -> dict:
        return {}

    def extract_common_fields(self, data) -> dict:
        return {"name": short_address(data["address"])}


class AptosProvider(WalletProvider):
    id = "aptos"
    name = "Aptos wallet"


class EvmProvider(WalletProvider):
    id = "evm"
    name = "EVM wallet"


provider_classes = [AptosProvider, EvmProvider]
