"""The operators' console for rendering."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db


def test_the_rates_in_force_are_said_even_without_a_rule(signed_in, sam):
    page = signed_in(sam).get(reverse("admin:rendering_raterule_changelist")).content.decode()
    assert "Economy 60, Standard 100, Priority 180" in page
