"""In the benchmarks' background processes a frame passes without being looked at: synthetic agents send no picture."""

from rendering import frames
from rendering.models import Attempt
from rendering.services import Passed


def judge(attempt: Attempt) -> Passed:
    return Passed(attempt.task_id, attempt.number)


frames.judge = judge
