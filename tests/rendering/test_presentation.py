"""The words of the job pages: prices against credit and cap, what the file holds, what happened."""

import pytest

from rendering import presentation
from rendering.estimates import Quote
from rendering.job_settings import JobSettings
from rendering.models import JobEvent, Task
from rendering.presentation.scene import found_rows
from rendering.presentation.timeline import moment_of
from rendering.states import JobStatus, TaskStatus


def cover(*, cap_micros=None, available_micros=10_000) -> str:
    """The sentence beside Submit for an estimate of 1,000 to 2,000 micros."""
    quote = Quote(low_micros=1_000, high_micros=2_000, low_seconds=1, high_seconds=2, basis="", frames=1)
    settings = JobSettings(name="", frames="1", width=1, height=1, samples=1, cap_micros=cap_micros)
    return presentation.cover_words(quote, settings, available_micros)["cover_sentence"]


class CoverTests:
    @pytest.mark.parametrize(
        ("cap_micros", "available_micros", "words"),
        [
            (None, 10_000, "covers the whole range"),
            (2_000, 10_000, "covers the whole range"),
            (1_999, 10_000, "Your cap covers the lower estimate"),
            (999, 10_000, "below the estimate"),
            (None, 1_999, "Your credit covers the lower estimate"),
            (None, 999, "may not cover"),
        ],
    )
    def test_credit_and_cap_are_held_against_the_range(self, cap_micros, available_micros, words):
        assert words in cover(cap_micros=cap_micros, available_micros=available_micros)


class FoundTests:
    @pytest.mark.parametrize("engine", ["cycles", "CYCLES"])
    def test_the_engine_has_its_name(self, engine):
        assert ("Engine", "Cycles") in found_rows({"engine": engine})


class MomentTests:
    @pytest.mark.parametrize(
        ("was", "became", "words"),
        [
            (JobStatus.READY, JobStatus.QUEUED, "Job submitted"),
            (JobStatus.PAUSED, JobStatus.RENDERING, "Job resumed"),
            (JobStatus.COMPLETED, JobStatus.QUEUED, "Job opened again"),
            (JobStatus.RENDERING, JobStatus.QUEUED, "Job waits for a node"),
            (JobStatus.RENDERING, JobStatus.COMPLETED, "Job completed"),
        ],
    )
    def test_a_job_says_what_happened(self, was, became, words):
        assert moment_of(JobEvent(was=was, became=became)).words == words

    def test_the_first_attempt_goes_without_saying(self):
        line = {"task": Task(pk=1, frame=7), "was": TaskStatus.WAITING, "became": TaskStatus.RENDERING}
        assert moment_of(JobEvent(detail="attempt 1", **line)).detail == ""
        assert moment_of(JobEvent(detail="attempt 2", **line)).detail == "attempt 2"
        assert moment_of(JobEvent(**line)).words == "Frame 7 sent to a node"
