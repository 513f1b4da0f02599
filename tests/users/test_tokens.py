"""API tokens and SSH keys: on their page, and what a token opens."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from common import clock
from tests.users.browsers import age
from tests.users.test_ssh_keys import ED25519, ED25519_PRINT
from users import tokens
from users.models import ApiToken, Notice, SshKey

pytestmark = pytest.mark.django_db


def make(user, *scopes: str, **more) -> str:
    fields = {"name": "script", "expires_at": None, "now": clock.now()} | more
    return tokens.make(user=user, scopes=list(scopes or ["account:read"]), **fields).secret


def me(secret: str = "", *, browser: Client | None = None, **headers):
    headers |= {"Authorization": f"Bearer {secret}"} if secret else {}
    return (browser or Client()).get(reverse("api-me"), headers=headers)


class ApiTests:
    def test_a_token_says_whose_it_is(self, alice):
        answer = me(make(alice))
        assert answer.status_code == 200
        assert (answer.json()["name"], answer.json()["scopes"]) == ("Alice", ["account:read"])

    def test_each_scope_opens_its_part_alone(self, alice):
        assert "email" not in me(make(alice, "account:read")).json()
        assert me(make(alice, "account:read", "email:read")).json()["email"] == alice.email
        refused = me(make(alice, "email:read"))
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "scope")

    def test_nobody_without_one(self, alice, signed_in):
        assert me().status_code == 401
        assert me(browser=signed_in(alice)).status_code == 401  # a cookie is no token
        assert me("pictor_" + "a" * 38).status_code == 401
        assert me(Authorization=f"Basic {make(alice)}").status_code == 401

    @pytest.mark.parametrize("field", ["revoked_at", "expires_at"])
    def test_not_after_its_end(self, alice, field):
        secret = make(alice)
        ApiToken.objects.update(**{field: clock.now()})
        assert me(secret).status_code == 401

    def test_not_of_somebody_who_was_switched_off(self, alice):
        secret = make(alice)
        alice.is_active = False
        alice.save()
        assert me(secret).status_code == 401

    def test_its_use_is_noted(self, alice):
        secret = make(alice)
        assert ApiToken.objects.get().last_used_at is None
        me(secret)
        assert ApiToken.objects.get().last_used_at is not None

    def test_guessing_is_stopped_whatever_address_it_claims_to_come_from(self, alice, settings):
        settings.TRUSTED_PROXY_COUNT = 1
        statuses = [me("x", **{"X-Forwarded-For": f"198.51.100.{n}, 203.0.113.9"}).status_code for n in range(31)]
        assert statuses == [401] * 30 + [429]
        assert me(**{"X-Forwarded-For": "198.51.100.1, 203.0.113.10"}).status_code == 401  # a neighbour is not shut out
        assert me(make(alice), **{"X-Forwarded-For": "203.0.113.9"}).status_code == 200  # nor who has a token

    def test_it_only_reads(self, alice):
        assert Client().post(reverse("api-me"), headers={"Authorization": f"Bearer {make(alice)}"}).status_code == 405


class TokenTests:
    def test_the_table_holds_no_token(self, alice):
        secret = make(alice)
        row = ApiToken.objects.get()
        assert secret not in str(vars(row))
        assert secret.startswith(row.start)

    def test_a_slip_of_the_pen_is_seen_without_asking_the_table(self, alice, django_assert_num_queries):
        secret = make(alice)
        for wrong in [
            secret[:-1],
            secret + "a",
            secret[:-1] + ("a" if secret[-1] != "a" else "b"),
            "ghp_" + secret[7:],
            "é",
            "",
        ]:
            with django_assert_num_queries(0):
                assert tokens.find(wrong, clock.now()) is None


class TokenPageTests:
    def make(self, browser: Client, **more):
        fields = {"name": "My script", "scopes": ["account:read"], "days": "30"}
        return browser.post(reverse("users:token-make"), fields | more)

    def test_it_is_shown_once(self, alice, signed_in):
        browser = signed_in(alice)
        secret = self.make(browser).context["made"].secret
        assert me(secret).status_code == 200
        page = browser.get(reverse("users:keys"))
        assert secret not in page.content.decode()
        assert "My script" in page.content.decode()
        assert Notice.objects.get(kind="keys").words == "An API token was made (My script)."

    def test_it_ends_when_it_was_asked_to(self, alice, signed_in):
        self.make(signed_in(alice))
        row = ApiToken.objects.get()
        assert timedelta(days=29) < row.expires_at - row.created_at <= timedelta(days=30, minutes=1)

    @pytest.mark.parametrize("wrong", [{"scopes": []}, {"scopes": ["everything"]}, {"days": "7"}, {"name": ""}], ids=str)
    def test_what_it_cannot_be_is_said(self, alice, signed_in, wrong):
        assert self.make(signed_in(alice), **wrong).status_code == 422
        assert not ApiToken.objects.exists()

    def test_who_was_not_asked_lately_confirms_first(self, alice, signed_in):
        answer = self.make(age(signed_in(alice)))
        assert answer["Location"].startswith(reverse("users:confirm"))
        assert not ApiToken.objects.exists()

    def test_it_is_revoked_by_its_owner_alone(self, alice, mallory, signed_in):
        secret, pk = make(alice), ApiToken.objects.get().pk
        assert signed_in(mallory).post(reverse("users:token-revoke", args=[pk])).status_code == 404
        assert me(secret).status_code == 200
        signed_in(alice).post(reverse("users:token-revoke", args=[pk]))
        assert me(secret).status_code == 401


class SshKeyPageTests:
    def add(self, browser: Client, key: str = f"{ED25519} carla@laptop", **more):
        return browser.post(reverse("users:ssh-key-add"), {"key": key, **more})

    def test_it_is_kept_with_its_fingerprint_and_named_by_its_comment(self, alice, signed_in):
        browser = signed_in(alice)
        self.add(browser)
        key = SshKey.objects.get()
        assert (key.name, key.fingerprint, key.text) == ("carla@laptop", ED25519_PRINT, ED25519)
        assert ED25519_PRINT in browser.get(reverse("users:keys")).content.decode()
        assert Notice.objects.filter(user=alice, kind="keys").exists()

    def test_a_key_twice_is_said_to_be_here(self, alice, signed_in):
        self.add(signed_in(alice))
        again = self.add(signed_in(alice), f"{ED25519} another comment")
        assert (again.status_code, "here already" in again.content.decode()) == (422, True)
        assert SshKey.objects.count() == 1
        assert Notice.objects.filter(kind="keys").count() == 1

    def test_two_people_may_have_one_key(self, alice, mallory, signed_in):
        self.add(signed_in(alice))
        assert self.add(signed_in(mallory)).status_code == 302

    def test_a_private_key_is_never_printed_again(self, alice, signed_in):
        page = self.add(signed_in(alice), "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk")
        assert page.status_code == 422
        assert "b3BlbnNzaC1rZXk" not in page.content.decode()
        assert "private key" in page.content.decode()

    def test_it_is_removed_by_its_owner_alone(self, alice, mallory, signed_in):
        self.add(signed_in(alice))
        remove = reverse("users:ssh-key-remove", args=[SshKey.objects.get().pk])
        assert signed_in(mallory).post(remove).status_code == 404
        signed_in(alice).post(remove)
        assert not SshKey.objects.exists()
