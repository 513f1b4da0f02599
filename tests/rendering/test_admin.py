"""The operators' console for rendering."""

import pytest
from django.urls import reverse

from tests.users.browsers import equip

pytestmark = pytest.mark.django_db


def test_the_rates_in_force_are_said_even_without_a_rule(signed_in, sam):
    page = signed_in(sam).get(reverse("admin:rendering_raterule_changelist")).content.decode()
    assert "Economy 0.00006, Standard 0.0001, Priority 0.00018" in page


class ConsoleTests:
    @pytest.mark.parametrize("page", ["index", "rendering_job_changelist", "rendering_raterule_add"])
    def test_what_a_page_holds_is_in_one_landmark(self, page, signed_in, alice):
        alice.is_staff = alice.is_superuser = True
        alice.save()
        equip(alice)
        text = signed_in(alice).get(reverse(f"admin:{page}")).text
        assert text.count("<main") == text.count("</main>") == 1
        assert text.index('id="page"') < text.index("<main") < text.index('id="content"') < text.index("</main>")
