"""Coming back to a server that is gone."""

import random

from pictor_agent import connection


class BackoffTests:
    def test_pauses_grow_to_a_limit_and_are_not_in_step(self):
        backoff = connection.Backoff(random.Random(1))
        pauses = [backoff.next_seconds() for _ in range(30)]
        assert pauses[0] < connection.BACKOFF_SECONDS_FIRST
        assert max(pauses) <= connection.BACKOFF_SECONDS_MAX
        assert len(set(pauses[-5:])) == 5
        backoff.reset()
        assert backoff.next_seconds() <= connection.BACKOFF_SECONDS_FIRST
