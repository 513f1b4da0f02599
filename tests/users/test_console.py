"""Operators and their second step: asked for with the password, and nothing opens before there is one."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from tests import builders
from tests.users.browsers import answer, ask, code_of, equip, type_code
from tests.users.wallets import MetaMask
from users.models import User

pytestmark = pytest.mark.django_db


class PasswordTests:
    """The one form that takes a password asks for the second step too."""

    PASSWORD = "a good password of sam"

    @pytest.fixture(autouse=True)
    def password(self, sam):
        sam.set_password(self.PASSWORD)
        sam.save()

    def enter(self, browser: Client, password: str = PASSWORD, to: str = ""):
        return browser.post(
            reverse("admin:login"), {"username": "sam", "password": password, "next": to or reverse("admin:index")}
        )

    def test_a_password_alone_opens_nothing(self, sam, client):
        assert self.enter(client)["Location"] == reverse("mfa_authenticate")
        assert "_auth_user_id" not in client.session
        assert client.get(reverse("admin:index")).status_code == 302
        assert "Incorrect code" in type_code(client, "000000").content.decode()

    def test_with_the_code_it_leads_into_the_console(self, sam, client):
        self.enter(client)
        assert type_code(client, code_of())["Location"] == reverse("admin:index")
        assert client.get(reverse("admin:index")).status_code == 200

    def test_it_leads_to_no_other_site(self, sam, client):
        self.enter(client, to="https://elsewhere.example/")
        assert type_code(client, code_of())["Location"] == reverse("admin:index")

    def test_a_wrong_password_says_nothing_of_a_second_step(self, sam, client):
        with_step = self.enter(client, "wrong")
        Authenticator.objects.all().delete()
        assert with_step.status_code == self.enter(client, "wrong").status_code == 200

    def test_who_has_none_enters_and_is_led_to_set_one_up(self, sam, client):
        Authenticator.objects.all().delete()
        assert self.enter(client)["Location"] == reverse("admin:index")
        assert int(client.session["_auth_user_id"]) == sam.pk
        assert client.get(reverse("admin:index"))["Location"] == reverse("users:second-step")

    def test_who_is_not_staff_does_not_get_as_far_as_the_step(self, alice, client):
        alice.set_password(self.PASSWORD)
        alice.save()
        equip(alice)
        answer = client.post(reverse("admin:login"), {"username": "alice", "password": self.PASSWORD})
        assert answer.status_code == 200
        assert client.get(reverse("mfa_authenticate")).status_code == 302


class SetUpTests:
    """An operator without a second step."""

    @pytest.fixture(autouse=True)
    def unequipped(self, sam):
        Authenticator.objects.all().delete()

    @pytest.mark.parametrize("name", ["admin:index", "admin:users_user_changelist", "home", "styleguide", "rendering:job-list"])
    def test_nothing_opens_before_there_is_one(self, sam, signed_in, name):
        browser = signed_in(sam)
        assert browser.get(reverse(name))["Location"] == reverse("users:second-step")
        page = browser.get(reverse("users:second-step")).content.decode()
        assert reverse("mfa_activate_totp") in page
        assert reverse("mfa_add_webauthn") in page

    def test_what_others_own_is_not_seen_by_parts_either(self, sam, alice, signed_in):
        job = builders.make_job(alice)
        part = reverse("rendering:job-part", args=[job.pk, "stats"])
        led = signed_in(sam).get(part, headers={"HX-Request": "true"})
        assert (led.status_code, led["HX-Refresh"], led.content) == (204, "true", b"")

    def test_nothing_is_done_before_there_is_one(self, sam, alice, signed_in):
        row = {"username": "alice", "display_name": "Changed", "date_joined_0": "2026-03-01", "date_joined_1": "12:00:00"}
        signed_in(sam).post(reverse("admin:users_user_change", args=[alice.pk]), row)
        alice.refresh_from_db()
        assert alice.display_name == "Alice"

    def test_afterwards_it_goes_on_to_where_they_were_going(self, sam, signed_in):
        browser, wanted = signed_in(sam), reverse("admin:users_user_changelist") + "?q=alice"
        browser.get(wanted)
        secret = browser.get(reverse("mfa_activate_totp")).context["form"].secret
        codes = type_code(browser, code_of(secret), "mfa_activate_totp")["Location"]
        assert reverse("users:second-step") in browser.get(codes).content.decode()
        assert browser.get(reverse("users:second-step"))["Location"] == wanted
        assert browser.get(wanted).status_code == 200

    def test_whichever_way_they_came_in(self, sam):
        wallet = MetaMask(1)
        SocialAccount.objects.create(user=sam, provider="evm", uid=wallet.address)
        browser = Client(headers={"host": "testserver"})
        answer(browser, wallet.sign(ask(browser, "eip4361", address=wallet.address).json()))
        assert browser.get(reverse("admin:index"))["Location"] == reverse("users:second-step")

    def test_who_takes_it_away_again_is_out(self, sam, signed_in):
        equip(sam)
        browser = signed_in(sam)
        assert browser.get(reverse("admin:index")).status_code == 200
        browser.post(reverse("mfa_deactivate_totp"))
        assert browser.get(reverse("admin:index"))["Location"] == reverse("users:second-step")

    def test_they_may_leave(self, sam, signed_in):
        assert signed_in(sam).post(reverse("users:sign-out"))["Location"] == reverse("users:sign-in")

    def test_nobody_else_is_asked(self, alice, signed_in):
        browser = signed_in(alice)
        assert browser.get(reverse("home")).status_code == 200
        assert browser.get(reverse("users:second-step"))["Location"] == reverse("users:security")

    def test_the_operator_of_the_demo_needs_none(self, client, settings):
        settings.DEMO = True
        client.post(reverse("users:persona-sign-in"), {"persona": "operator"})
        assert client.get(reverse("admin:index")).status_code == 200
        settings.DEMO = False
        assert User.objects.get(username="demo:operator").is_staff
        assert client.get(reverse("admin:index"))["Location"] == reverse("users:second-step")

    def test_a_setting_lets_them_do_without(self, sam, signed_in, settings):
        settings.STAFF_SECOND_STEP = False
        assert signed_in(sam).get(reverse("admin:index")).status_code == 200
