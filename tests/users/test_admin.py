"""Staff who may edit people cannot make themselves, or anybody, more than they are."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.fixture
def helper(person):
    """Staff with the right to see and change people, and nothing else."""
    helper = person("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    return helper


def change(browser, user, **fields):
    row = {"username": user.username, "email": user.email, "display_name": user.display_name}
    row |= {"date_joined_0": "2026-03-01", "date_joined_1": "12:00:00"}
    return browser.post(reverse("admin:users_user_change", args=[user.pk]), row | fields)


class RightsTests:
    def test_a_helper_cannot_promote_anybody(self, signed_in, helper, mallory):
        answer = change(signed_in(helper), mallory, is_active="on", is_staff="on", is_superuser="on", display_name="M")
        mallory.refresh_from_db()
        assert (answer.status_code, mallory.display_name) == (302, "M")
        assert (mallory.is_staff, mallory.is_superuser) == (False, False)

    def test_a_helper_cannot_touch_staff_or_their_passwords(self, signed_in, helper, sam):
        browser = signed_in(helper)
        assert change(browser, helper, is_superuser="on").status_code == 403
        assert change(browser, sam, is_active="on").status_code == 403
        password = {"password1": "a-long-word-42", "password2": "a-long-word-42", "usable_password": "true"}
        assert browser.post(reverse("admin:auth_user_password_change", args=[sam.pk]), password).status_code == 403

    def test_a_superuser_gives_rights(self, signed_in, sam, mallory):
        change(signed_in(sam), mallory, is_active="on", is_staff="on")
        mallory.refresh_from_db()
        assert mallory.is_staff
