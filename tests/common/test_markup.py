"""Text between tags that Python writes."""

import pytest
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe

from common.markup import text


@pytest.mark.parametrize("value", ["<b> & \"so\" 'too'", mark_safe("<b>so</b>"), 12, None, "", "Ä"])
def test_it_is_what_a_template_writes(value):
    assert text(value) == conditional_escape(value)
