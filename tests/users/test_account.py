"""The profile, browsers, data and closing."""

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common import clock
from credit import services
from tests import builders
from tests.users.browsers import age
from users import closing, sessions, tokens
from users.background import sweep_used_sessions
from users.models import ApiToken, Notice, User

pytestmark = pytest.mark.django_db


class ProfileTests:
    def save(self, browser: Client, **fields):
        return browser.post(reverse("users:profile"), {"display_name": "Alice", **fields})

    def test_times_are_in_the_persons_own_zone(self, alice, signed_in):
        browser = signed_in(alice)
        self.save(browser, time_zone="Asia/Tokyo")
        alice.refresh_from_db()
        joined = timezone.localtime(alice.date_joined, ZoneInfo("Asia/Tokyo"))
        assert joined.strftime("%H:%M:%S JST") in browser.get(reverse("users:profile")).content.decode()
        assert timezone.get_current_timezone_name() == "UTC"  # the next visitor's is not Tokyo

    def test_a_theme_is_kept_for_every_browser(self, alice, signed_in):
        self.save(signed_in(alice), theme="dark")
        assert 'name="theme-choice" content="dark"' in signed_in(alice).get(reverse("users:profile")).content.decode()

    @pytest.mark.parametrize(
        "wrong", [{"time_zone": "Mars/Olympus"}, {"time_zone": "../etc/passwd"}, {"theme": "pink"}], ids=str
    )
    def test_what_is_not_there_cannot_be_chosen(self, alice, signed_in, wrong):
        assert self.save(signed_in(alice), **wrong).status_code == 422

    def test_a_zone_that_the_system_has_lost_is_the_sites(self, alice, signed_in):
        User.objects.filter(pk=alice.pk).update(time_zone="Gone/Place")
        assert signed_in(alice).get(reverse("users:security")).status_code == 200


