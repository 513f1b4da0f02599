"""The second step: an authenticator app, passkeys, recovery codes; after a wallet's sign-in too."""

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from tests.users.browsers import SECRET, age, answer, ask, code_of, type_code
from tests.users.passkeys import Passkey
from tests.users.wallets import MetaMask
from users.models import Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet(alice):
    SocialAccount.objects.create(user=alice, provider="evm", uid=MetaMask(1).address)
    return MetaMask(1)


@pytest.fixture
def app(alice):
    return TOTP.activate(alice, SECRET)


def sign_in(wallet: MetaMask) -> tuple[Client, str]:
    """A new browser, and where the wallet's signature leads it."""
    browser = Client(headers={"host": "testserver"})
    return browser, answer(browser, wallet.sign(ask(browser, "eip4361", address=wallet.address).json())).json()["next"]


def options_in(page) -> dict:
    """What the page asks the authenticator."""
    block = re.search(r'<script id="passkey-data" type="application/json">(.+?)</script>', page.content.decode())
    options = json.loads(block[1])
    return (options.get("creation_options") or options.get("request_options"))["publicKey"]


class WalletSignInTests:
    def test_a_signature_alone_opens_nothing(self, wallet, app):
        browser, then = sign_in(wallet)
        assert then == reverse("mfa_authenticate")
        assert "_auth_user_id" not in browser.session
        assert browser.get(reverse("users:profile")).status_code == 302

    def test_with_the_code_it_does(self, wallet, app, alice):
        browser, then = sign_in(wallet)
        assert browser.get(then).status_code == 200
        assert type_code(browser, code_of()).status_code == 302
        assert int(browser.session["_auth_user_id"]) == alice.pk

    def test_a_wrong_code_is_said_to_be(self, wallet, app):
        browser, _ = sign_in(wallet)
        assert "Incorrect code" in type_code(browser, "000000").content.decode()
        assert "_auth_user_id" not in browser.session

    def test_guessing_is_stopped_whatever_address_it_claims_to_come_from(self, wallet, app):
        browser, _ = sign_in(wallet)
        for guess in range(12):
            headers = {"X-Forwarded-For": f"203.0.113.{guess}"}
            page = browser.post(reverse("mfa_authenticate"), {"code": f"{guess:06}"}, headers=headers)
        assert "Too many" in page.content.decode()
        assert "_auth_user_id" not in browser.session

    def test_who_leaves_in_the_middle_is_out(self, wallet, app):
        browser, then = sign_in(wallet)
        browser.post(reverse("account_logout"))
        assert browser.get(then)["Location"] == reverse("account_login")

    def test_a_recovery_code_works_once(self, wallet, app, alice, signed_in):
        signed_in(alice).post(reverse("mfa_generate_recovery_codes"))
        code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
        first, second = sign_in(wallet)[0], sign_in(wallet)[0]
        assert type_code(first, code).status_code == 302
        assert type_code(second, code).status_code == 200
        assert "_auth_user_id" not in second.session


class AppTests:
    def test_it_is_set_up_and_the_owner_told(self, alice, signed_in, django_capture_on_commit_callbacks):
        browser = signed_in(alice)
        page = browser.get(reverse("mfa_activate_totp"))
        secret = page.context["form"].secret
        with django_capture_on_commit_callbacks(execute=True):
            assert type_code(browser, code_of(secret), "mfa_activate_totp")["Location"] == reverse("mfa_view_recovery_codes")
        assert {row.type for row in Authenticator.objects.all()} == {"totp", "recovery_codes"}
        assert Notice.objects.filter(user=alice, kind="mfa").count() == 2
        assert len(browser.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]) == 10

    def test_secrets_lie_encrypted(self, app, alice, signed_in):
        signed_in(alice).post(reverse("mfa_generate_recovery_codes"))
        kept = json.dumps([row.data for row in Authenticator.objects.all()])
        codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
        assert SECRET not in kept
        assert not any(code in kept for code in codes)

    def test_it_is_removed_and_the_codes_with_it(self, app, alice, signed_in):
        browser = signed_in(alice)
        browser.post(reverse("mfa_generate_recovery_codes"))
        assert browser.post(reverse("mfa_deactivate_totp")).status_code == 302
        assert not Authenticator.objects.exists()
        assert Notice.objects.filter(kind="mfa").exists()

    @pytest.mark.parametrize(
        "name",
        ["mfa_activate_totp", "mfa_deactivate_totp", "mfa_generate_recovery_codes", "mfa_view_recovery_codes",
         "mfa_download_recovery_codes", "mfa_add_webauthn"],
    )  # fmt: skip
    def test_who_was_not_asked_lately_confirms_first(self, app, alice, signed_in, name):
        browser = signed_in(alice)
        browser.post(reverse("mfa_generate_recovery_codes"))
        age(browser)
        for method in (browser.get, browser.post):
            assert method(reverse(name))["Location"].startswith(reverse("users:confirm")), name
        assert Authenticator.objects.count() == 2


