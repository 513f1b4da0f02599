import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from users.personas import persona_user

pytestmark = pytest.mark.django_db


class SignOutTheDeactivatedTests:
    def test_who_is_switched_off_leaves_everywhere(self, settings):
        settings.DEMO = True
        browser = Client()
        browser.post(reverse("users:persona-sign-in"), {"persona": "owner"})
        owner = persona_user("owner")
        owner.is_active = False
        owner.save()
        assert not UserSession.objects.exists()
        assert browser.get(reverse("users:profile")).status_code == 302


class RememberBrowserTests:
    def test_an_operators_password_session_is_listed_too(self, sam):
        sam.set_password("a good password of sam")
        sam.save()
        Authenticator.objects.all().delete()
        Client().post(reverse("admin:login"), {"username": "sam", "password": "a good password of sam"})
        assert UserSession.objects.get().user == sam
