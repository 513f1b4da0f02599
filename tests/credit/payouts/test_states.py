"""The table of moves, and that the document shows it."""

from credit.payout_states import GIVEN_BACK, OPEN, PAYOUT_MOVES, PayoutStatus
from tests.rendering.test_states import documented_moves


def test_every_status_has_its_moves():
    assert set(PAYOUT_MOVES) == set(PayoutStatus)
    assert {to for moves in PAYOUT_MOVES.values() for to in moves} | {PayoutStatus.REQUESTED} == set(PayoutStatus)


def test_money_is_under_way_until_an_end():
    ends = {status for status, moves in PAYOUT_MOVES.items() if not moves}
    assert set(OPEN) == set(PayoutStatus) - ends
    assert set(GIVEN_BACK) == ends - {PayoutStatus.CONFIRMED}


def test_the_document_shows_the_table_of_the_code():
    assert documented_moves("Payouts") == {status.value: {to.value for to in moves} for status, moves in PAYOUT_MOVES.items()}