class ConfirmTests:
    def test_the_code_confirms(self, app, alice, signed_in):
        browser = age(signed_in(alice))
        assert browser.post(reverse("users:confirm"), {"code": "000000"}).status_code == 422
        assert browser.post(reverse("users:confirm"), {"code": code_of()}).status_code == 302
        assert browser.get(reverse("mfa_deactivate_totp")).status_code == 200

    def test_then_a_wallet_alone_does_not(self, app, wallet, alice, signed_in):
        browser = age(signed_in(alice))
        asked = ask(browser, "eip4361", "confirm", address=wallet.address).json()
        assert answer(browser, wallet.sign(asked)).json()["reason"] == "not_linked"

    def test_nor_does_a_password(self, app, alice, signed_in):
        alice.set_password("a good password of alice")
        alice.save()
        browser = age(signed_in(alice))
        assert browser.post(reverse("users:confirm"), {"password": "a good password of alice"}).status_code == 422


class PasskeyTests:
    @pytest.fixture
    def passkey(self, alice, signed_in):
        browser = signed_in(alice)
        key = Passkey()
        options = options_in(browser.get(reverse("mfa_add_webauthn")))
        assert options["rp"]["id"] == "testserver"
        said = {"name": "Laptop", "credential": json.dumps(key.create(options["challenge"]))}
        assert browser.post(reverse("mfa_add_webauthn"), said)["Location"] == reverse("mfa_view_recovery_codes")
        return key

    def use(self, browser: Client, key: Passkey, challenge: str = "", to: str = "mfa_authenticate"):
        challenge = challenge or options_in(browser.get(reverse(to)))["challenge"]
        return browser.post(reverse(to), {"credential": json.dumps(key.get(challenge))})

    def test_it_is_the_second_step(self, passkey, wallet, alice):
        browser, then = sign_in(wallet)
        assert then == reverse("mfa_authenticate")
        assert self.use(browser, passkey).status_code == 302
        assert int(browser.session["_auth_user_id"]) == alice.pk

    def test_a_challenge_of_another_browser_is_refused(self, passkey, wallet):
        mine, theirs = sign_in(wallet)[0], sign_in(wallet)[0]
        challenge = options_in(theirs.get(reverse("mfa_authenticate")))["challenge"]
        mine.get(reverse("mfa_authenticate"))
        self.use(mine, passkey, challenge)
        assert "_auth_user_id" not in mine.session

    def test_another_key_is_refused(self, passkey, wallet):
        browser, _ = sign_in(wallet)
        self.use(browser, Passkey())
        assert "_auth_user_id" not in browser.session

    def test_it_confirms(self, passkey, alice, signed_in):
        browser = age(signed_in(alice))
        assert self.use(browser, passkey, to="users:confirm").status_code == 302
        assert browser.get(reverse("mfa_add_webauthn")).status_code == 200

    def test_it_is_renamed_and_removed(self, passkey, alice, signed_in):
        browser, pk = signed_in(alice), Authenticator.objects.get(type="webauthn").pk
        browser.post(reverse("mfa_edit_webauthn", args=[pk]), {"name": "Key ring"})
        assert "Key ring" in browser.get(reverse("users:security")).content.decode()
        browser.post(reverse("mfa_remove_webauthn", args=[pk]))
        assert not Authenticator.objects.exists()

    @pytest.mark.parametrize("said", ["", "{}", "[]", "7", "nonsense", '{"response": {}}', '{"id": "x", "rawId": "x"}'])
    def test_nonsense_is_refused(self, passkey, wallet, said):
        browser, _ = sign_in(wallet)
        assert browser.post(reverse("mfa_authenticate"), {"credential": said}).status_code == 200
        assert "_auth_user_id" not in browser.session
