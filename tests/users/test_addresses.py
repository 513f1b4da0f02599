"""The e-mail address of an account: proven by a code before a mail goes there, changed and removed with a word to the old one."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.urls import reverse

from common import clock
from tests.overlap import overlapped
from tests.users.browsers import age
from tests.users.test_google import come_back, go, google  # noqa: F401 -- the provider of the neighbours
from users import addresses
from users.background import sweep_notice_mails
from users.models import AddressClaim, Notice, User

pytestmark = pytest.mark.django_db

NEW = "w@wallet.example"


@pytest.fixture
def wallet_only(alice) -> User:
    """Who came with a wallet has no address."""
    alice.email = ""
    alice.save()
    SocialAccount.objects.create(user=alice, provider="evm", uid="0x" + "a" * 40)
    return alice


@pytest.fixture
def browser(wallet_only, signed_in) -> Client:
    return signed_in(wallet_only)


def ask(browser: Client, email: str = NEW):
    return browser.post(reverse("users:address"), {"email": email})


def sent_code() -> str:
    """What the newest mail says."""
    sweep_notice_mails()
    return re.search(r"\b\d{8}\b", mail.outbox[-1].body)[0]


def prove(browser: Client, code: str):
    return browser.post(reverse("users:address-prove"), {"code": code})


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


class AddTests:
    def test_no_mail_goes_there_before_it_is_proven(self, browser, wallet_only):
        assert ask(browser).status_code == 302
        code = sent_code()
        wallet_only.refresh_from_db()
        assert wallet_only.email == ""
        assert mail.outbox[-1].to == [NEW]
        assert prove(browser, f" {code[:4]} {code[4:]} ").status_code == 302
        wallet_only.refresh_from_db()
        assert wallet_only.email == NEW
        assert EmailAddress.objects.get(verified=True, primary=True).email == NEW

    def test_then_mails_reach_it(self, browser):
        ask(browser)
        prove(browser, sent_code())
        browser.post(reverse("users:data-export"))
        sweep_notice_mails()
        assert [sent.to for sent in mail.outbox[-2:]] == [[NEW], [NEW]]
        assert "come to this address" in mail.outbox[-2].body

    def test_a_stranger_who_gets_it_by_mistake_learns_no_name(self, browser, wallet_only):
        ask(browser)
        sweep_notice_mails()
        for body in (mail.outbox[-1].body, mail.outbox[-1].alternatives[0][0]):
            assert wallet_only.name not in body

    def test_the_code_stands_on_no_page_and_in_no_list(self, browser):
        ask(browser)
        code = sent_code()
        for name in ("users:address", "users:security", "users:notices"):
            assert code not in browser.get(reverse(name)).content.decode()
        assert AddressClaim.objects.get().digest != code

    def test_a_wrong_code_proves_nothing(self, browser, wallet_only):
        ask(browser)
        assert prove(browser, wrong(sent_code())).status_code == 422
        wallet_only.refresh_from_db()
        assert wallet_only.email == ""

    def test_guessing_ends_after_five_tries(self, browser, wallet_only):
        ask(browser)
        code = sent_code()
        for _ in range(addresses.TRIES_MAX):
            prove(browser, wrong(code))
        assert prove(browser, code).status_code == 422
        wallet_only.refresh_from_db()
        assert wallet_only.email == ""

    def test_an_old_code_is_none(self, browser, wallet_only):
        ask(browser)
        code = sent_code()
        AddressClaim.objects.update(expires_at=clock.now())
        assert prove(browser, code).status_code == 422

    def test_another_code_makes_the_first_useless(self, browser):
        ask(browser)
        first = sent_code()
        ask(browser, "other@wallet.example")
        sent_code()
        assert prove(browser, first).status_code == 422

    def test_the_code_of_one_person_is_no_other_persons(self, browser, chen, signed_in):
        ask(browser)
        theirs = sent_code()
        other = signed_in(chen)
        ask(other, "c@wallet.example")
        assert prove(other, theirs).status_code == 422

    def test_who_was_not_asked_lately_confirms_first(self, browser):
        assert ask(age(browser))["Location"].startswith(reverse("users:confirm"))
        assert not AddressClaim.objects.exists()

    @pytest.mark.parametrize("email", ["", "nobody", "a@b", "a@example.org\nBcc: x@example.org", "x" * 250 + "@example.org"])
    def test_nonsense_is_refused(self, browser, email):
        assert ask(browser, email).status_code == 422
        assert not Notice.objects.exists()

    def test_nobodys_mailbox_is_filled(self, browser, chen, signed_in):
        statuses = [ask(each).status_code for each in (browser, browser, signed_in(chen), browser)]
        assert statuses == [302, 302, 302, 422]
        assert Notice.objects.filter(mail_to=NEW).count() == addresses.PER_ADDRESS_MAX


class TakenTests:
    """The address of another account."""

    def test_who_asks_learns_nothing_and_its_owner_is_told(self, browser, chen):
        asked = ask(browser, chen.email)
        assert (asked.status_code, asked["Location"]) == (302, reverse("users:address"))
        page = browser.get(reverse("users:address")).content.decode()
        assert "A code is on its way" in page
        sweep_notice_mails()
        assert mail.outbox[-1].to == [chen.email]
        assert "in use already" in mail.outbox[-1].subject
        assert not re.search(r"\b\d{8}\b", mail.outbox[-1].body)

    def test_whichever_way_it_is_written(self, wallet_only, chen):
        EmailAddress.objects.create(user=chen, email="proven@example.org", verified=True)
        assert addresses.is_taken(wallet_only, chen.email.upper())
        assert addresses.is_taken(wallet_only, "Proven@Example.org")

    def test_of_two_who_prove_it_one_gets_it(self, browser, wallet_only, chen, signed_in):
        other = signed_in(chen)
        codes = []
        for each in (browser, other):
            ask(each)
            codes.append(sent_code())
        assert prove(browser, codes[0]).status_code == 302
        assert prove(other, codes[1]).status_code == 422
        assert User.objects.filter(email=NEW).get() == wallet_only


@pytest.mark.django_db(transaction=True)
def test_of_two_who_prove_it_at_the_same_moment_one_gets_it(person):
    people = [person(name) for name in ("ann", "bob")]
    User.objects.update(email="")

    def take(user: User) -> bool:
        try:
            addresses.take(user=user, email=NEW, now=clock.now())
        except addresses.Taken:
            return False
        return True

    assert overlapped(lambda: take(people[0]), lambda: take(people[1])) is False
    assert User.objects.filter(email=NEW).count() == 1


class LookalikeTests:
    """PostgreSQL's upper() and Python's lower() make an address with a dotless i or a Kelvin sign another person's."""

    LOOKALIKES = [("mike@gma\u0131l.example", "mike@gmail.example"), ("mi\u212ae@x.example", "mike@x.example")]

    @pytest.mark.parametrize(("written", "real"), LOOKALIKES)
    def test_the_form_refuses_it_with_words_that_help(self, browser, person, written, real):
        refused = ask(browser, written)
        assert refused.status_code == 422
        assert "Only addresses in plain letters" in refused.content.decode()
        assert not addresses.is_taken(person("mike"), real)

    @pytest.mark.parametrize(("written", "real"), LOOKALIKES)
    def test_behind_the_form_it_is_kept_nowhere(self, wallet_only, written, real):
        with pytest.raises(addresses.NotAscii):
            addresses.ask(user=wallet_only, email=written, now=clock.now(), request=RequestFactory().post("/"))
        with pytest.raises(addresses.NotAscii):
            addresses.take(user=wallet_only, email=written, now=clock.now())
        assert not EmailAddress.objects.exists()

    def test_one_that_was_asked_for_before_is_refused_in_words(self, browser, wallet_only):
        ask(browser)
        code = sent_code()
        AddressClaim.objects.update(email="mi\u212ae@x.example")
        refused = prove(browser, code)
        assert refused.status_code == 422
        assert "Only addresses in plain letters" in refused.content.decode()
        assert not EmailAddress.objects.exists()

    def test_its_owner_does_not_learn_whether_the_real_one_is_here(self, browser, person):
        mike = person("mike")
        mike.email = "mike@gmail.example"
        mike.save()
        ask(browser, "mike@gma\u0131l.example")
        sweep_notice_mails()
        assert [sent for sent in mail.outbox if "in use already" in sent.subject] == []

    def test_a_domain_of_other_letters_is_written_in_its_ascii_form(self, browser, wallet_only):
        ask(browser, "mike@xn--gmal-nza.example")
        assert prove(browser, sent_code()).status_code == 302
        wallet_only.refresh_from_db()
        assert wallet_only.email == "mike@xn--gmal-nza.example"


