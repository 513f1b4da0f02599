"""The comparisons themselves: what is equal, short, more, and not known."""

import pytest

from credit.reconciliation import (
    Booked,
    Collected,
    Line,
    Verdict,
    Wallets,
    compare_books,
    compare_wallets,
    difference_of_payment,
    gravest,
    judge_gas,
)

F, L, U, W = Verdict.FINE, Verdict.LOOK, Verdict.UNKNOWN, Verdict.WRONG


@pytest.mark.parametrize(
    ("held", "booked", "under_way", "verdict"),
    [
        (100, 100, 0, F),
        (99, 100, 0, W),
        (90, 100, 10, F),  # what is on its way may have left
        (89, 100, 10, W),
        (150, 100, 0, F),  # the operator's own
        (0, -50, 0, F),  # paid out of the operator's own
        (0, 5, 10, F),
    ],
)
def test_less_than_the_books_is_an_alarm(held, booked, under_way, verdict):
    found = compare_wallets("USDT", Wallets(held, booked, under_way), symbol="USDT", micros_of=lambda units: units)
    assert found.verdict == verdict


@pytest.mark.parametrize(("account", "rows", "verdict"), [(5, 5, F), (5, 6, W), (6, 5, W)])
def test_books_equal_their_rows(account, rows, verdict):
    assert compare_books("x", account_micros=account, rows_micros=rows, rows="rows").verdict == verdict


@pytest.mark.parametrize(("gas", "verdict"), [(199, L), (200, F)])
def test_gas_is_counted_in_payouts(gas, verdict):
    assert judge_gas("Gas", gas_units=gas, gas_units_each=10, least_payouts=20).verdict == verdict


@pytest.mark.parametrize(
    ("verdicts", "whole"), [([], F), ([F, L], L), ([L, U, F], U), ([W, U], W)]
)  # not known is graver than a hint
def test_a_look_is_as_good_as_its_gravest_line(verdicts, whole):
    assert gravest(Line("books", "x", verdict, "") for verdict in verdicts) == whole


CAPTURED = (("C1", "USD", 21_000_000),)


@pytest.mark.parametrize(
    ("credited", "returned", "captures", "returned_there", "differs"),
    [
        (True, 0, CAPTURED, 0, False),
        (True, 0, (), 0, True),
        (True, 0, (("C1", "USD", 20_000_000),), 0, True),
        (True, 0, (("C1", "EUR", 21_000_000),), 0, True),
        (True, 0, (("C2", "USD", 21_000_000),), 0, True),
        (True, 0, (*CAPTURED, ("C2", "USD", 1)), 0, True),
        (True, 0, CAPTURED, 21_000_000, True),  # money went back, the credit stayed
        (True, 20_000_000, CAPTURED, 21_000_000, False),
        (True, 20_000_000, (), 0, False),  # reversed by a bank
        (False, 0, (), 0, False),
        (False, 0, CAPTURED, 0, True),  # paid and not credited
        (False, 0, CAPTURED, 21_000_000, False),  # given back by hand
    ],
)
def test_a_payment_is_compared_in_amount_and_state(credited, returned, captures, returned_there, differs):
    booked = Booked("C1", 21_000_000, 20_000_000, credited, returned)
    collected = Collected(captures, returned_there, returned_there * 20 // 21)
    assert bool(difference_of_payment(booked, collected, "USD")) == differs
