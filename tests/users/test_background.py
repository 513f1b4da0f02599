from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from common import clock
from users.background import sweep_ended_sessions

pytestmark = pytest.mark.django_db


def test_sessions_whose_time_is_over_go_and_others_stay():
    now = clock.now()
    for name, hours in {"old": -1, "live": 1}.items():
        Session.objects.create(session_key=name, session_data="", expire_date=now + timedelta(hours=hours))
    assert sweep_ended_sessions() == 1
    assert list(Session.objects.values_list("session_key", flat=True)) == ["live"]
