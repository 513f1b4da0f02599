"""Mails about the safety of an account: written with what happened, sent once, never lost."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse

from common import clock
from users import background, mailing, notices
from users.models import KnownDevice, SecurityEvent

pytestmark = pytest.mark.django_db

NOW = clock.now()


def tell(user, kind="methods", words="Google was linked (a@example.org).") -> SecurityEvent:
    return notices.tell(user=user, kind=kind, words=words, now=NOW)


class BrokenServer:
    """A mail server that does not answer."""

    def __init__(self, *args, **kwargs) -> None: ...

    def send_messages(self, messages):
        raise ConnectionRefusedError("no mail today")


class MailTests:
    def test_it_says_what_happened_in_both_forms(self, alice):
        tell(alice)
        assert background.sweep_security_mails() == 1
        (sent,) = mail.outbox
        assert sent.to == [alice.email]
        assert "Google was linked" in sent.subject
        html, kind = sent.alternatives[0]
        assert kind == "text/html"
        for body in (sent.body, html):
            assert "Hello Alice" in body
            assert reverse("users:security") in body

    def test_names_are_no_markup(self, alice):
        alice.display_name = "<b>Alice</b>"
        alice.save()
        tell(alice)
        background.sweep_security_mails()
        assert "<b>Alice</b>" in mail.outbox[0].body
        assert "&lt;b&gt;Alice" in mail.outbox[0].alternatives[0][0]

    def test_it_is_sent_once(self, alice):
        event = tell(alice)
        assert mailing.send(event.pk, NOW)
        assert not mailing.send(event.pk, NOW)
        assert background.sweep_security_mails() == 0
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
        assert SecurityEvent.objects.get().mail_due_at is None

    @pytest.mark.django_db(transaction=True)
    def test_what_is_undone_is_not_mailed(self, alice):
        with transaction.atomic():
            tell(alice)
            transaction.set_rollback(True)
        assert background.sweep_security_mails() == 0


class ChoiceTests:
    def test_what_may_be_muted_is(self, alice, signed_in):
        browser = signed_in(alice)
        browser.post(reverse("users:notifications"), {"sign_in": "on"})
        alice.refresh_from_db()
        assert alice.muted == ["keys"]
        assert tell(alice, "keys").mail_to == ""
        assert tell(alice, "sign_in").mail_to == alice.email

    @pytest.mark.parametrize("kind", [kind.key for kind in notices.KINDS.values() if not kind.may_be_muted])
    def test_what_an_intruder_does_first_is_always_mailed(self, alice, signed_in, kind):
        signed_in(alice).post(reverse("users:notifications"), {})
        alice.refresh_from_db()
        alice.muted = [*alice.muted, kind]
        assert tell(alice, kind).mail_to == alice.email

    def test_who_has_no_address_reads_it_on_the_page(self, alice, signed_in):
        alice.email = ""
        alice.save()
        tell(alice)
        assert background.sweep_security_mails() == 0
        assert "Google was linked" in signed_in(alice).get(reverse("users:security")).content.decode()


class NewBrowserTests:
    def become(self, browser: Client) -> None:
        browser.post(reverse("users:persona-sign-in"), {"persona": "owner"})

    def test_a_browser_that_was_not_seen_before_is_told_of(self, settings):
        settings.DEMO = True
        known = Client()
        self.become(known)
        assert not SecurityEvent.objects.exists()  # the first of an account is no news
        known.post(reverse("users:sign-out"))
        self.become(known)
        assert not SecurityEvent.objects.exists()

        self.become(Client())
        assert SecurityEvent.objects.get().kind == "sign_in"

    def test_its_cookie_is_closed_to_scripts_and_not_kept_here(self, settings):
        settings.DEMO = True
        browser = Client()
        self.become(browser)
        cookie = browser.cookies["device"]
        assert cookie["httponly"]
        assert KnownDevice.objects.get().digest != cookie.value
