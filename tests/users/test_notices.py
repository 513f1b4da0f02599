"""People are told what happened: written with it, shown on the page, mailed once, never lost, and no more than is wanted."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse

from common import clock
from users import background, closing, mailing, notice_kinds, notices
from users.models import KnownDevice, Notice

pytestmark = pytest.mark.django_db

NOW = clock.now()


def tell(user, kind="methods", words="Google was linked (a@example.org).") -> Notice | None:
    return notices.tell(user=user, kind=kind, words=words, now=NOW)


class BrokenServer:
    """A mail server that does not answer."""

    def __init__(self, *args, **kwargs) -> None: ...

    def send_messages(self, messages):
        raise ConnectionRefusedError("no mail today")


class MailTests:
    def test_it_says_what_happened_in_both_forms(self, alice):
        tell(alice)
        assert background.sweep_notice_mails() == 1
        (sent,) = mail.outbox
        assert sent.to == [alice.email]
        assert "Google was linked" in sent.subject
        html, kind = sent.alternatives[0]
        assert kind == "text/html"
        for body in (sent.body, html):
            assert "Hello Alice" in body
            assert reverse("users:security") in body

    def test_about_money_it_leads_there_and_to_the_choice_of_mails(self, alice):
        notices.tell(
            user=alice, kind="top_up", words="10 credits came.", text="In full.", url=reverse("credit:history"), now=NOW
        )
        background.sweep_notice_mails()
        (sent,) = mail.outbox
        for body in (sent.body, sent.alternatives[0][0]):
            assert "In full." in body
            assert settings.SITE_URL + reverse("credit:history") in body
            assert reverse("users:notices-wanted") in body
            assert "recovery phrase" not in body

    def test_names_are_no_markup(self, alice):
        alice.display_name = "<b>Alice</b>"
        alice.save()
        tell(alice)
        background.sweep_notice_mails()
        assert "<b>Alice</b>" in mail.outbox[0].body
        assert "&lt;b&gt;Alice" in mail.outbox[0].alternatives[0][0]

    def test_it_is_sent_once(self, alice):
        event = tell(alice)
        assert mailing.send(event.pk, NOW)
        assert not mailing.send(event.pk, NOW)
        assert background.sweep_notice_mails() == 0
        assert len(mail.outbox) == 1

    def test_one_that_cannot_be_sent_keeps_no_other(self, alice, chen):
        """A line feed would be a header of its own: that mail is refused, the next one goes."""
        tell(alice, words="Google was linked (a@example.org\nBcc: mallory@example.org).")
        tell(chen)
        assert mailing.send_due(NOW, limit=9) == 1
        assert [sent.to for sent in mail.outbox] == [["chen@example.org"]]

    def test_a_server_that_fails_is_asked_again_later(self, alice, settings):
        working = settings.EMAIL_BACKEND
        settings.EMAIL_BACKEND = f"{__name__}.BrokenServer"
        event = tell(alice)
        assert not mailing.send(event.pk, NOW)
        settings.EMAIL_BACKEND = working
        assert mailing.send_due(NOW, limit=9) == 0  # not at once
        assert mailing.send_due(NOW + timedelta(minutes=2), limit=9) == 1
        assert len(mail.outbox) == 1

    def test_a_process_that_dies_while_sending_loses_nothing(self, alice):
        event = tell(alice)
        assert mailing._claimed(event.pk, NOW)
        assert mailing._claimed(event.pk, NOW) is None  # nobody else sends meanwhile
        assert mailing.send_due(NOW + timedelta(minutes=2), limit=9) == 1

    def test_a_week_later_it_is_given_up(self, alice, settings):
        settings.EMAIL_BACKEND = f"{__name__}.BrokenServer"
        event = tell(alice)
        mailing.send(event.pk, NOW + timedelta(days=8))
        assert Notice.objects.get().mail_due_at is None

    @pytest.mark.django_db(transaction=True)
    def test_what_is_undone_is_not_mailed(self, alice):
        with transaction.atomic():
            tell(alice)
            transaction.set_rollback(True)
        assert background.sweep_notice_mails() == 0


def boxes(*without: str) -> dict[str, str]:
    """Everything ticked but those."""
    names = {f"{key}-{way}" for key in notice_kinds.kinds() for way in ("page", "mail")}
    return dict.fromkeys(names - set(without), "on")


class ChoiceTests:
    """Each kind on the page, by mail, both, or not at all."""

    def choose(self, browser: Client, *without: str) -> None:
        assert browser.post(reverse("users:notices-wanted"), boxes(*without)).status_code == 302

    def test_a_new_account_is_told_everything_both_ways(self, alice):
        for key in notice_kinds.kinds():
            told = tell(alice, key)
            assert (told.is_listed, told.mail_to) == (True, alice.email)

    def test_without_mails(self, alice, signed_in):
        self.choose(signed_in(alice), "top_up-mail")
        alice.refresh_from_db()
        told = tell(alice, "top_up")
        assert (told.is_listed, told.mail_to) == (True, "")
        assert tell(alice, "withdrawal").mail_to == alice.email

    def test_by_mail_alone(self, alice, signed_in):
        browser = signed_in(alice)
        self.choose(browser, "job_completed-page")
        alice.refresh_from_db()
        tell(alice, "job_completed", "Carousel is complete.")
        assert background.sweep_notice_mails() == 1
        assert "Carousel is complete" not in browser.get(reverse("users:notices")).content.decode()

    def test_not_at_all(self, alice, signed_in):
        self.choose(signed_in(alice), "job_completed-page", "job_completed-mail")
        alice.refresh_from_db()
        assert tell(alice, "job_completed") is None
        assert not Notice.objects.exists()

    def test_what_was_chosen_is_shown_again(self, alice, signed_in):
        browser = signed_in(alice)
        self.choose(browser, "budget-mail", "ending-page")
        form = browser.get(reverse("users:notices-wanted")).context["form"]
        ticked = {name: form[name].value() for name in form.fields}
        assert [name for name, is_ticked in ticked.items() if not is_ticked] == ["budget-mail", "ending-page"]

    @pytest.mark.parametrize("kind", [kind.key for kind in notice_kinds.kinds().values() if kind.is_always])
    def test_what_an_intruder_does_first_is_always_told(self, alice, signed_in, kind):
        signed_in(alice).post(reverse("users:notices-wanted"), {})
        alice.refresh_from_db()
        alice.muted, alice.unlisted = [*alice.muted, kind], [*alice.unlisted, kind]
        told = tell(alice, kind)
        assert (told.is_listed, told.mail_to) == (True, alice.email)

    def test_who_has_no_address_reads_it_on_the_page(self, alice, signed_in):
        alice.email = ""
        alice.save()
        tell(alice)
        assert background.sweep_notice_mails() == 0
        assert "Google was linked" in signed_in(alice).get(reverse("users:security")).content.decode()

    def test_who_closed_the_account_is_told_nothing(self, alice):
        closing.close(alice, NOW)
        alice.refresh_from_db()
        assert tell(alice, "top_up") is None

    def test_every_kind_has_a_short_key_of_its_own_and_says_what_it_is(self):
        kinds = [kind for group in notice_kinds.groups() for kind in group.kinds]
        assert len({kind.key for kind in kinds}) == len(kinds)
        assert all(len(kind.key) <= notice_kinds.KEY_LENGTH_MAX and kind.words and kind.help.endswith(".") for kind in kinds)


class UnsubscribeTests:
    """The button of a mail program, and the link behind it."""

    def address_in(self, sent) -> str:
        return sent.extra_headers["List-Unsubscribe"].strip("<>").removeprefix(settings.SITE_URL)

    def test_one_click_stops_that_kind_without_signing_in(self, alice, client):
        tell(alice, "job_completed")
        background.sweep_notice_mails()
        address = self.address_in(mail.outbox[0])
        assert mail.outbox[0].extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        for _ in range(2):  # mail programs repeat themselves
            assert client.post(address, {"List-Unsubscribe": "One-Click"}).status_code == 200
        alice.refresh_from_db()
        assert alice.muted == ["job_completed"]

    def test_programs_that_only_look_at_links_stop_nothing(self, alice, client):
        tell(alice, "job_completed")
        background.sweep_notice_mails()
        assert "Stop these mails?" in client.get(self.address_in(mail.outbox[0])).content.decode()
        alice.refresh_from_db()
        assert alice.muted == []

    def test_safety_has_no_such_button(self, alice, client):
        tell(alice)
        background.sweep_notice_mails()
        assert "List-Unsubscribe" not in mail.outbox[0].extra_headers
        assert client.post(reverse("users:mute", args=[mailing.mute_token(alice, "methods")])).status_code == 404

    def test_nobody_makes_such_an_address(self, alice, client):
        token = mailing.mute_token(alice, "job_completed")
        assert client.post(reverse("users:mute", args=["x" + token[1:]])).status_code == 404
        assert client.post(reverse("users:mute", args=["nonsense"])).status_code == 404


class PageTests:
    def test_what_is_not_read_is_counted_and_marked(self, alice, signed_in):
        browser = signed_in(alice)
        first, _ = tell(alice, "top_up", "10 credits were added."), tell(alice, "job_failed", "Carousel failed.")
        assert "2<span" in browser.get(reverse("users:bell")).content.decode()
        assert browser.get(reverse("home")).context["shell"].unseen == 2
        browser.get(reverse("users:notice-open", args=[first.pk]))
        assert "1<span" in browser.get(reverse("users:bell")).content.decode()
        assert browser.get(reverse("users:notices")).content.decode().count("(unread)") == 1
        browser.post(reverse("users:notices-see"))
        assert "unread" not in browser.get(reverse("users:bell")).content.decode()

    def test_it_leads_to_what_it_tells_of(self, alice, signed_in):
        told = notices.tell(user=alice, kind="top_up", words="x", url=reverse("credit:history"), now=NOW)
        assert signed_in(alice).get(reverse("users:notice-open", args=[told.pk]))["Location"] == reverse("credit:history")

    def test_others_do_not_open_it(self, alice, chen, signed_in):
        told = tell(alice)
        assert signed_in(chen).get(reverse("users:notice-open", args=[told.pk])).status_code == 404
        assert Notice.objects.get().seen_at is None

    def test_a_long_list_has_pages_and_few_queries(self, alice, signed_in, django_assert_max_num_queries):
        for number in range(30):
            tell(alice, words=f"Number {number}.")
        browser = signed_in(alice)
        with django_assert_max_num_queries(12):
            page = browser.get(reverse("users:notices"))
        assert len(page.context["rows"]) == 25
        assert len(browser.get(reverse("users:notices") + "?page=2").context["rows"]) == 5

    def test_a_kind_that_is_no_more_is_still_shown(self, alice, signed_in):
        Notice.objects.create(user=alice, kind="gone", words="Something happened.", at=NOW)
        assert "Something happened." in signed_in(alice).get(reverse("users:notices")).content.decode()


class NewBrowserTests:
    def become(self, browser: Client) -> None:
        browser.post(reverse("users:persona-sign-in"), {"persona": "owner"})

    def test_a_browser_that_was_not_seen_before_is_told_of(self, settings):
        settings.DEMO = True
        known = Client()
        self.become(known)
        assert not Notice.objects.exists()  # the first of an account is no news
        known.post(reverse("users:sign-out"))
        self.become(known)
        assert not Notice.objects.exists()

        self.become(Client())
        assert Notice.objects.get().kind == "sign_in"

    def test_its_cookie_is_closed_to_scripts_and_not_kept_here(self, settings):
        settings.DEMO = True
        browser = Client()
        self.become(browser)
        cookie = browser.cookies["device"]
        assert cookie["httponly"]
        assert KnownDevice.objects.get().digest != cookie.value