class SessionTests:
    @pytest.fixture
    def two(self, settings):
        settings.DEMO = True
        browsers = Client(), Client()
        for browser in browsers:
            browser.post(reverse("users:persona-sign-in"), {"persona": "owner"})
        return browsers

    def test_all_others_are_signed_out_at_once(self, two):
        here, there = two
        here.post(reverse("users:sessions-end-others"))
        assert there.get(reverse("users:profile")).status_code == 302
        assert here.get(reverse("users:profile")).status_code == 200

    def test_its_last_use_is_kept(self, two):
        here, _ = two
        long_ago = clock.now() - timedelta(days=1)
        sessions._noted.clear()
        UserSession.objects.update(last_seen_at=long_ago)
        here.get(reverse("users:profile"), headers={"X-Forwarded-For": "203.0.113.7"})
        assert sweep_used_sessions() == 1
        mine = UserSession.objects.get(session_key=here.session.session_key)
        assert mine.last_seen_at > long_ago
        assert mine.ip == "127.0.0.1"  # no proxy is trusted here

    def test_most_requests_write_nothing(self, two):
        here, _ = two
        sessions._noted.clear()
        with CaptureQueriesContext(connection) as captured:
            here.get(reverse("users:profile"))
        assert not [query for query in captured if query["sql"].startswith(("INSERT", "UPDATE"))]
        assert sweep_used_sessions() == 1
        here.get(reverse("users:profile"))
        assert sweep_used_sessions() == 0

    def test_behind_a_proxy_the_visitors_address_is_shown(self, settings):
        settings.DEMO, settings.TRUSTED_PROXY_COUNT = True, 1
        browser = Client(headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"})
        browser.post(reverse("users:persona-sign-in"), {"persona": "owner"})
        assert UserSession.objects.get().ip == "203.0.113.7"

    def test_a_proxy_that_names_nobody_breaks_nothing(self, settings):
        settings.DEMO, settings.TRUSTED_PROXY_COUNT = True, 2
        browser = Client(headers={"X-Forwarded-For": "not an address"})
        assert browser.post(reverse("users:persona-sign-in"), {"persona": "owner"}).status_code == 302


class LimitTests:
    """A visitor's own X-Forwarded-For neither frees nor shuts out anybody."""

    @pytest.mark.parametrize(("name", "limit"), [("users:wallet-challenge", 60), ("google_login", 30)])
    def test_sign_in_is_counted_by_the_address_that_the_proxy_saw(self, settings, name, limit):
        settings.TRUSTED_PROXY_COUNT, settings.GOOGLE_CLIENT_ID = 1, ""

        def ask(forged: int, seen: str) -> int:
            return Client().post(reverse(name), headers={"X-Forwarded-For": f"198.51.100.{forged}, {seen}"}).status_code

        statuses = [ask(n, "203.0.113.9") for n in range(limit + 1)]
        assert 429 not in statuses[:limit]
        assert statuses[limit] == 429
        assert ask(1, "203.0.113.10") != 429


class DataTests:
    def test_a_file_has_what_is_kept_and_no_secret(self, alice, signed_in):
        SocialAccount.objects.create(user=alice, provider="evm", uid="0x" + "a" * 40)
        made = tokens.make(user=alice, name="t", scopes=["account:read"], expires_at=None, now=clock.now())
        builders.make_job(alice, status="ready")
        answer = signed_in(alice).post(reverse("users:data-export"))
        said = json.loads(answer.content)
        assert said["account"]["email"] == alice.email
        assert {"sign_in", "keys", "jobs", "nodes", "credit"} <= set(said)
        assert len(said["jobs"]) == 1
        assert made.secret not in answer.content.decode()
        assert made.row.digest not in answer.content.decode()
        assert Notice.objects.get(user=alice).kind == "account"

    def test_who_was_not_asked_lately_confirms_first(self, alice, signed_in):
        answer = age(signed_in(alice)).post(reverse("users:data-export"))
        assert answer["Location"].startswith(reverse("users:confirm"))


def buy(user) -> None:
    services.top_up_by_operator(user=user, amount_micros=5_000_000, key="test:bought", reason="test")


def submit(user) -> None:
    builders.give(user, 5_000_000)
    builders.make_job(user, status="queued")


class ClosingTests:
    def close(self, browser: Client, words: str = "close my account"):
        return browser.post(reverse("users:account-close"), {"words": words})

    def test_the_person_is_forgotten(self, alice, signed_in):
        SocialAccount.objects.create(user=alice, provider="evm", uid="0x" + "a" * 40)
        tokens.make(user=alice, name="t", scopes=["account:read"], expires_at=None, now=clock.now())
        browser = signed_in(alice)
        assert self.close(browser)["Location"] == reverse("users:sign-in")
        alice.refresh_from_db()
        assert (alice.email, alice.is_active, alice.name) == ("", False, "Closed account")
        assert not SocialAccount.objects.exists()
        assert not ApiToken.objects.exists()
        assert browser.get(reverse("users:profile")).status_code == 302

    def test_the_words_must_be_typed(self, alice, signed_in):
        assert self.close(signed_in(alice), "yes").status_code == 422
        alice.refresh_from_db()
        assert alice.is_active

    @pytest.mark.parametrize(
        ("what", "words"),
        [
            (buy, "5.00 credits are yours"),
            (submit, "1 job is not done"),
            (builders.make_worker, "1 node of yours is still part"),
        ],
        ids=["money", "job", "node"],
    )
    def test_what_stands_in_the_way_is_said(self, alice, signed_in, what, words):
        what(alice)
        browser = signed_in(alice)
        assert words in browser.get(reverse("users:data")).content.decode()
        self.close(browser)
        alice.refresh_from_db()
        assert alice.is_active
        with pytest.raises(closing.Blocked, match=words):
            closing.close(alice, clock.now())

    def test_promotional_credit_keeps_nobody(self, alice):
        services.welcome(user=alice, now=clock.now())
        assert closing.what_blocks(alice, clock.now()) == []