class ChangeTests:
    def change(self, browser: Client) -> None:
        ask(browser)
        prove(browser, sent_code())

    def test_the_old_address_is_told_not_where_to(self, alice, signed_in):
        old = alice.email
        EmailAddress.objects.create(user=alice, email=old, verified=True, primary=True)
        self.change(signed_in(alice))
        sweep_notice_mails()
        assert mail.outbox[-1].to == [old]
        assert "w…@wallet.example" in mail.outbox[-1].body
        assert NEW not in mail.outbox[-1].body
        assert [row.email for row in EmailAddress.objects.filter(user=alice)] == [NEW]

    def test_until_then_mails_go_to_the_old_one(self, alice, signed_in):
        browser = signed_in(alice)
        ask(browser)
        browser.post(reverse("users:data-export"))
        assert Notice.objects.get(kind="account").mail_to == alice.email


class RemoveTests:
    def test_the_old_address_is_told_with_the_last_mail(self, alice, signed_in):
        old, browser = alice.email, signed_in(alice)
        browser.post(reverse("users:address-remove"))
        alice.refresh_from_db()
        assert alice.email == ""
        browser.post(reverse("users:data-export"))
        sweep_notice_mails()
        assert [sent.to for sent in mail.outbox] == [[old]]
        assert "No more mails" in mail.outbox[0].body

    def test_who_was_not_asked_lately_confirms_first(self, alice, signed_in):
        signed = age(signed_in(alice)).post(reverse("users:address-remove"))
        assert signed["Location"].startswith(reverse("users:confirm"))
        alice.refresh_from_db()
        assert alice.email

    def test_where_there_is_none_nothing_happens(self, wallet_only):
        addresses.remove(user=wallet_only, now=clock.now(), request=RequestFactory().post("/"))
        assert not Notice.objects.exists()


