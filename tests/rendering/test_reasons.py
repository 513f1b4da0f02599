"""Every reason has an outcome, and every word that a node or the queue may say is a reason."""

from typing import get_args

import pytest

from pictor_agent.protocol import FailureReason
from rendering import reasons
from rendering.reasons import ATTEMPTS_MAX, OUTCOMES, Fault, Reason
from rendering.states import PauseReason
from workers.states import ReturnReason


class ReasonTests:
    def test_every_reason_has_an_outcome(self):
        assert set(OUTCOMES) == set(Reason)

    def test_a_node_can_say_nothing_that_is_no_reason(self):
        assert set(get_args(FailureReason)) <= set(Reason)

    def test_the_queue_returns_work_for_reasons_that_never_count(self):
        for reason in ReturnReason.values:
            assert not reasons.outcome(reason).counts, reason

    @pytest.mark.parametrize("reason", list(Reason))
    def test_words_are_sentences_for_the_creator(self, reason):
        assert OUTCOMES[reason].words.endswith(".")
        assert OUTCOMES[reason].words[0].isupper()

    def test_an_unknown_word_of_a_newer_agent_is_tried_again_and_counts(self):
        outcome = reasons.outcome("gremlins")
        assert (outcome.fault, outcome.retry, outcome.counts) == (Fault.WORKER, True, True)

    def test_what_the_creator_must_mend_is_not_tried_again(self):
        assert reasons.is_final(Reason.NO_CAMERA, attempts_used=0)

    def test_the_third_counted_attempt_is_the_last(self):
        assert not reasons.is_final(Reason.RENDERER_CRASHED, attempts_used=ATTEMPTS_MAX - 1)
        assert reasons.is_final(Reason.RENDERER_CRASHED, attempts_used=ATTEMPTS_MAX)

    def test_pausing_for_money_has_words(self):
        assert reasons.words(PauseReason.CREDIT.value)
        assert reasons.words(PauseReason.CAP.value)
