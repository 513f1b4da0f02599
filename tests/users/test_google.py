"""Google, played by an OpenID provider on this machine: allauth's real provider, real HTTP, real signatures."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.urls import reverse

from tests.users.browsers import age
from tests.users.openid import OpenId
from users import fresh
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def google(settings):
    provider = OpenId()
    provider.use(settings)
    yield provider
    provider.close()


def go(browser: Client, start: str = "google_login", **fields) -> str:
    """To the provider and back: the address to which it sends the browser."""
    there = browser.post(reverse(start), fields)["Location"]
    return httpx.get(there).headers["Location"]


def come_back(browser: Client, address: str):
    parts = urlsplit(address)
    return browser.get(f"{parts.path}?{parts.query}")


def sign_in(browser: Client, **fields):
    return come_back(browser, go(browser, **fields))


class SignInTests:
    def test_somebody_signs_up_and_in_again(self, google):
        for browser in (Client(), Client()):
            assert sign_in(browser)["Location"] == reverse("home")
            assert browser.get(reverse("users:profile")).status_code == 200

        carla = User.objects.get()
        assert (carla.name, carla.email) == ("Carla", "carla@example.org")
        assert EmailAddress.objects.get(verified=True).email == "carla@example.org"

    def test_it_leads_where_the_visitor_was_going_on_this_site_only(self, google):
        assert sign_in(Client(), next="/credit/")["Location"] == "/credit/"
        assert sign_in(Client(), next="https://evil.example/")["Location"] == reverse("home")

    def test_another_address_of_the_same_person_is_the_same_account(self, google):
        sign_in(Client())
        google.person["email"] = "married@example.org"
        sign_in(Client())
        assert User.objects.count() == 1

    def test_an_address_that_nobody_has_proven_is_not_taken_over(self, google):
        google.person["email_verified"] = False
        sign_in(Client())
        assert User.objects.get().email == ""
        assert not EmailAddress.objects.exists()

    def test_a_lookalike_of_an_address_takes_no_place_of_it(self, google):
        google.person["email"] = "car\u0131a@example.org"
        sign_in(Client())
        assert User.objects.get().email == ""
        assert not EmailAddress.objects.exists()

    def test_an_unproven_address_of_somebody_else_opens_nothing_of_theirs(self, google, alice):
        google.person |= {"email": alice.email, "email_verified": False}
        browser = Client()
        sign_in(browser)
        assert int(browser.session["_auth_user_id"]) != alice.pk

    def test_an_address_that_is_here_already_is_not_joined_but_explained(self, google, alice):
        google.person["email"] = "ALICE@example.org"
        browser = Client()
        answer = sign_in(browser)
        assert answer["Location"] == reverse("users:sign-in")
        assert "is here already" in browser.get(answer["Location"]).content.decode()
        assert "_auth_user_id" not in browser.session
        assert not SocialAccount.objects.exists()


class RefusedTests:
    def test_who_declines_there_is_told_so(self, google):
        google.denies = True
        answer = sign_in(Client())
        assert answer["Location"] == reverse("socialaccount_login_cancelled")
        assert not User.objects.exists()

    def test_an_answer_to_another_browser_is_worth_nothing(self, google):
        address = go(Client())
        assert come_back(Client(), address).status_code == 401
        assert not User.objects.exists()

    def test_a_forged_state(self, google):
        browser = Client()
        address = go(browser)
        state = parse_qs(urlsplit(address).query)["state"][0]
        assert come_back(browser, address.replace(state, "forged")).status_code == 401

    def test_an_answer_counts_once(self, google):
        browser = Client()
        address = go(browser)
        come_back(browser, address)
        assert come_back(browser, address).status_code == 401

    @pytest.mark.parametrize(
        "lies",
        [{"nonce": "of another request"}, {"nonce": None}, {"nonce": 7}, {"iss": "https://evil.example"}, {"iss": None},
         {"aud": "another site"}, {"aud": None}, {"exp": 1}, {"exp": None}, {"sub": None}, {"sub": 7}],
        ids=str,
    )  # fmt: skip
    def test_a_token_that_is_not_for_this_request(self, google, lies):
        google.lies = lies
        assert sign_in(Client()).status_code == 401
        assert not User.objects.exists()

    def test_a_signature_of_somebody_elses_key(self, google):
        google.signs_with = rsa.generate_private_key(65537, 2048)
        assert sign_in(Client()).status_code == 401

    @pytest.mark.parametrize(("algorithm", "key"), [("none", None), ("HS256", "public keys are no passwords, however long")])
    def test_no_signature_and_the_wrong_kind_of_one(self, google, algorithm, key):
        google.algorithm, google.signs_with = algorithm, key
        assert sign_in(Client()).status_code == 401
        assert not User.objects.exists()

    def test_without_an_id_token_nobody_is_anybody(self, google):
        google.without_id_token = True
        assert sign_in(Client()).status_code == 401

    @pytest.mark.parametrize("status", [400, 500])
    def test_a_provider_that_fails(self, google, status):
        google.status = status
        assert sign_in(Client()).status_code == 401

    def test_keys_that_cannot_be_fetched(self, google, settings):
        settings.GOOGLE_KEYS_URL = "http://127.0.0.1:1/keys"
        assert sign_in(Client()).status_code == 401

    def test_what_to_do_there_is_not_the_visitors_to_say(self, google, alice, signed_in):
        """A form of another site cannot turn a sign-in into a link."""
        browser = signed_in(alice)
        there = browser.post(reverse("google_login") + "?process=connect")["Location"]
        come_back(browser, httpx.get(there).headers["Location"])
        assert not SocialAccount.objects.filter(user=alice).exists()


class LinkTests:
    def test_it_is_linked_and_then_signs_in(self, google, alice, signed_in):
        browser = signed_in(alice)
        answer = come_back(browser, go(browser, "users:link-google"))
        assert answer["Location"] == reverse("users:security")

        later = Client()
        sign_in(later)
        assert int(later.session["_auth_user_id"]) == alice.pk

    def test_an_account_of_somebody_else_stays_theirs(self, google, alice, mallory, signed_in):
        for person in (alice, mallory):
            browser = signed_in(person)
            answer = come_back(browser, go(browser, "users:link-google"))
        assert SocialAccount.objects.get().user == alice
        assert "belongs to somebody else" in browser.get(answer["Location"]).content.decode()

    def test_who_was_not_asked_lately_confirms_first(self, google, alice, signed_in):
        browser = signed_in(alice)
        age(browser)
        assert browser.post(reverse("users:link-google"))["Location"].startswith(reverse("users:confirm"))


class ConfirmTests:
    def test_a_round_trip_proves_who_it_is(self, google, alice, signed_in):
        SocialAccount.objects.create(user=alice, provider="google", uid="g-1")
        browser = signed_in(alice)
        age(browser)
        answer = come_back(browser, go(browser, "users:confirm-google", next=reverse("users:keys")))
        assert answer["Location"] == reverse("users:keys")
        assert browser.post(reverse("users:link-google")).status_code == 302
        assert browser.session[fresh.KEY] > 0

    def test_the_google_account_of_another_proves_nothing(self, google, alice, mallory, signed_in):
        SocialAccount.objects.create(user=alice, provider="google", uid="g-1")
        SocialAccount.objects.create(user=mallory, provider="google", uid="g-2")
        google.person["sub"] = "g-2"
        browser = signed_in(alice)
        age(browser)
        come_back(browser, go(browser, "users:confirm-google"))
        assert browser.session[fresh.KEY] == 0
        assert int(browser.session["_auth_user_id"]) == alice.pk