class GoogleTests:
    """Linking Google fills the place of an address that is missing, and takes no other."""

    def link(self, browser: Client) -> None:
        come_back(browser, go(browser, "users:link-google"))

    def test_a_wallets_account_gets_googles_address(self, google, browser, wallet_only):  # noqa: F811
        self.link(browser)
        wallet_only.refresh_from_db()
        assert wallet_only.email == "carla@example.org"

    def test_one_that_google_has_not_proven_is_none(self, google, browser, wallet_only):  # noqa: F811
        google.person["email_verified"] = False
        self.link(browser)
        wallet_only.refresh_from_db()
        assert wallet_only.email == ""

    def test_one_that_is_there_stays(self, google, alice, signed_in):  # noqa: F811
        self.link(signed_in(alice))
        alice.refresh_from_db()
        assert alice.email == "alice@example.org"

    def test_one_of_another_account_is_left_there(self, google, browser, wallet_only, person):  # noqa: F811
        person("carla")
        self.link(browser)
        wallet_only.refresh_from_db()
        assert wallet_only.email == ""
        assert SocialAccount.objects.filter(user=wallet_only, provider="google").exists()


class HintTests:
    """Friendly, and never twice against somebody's word."""

    PAGES = ("users:security", "users:profile", "users:notices-wanted", "home")

    @pytest.fixture(autouse=True)
    def mail_server(self, settings):
        settings.EMAIL_HOST = "mail.example.org"

    @pytest.mark.parametrize("name", PAGES)
    def test_every_page_about_the_account_leads_there(self, browser, name):
        assert reverse("users:address") in browser.get(reverse(name)).content.decode()

    def test_who_wants_no_mails_is_asked_no_more(self, browser):
        browser.post(reverse("users:address-decline"))
        for name in ("users:security", "home"):
            assert "No mail can reach you" not in browser.get(reverse(name)).content.decode()

    def test_without_a_mail_server_home_does_not_ask(self, browser, settings):
        settings.EMAIL_HOST = ""
        assert "No mail can reach you" not in browser.get(reverse("home")).content.decode()

    def test_who_has_one_is_not_asked(self, alice, signed_in):
        for name in ("users:security", "home"):
            assert "No mail can reach you" not in signed_in(alice).get(reverse(name)).content.decode()


def test_an_account_without_address_does_everything_else(browser):
    cache.clear()
    for name in ("home", "users:profile", "users:keys", "credit:overview", "rendering:job-new"):
        assert browser.get(reverse(name)).status_code == 200


def test_what_was_not_proven_in_half_an_hour_is_not_shown_as_open(wallet_only):
    now = clock.now()
    claim = addresses.ask(user=wallet_only, email=NEW, now=now, request=RequestFactory().post("/"))
    assert addresses.open_claim(wallet_only, now) == claim
    assert addresses.open_claim(wallet_only, now + timedelta(minutes=30)) is None
