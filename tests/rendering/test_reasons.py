"""Every reason has an outcome, and every word that a node or the queue may say is a reason."""

from typing import get_args

import pytest

from pictor_agent.protocol import FailureReason
from rendering import reasons
from rendering.reasons import OUTCOMES, Fault, Reason, verdict
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

    @pytest.mark.parametrize(("nodes", "agreeing", "failed"), [([1], 1, False), ([1, 2], 2, True), ([1, 1, 1], 1, True)])
    def test_what_the_creator_must_mend_is_believed_of_two_owners_or_of_one_node_three_times(self, nodes, agreeing, failed):
        assert verdict(Reason.NO_CAMERA, nodes, agreeing=agreeing)[:2] == (failed, Reason.NO_CAMERA)

    def test_a_node_cannot_say_what_only_the_server_says(self):
        for reason in set(Reason) - set(get_args(FailureReason)) | {"accepted"}:
            assert reasons.said_by_node(reason) == Reason.AGENT_ERROR, reason
        assert reasons.said_by_node("gremlins") == "gremlins"

    @pytest.mark.parametrize(
        ("nodes", "expected"),
        [
            ([], (False, Reason.RENDERER_CRASHED)),
            ([1, 1], (False, Reason.RENDERER_CRASHED)),
            ([1, 2, 1, 2], (False, Reason.RENDERER_CRASHED)),
            ([1, 1, 1], (True, Reason.RENDERER_CRASHED)),
            ([1, 2, 3], (True, Reason.QUARANTINED)),
            ([1, 1, 2, 2, 3], (True, Reason.QUARANTINED)),
        ],
    )
    def test_three_nodes_quarantine_a_frame_and_three_times_one_node_ends_it(self, nodes, expected):
        assert verdict(Reason.RENDERER_CRASHED, nodes)[:2] == expected

    @pytest.mark.parametrize(
        ("nodes", "owners", "asks"),
        [([1, 1], 1, False), ([1, 1, 1], 1, True), ([1, 2, 3], 1, True), ([1, 2, 1, 1], 2, True), ([1, 2, 3], 2, False)],
    )
    def test_somebody_else_is_asked_for_before_fewer_than_three_nodes_or_two_owners_end_a_frame(self, nodes, owners, asks):
        assert reasons.asks_for_others(nodes, owners) == asks

    def test_a_frame_that_ends_because_nobody_else_was_there_says_so(self):
        assert verdict(Reason.RENDERER_CRASHED, [1, 1, 1]).nobody_else
        assert not verdict(Reason.RENDERER_CRASHED, [1, 2, 3]).nobody_else
        assert not verdict(Reason.RENDERER_CRASHED, [1, 1]).nobody_else

    def test_a_quarantined_frame_is_the_scene_s_fault_and_stops_no_other(self):
        outcome = OUTCOMES[Reason.QUARANTINED]
        assert (outcome.fault, outcome.stops_job) == (Fault.USER, False)

    def test_memory_that_is_too_small_uses_no_attempt_up(self):
        assert not OUTCOMES[Reason.OUT_OF_MEMORY].counts

    def test_pausing_for_money_has_words(self):
        assert reasons.words(PauseReason.CREDIT.value)
        assert reasons.words(PauseReason.CAP.value)
