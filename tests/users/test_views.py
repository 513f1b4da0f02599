import pytest
from allauth.usersessions.models import UserSession
from django.urls import reverse

from credit.services import balance_of
from users.models import User
from users.personas import PERSONAS, persona_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(settings):
    settings.DEMO = True


def become(client, persona, **more):
    return client.post(reverse("users:persona-sign-in"), {"persona": persona, **more})


class SignInTests:
    def test_it_shows_what_the_network_renders_today_and_what_is_coming(self, client):
        page = client.get(reverse("users:sign-in")).content.decode()
        assert "Cycles" in page
        assert "Blender 5.0" in page
        assert "Redshift" in page

    def test_personas_are_offered_in_the_demo_only(self, client, settings):
        settings.DEMO = False
        assert "Oskar" not in client.get(reverse("users:sign-in")).content.decode()
        settings.DEMO = True
        assert "Oskar" in client.get(reverse("users:sign-in")).content.decode()

    def test_google_is_offered_when_it_is_set_up(self, client, settings):
        settings.GOOGLE_CLIENT_ID = ""
        assert reverse("google_login") not in client.get(reverse("users:sign-in")).content.decode()
        settings.GOOGLE_CLIENT_ID = "x"
        assert reverse("google_login") in client.get(reverse("users:sign-in")).content.decode()

    def test_who_is_signed_in_goes_home(self, signed_in, alice):
        assert signed_in(alice).get(reverse("users:sign-in"))["Location"] == reverse("home")


class PersonaSignInTests:
    def test_outside_the_demo_the_address_does_not_exist(self, client, settings):
        settings.DEMO = False
        assert become(client, "operator").status_code == 404
        assert not User.objects.exists()

    @pytest.mark.parametrize("key", PERSONAS)
    def test_one_click_is_enough(self, client, demo, key):
        assert become(client, key).status_code == 302
        assert client.get(reverse("users:profile")).context["user"].username == f"demo:{key}"

    def test_only_the_operator_is_staff(self, client, demo):
        for key in PERSONAS:
            become(client, key)
        assert list(User.objects.filter(is_staff=True).values_list("username", flat=True)) == ["demo:operator"]

    def test_a_second_click_finds_the_same_person_and_their_credit(self, client, demo):
        become(client, "creator")
        first = balance_of(User.objects.get()).available_micros
        become(client, "creator")
        assert User.objects.count() == 1
        assert first > 0
        assert balance_of(User.objects.get()).available_micros == first

    def test_nobody_becomes_an_unknown_person(self, client, demo):
        assert become(client, "root").status_code == 404

    def test_it_leads_where_the_visitor_was_going_on_this_site_only(self, client, demo):
        assert become(client, "creator", next="/credit/")["Location"] == "/credit/"
        assert become(client, "creator", next="https://evil.example/")["Location"] == reverse("rendering:job-list")
        assert become(client, "creator", next="//evil.example/")["Location"] == reverse("rendering:job-list")

    def test_a_link_cannot_do_it(self, client, demo):
        assert client.get(reverse("users:persona-sign-in")).status_code == 405

    def test_a_flood_is_turned_away(self, client, demo):
        statuses = [become(client, "root", next="/").status_code for _ in range(31)]
        assert statuses[:30] == [404] * 30
        assert statuses[30] == 429


class PersonaUserTests:
    def test_a_persona_cannot_sign_in_with_a_password(self):
        assert not persona_user("creator").has_usable_password()


class SignOutTests:
    def test_it_takes_a_button_not_a_link(self, signed_in, alice):
        browser = signed_in(alice)
        assert browser.get(reverse("users:sign-out")).status_code == 405
        assert browser.post(reverse("users:sign-out"))["Location"] == reverse("users:sign-in")
        assert browser.get(reverse("users:profile")).status_code == 302


class ProfileTests:
    def test_the_name_can_be_changed(self, signed_in, alice):
        signed_in(alice).post(reverse("users:profile"), {"display_name": "Alice A."})
        alice.refresh_from_db()
        assert alice.name == "Alice A."

    def test_a_name_that_is_too_long_is_said_to_be(self, signed_in, alice):
        assert signed_in(alice).post(reverse("users:profile"), {"display_name": "x" * 81}).status_code == 422

    def test_it_lists_the_browsers_one_is_signed_in_with(self, client, demo):
        client.post(
            reverse("users:persona-sign-in"), {"persona": "owner"}, headers={"User-Agent": "Firefox/130.0 (X11; Linux)"}
        )
        (place,) = client.get(reverse("users:security")).context["places"]
        assert (place.words, place.is_here) == ("Firefox on Linux", True)

    def test_another_browser_can_be_signed_out_from_here(self, demo, client, django_user_model):
        from django.test import Client

        here, there = Client(), Client()
        become(here, "owner")
        become(there, "owner")
        other = UserSession.objects.get(session_key=there.session.session_key)
        here.post(reverse("users:session-end", args=[other.pk]))
        assert there.get(reverse("users:profile")).status_code == 302
        assert here.get(reverse("users:profile")).status_code == 200

    def test_nobody_ends_the_session_of_another(self, client, demo, signed_in, mallory):
        become(client, "owner")
        session = UserSession.objects.get()
        assert signed_in(mallory).post(reverse("users:session-end", args=[session.pk])).status_code == 404
        assert client.get(reverse("users:profile")).status_code == 200


class GoogleTests:
    def test_no_page_signs_anybody_up_with_a_password(self, client):
        for path in ["/accounts/signup/", "/accounts/password/reset/", "/accounts/email/"]:
            assert client.get(path).status_code == 404

    def test_the_way_to_google_carries_our_client_id_and_pkce(self, client, settings):
        settings.GOOGLE_CLIENT_ID = "our-id"
        settings.SOCIALACCOUNT_PROVIDERS = {
            "google": {
                **settings.SOCIALACCOUNT_PROVIDERS["google"],
                "APPS": [{"client_id": "our-id", "secret": "s", "key": ""}],
            }
        }
        location = client.post(reverse("google_login"))["Location"]
        assert location.startswith("https://accounts.google.com/")
        assert "client_id=our-id" in location
        assert "code_challenge=" in location

    def test_allauths_own_pages_wear_our_frame(self, client):
        page = client.get(reverse("socialaccount_login_cancelled")).content.decode()
        assert "css/tokens.css" in page
