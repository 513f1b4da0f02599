"""The verbs of rendering, on the road that a job takes."""

import pytest

from rendering.states import JobStatus
from tests.builders import finish_job, make_job, make_worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]


class WholeRoadTests:
    def test_a_job_is_rendered_charged_and_completed(self):
        job = make_job(status=JobStatus.QUEUED)
        make_worker()
        finish_job(job)
        job.refresh_from_db()
        assert job.status == JobStatus.COMPLETED
        assert job.charged_micros == 3 * 200  # two reference seconds a frame at 100 micros
        assert job.hold_id is None
