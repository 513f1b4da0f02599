"""Money that a payer wants back: what is left of it and what was earned from it waits, comes back or goes; the rest is owed."""

from datetime import timedelta

import pytest

from credit import services
from credit.errors import InDebt
from credit.models import Account, Debt, Dispute, Earning, FrozenEarning, Transfer
from credit.payment_states import DisputeStatus
from credit.proof import differences
from credit.services.disputes import collect_debts, owed_micros, sweep_debts
from credit.services.payments import refresh_payment
from credit.services.provider_events import refresh_dispute, sweep_disputes
from tests.credit.builders import NOW, SHARES, charge, hold, promote, top_up
from tests.credit.payments.conftest import MICROS, pay

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order")]


@pytest.fixture
def paid(alice, paypal):
    return pay(paypal, alice)


def ask(dispute_id: str = "PP-D-1", now=NOW) -> str:
    return refresh_dispute(provider_name="paypal", dispute_id=dispute_id, now=now)


def micros(user, kind: str) -> int:
    return sum(Account.objects.filter(owner=user, kind=kind).values_list("balance_micros", flat=True))


def spend(owner, worker, credits: int, key: str = "spend"):
    held = hold(owner, credits * MICROS, key=f"{key}:hold")
    charge(held, credits * MICROS, worker, key=f"{key}:charge")
    return held


class OpenTests:
    def test_what_is_left_is_on_hold(self, alice, paypal, paid):
        promote(alice, 3 * MICROS)
        paypal.dispute(paid.order_id, "21.18")
        assert ask() == "open"
        assert micros(alice, "disputed") == 20 * MICROS
        assert micros(alice, "spendable") == 3 * MICROS
        assert owed_micros(alice.pk) == 0

    def test_other_credit_stays_free(self, alice, paypal, paid):
        top_up(alice, 5 * MICROS)
        paypal.dispute(paid.order_id, "21.18")
        ask()
        assert micros(alice, "spendable") == 5 * MICROS
        hold(alice, 5 * MICROS)

    def test_half_of_the_money_is_half_of_the_credit(self, alice, paypal, paid):
        paypal.dispute(paid.order_id, "10.59")
        ask()
        assert micros(alice, "disputed") == 10 * MICROS

    def test_what_was_earned_from_it_stays_pending(self, alice, wanda, paypal, paid):
        spend(alice, wanda, 15)
        paypal.dispute(paid.order_id, "21.18")
        ask()
        assert micros(alice, "disputed") == 5 * MICROS
        assert owed_micros(alice.pk) == 15 * MICROS
        services.sweep_matured_earnings(now=NOW + timedelta(days=400))
        assert micros(wanda, "pending") == 9 * MICROS

    def test_what_was_earned_before_is_free(self, alice, wanda, paypal):
        top_up(alice, 5 * MICROS)
        spend(alice, wanda, 5, key="before")
        paid = pay(paypal, alice)
        spend(alice, wanda, 20)
        paypal.dispute(paid.order_id, "21.18")
        ask()
        assert FrozenEarning.objects.count() == 1

    def test_asking_again_changes_nothing(self, alice, paypal, paid):
        paypal.dispute(paid.order_id, "21.18")
        assert [ask(), ask()] == ["open", "open"]
        assert Dispute.objects.count() == 1
        assert micros(alice, "disputed") == 20 * MICROS

    def test_two_disputes_take_no_more_than_was_paid(self, alice, paypal, paid):
        paypal.dispute(paid.order_id, "21.18")
        paypal.dispute(paid.order_id, "21.18", "PP-D-2")
        ask()
        ask("PP-D-2")
        assert micros(alice, "disputed") == 20 * MICROS
        assert owed_micros(alice.pk) == 0

    def test_a_lost_event_is_found(self, alice, paypal, paid):
        paypal.dispute(paid.order_id, "21.18")
        assert sweep_disputes(now=NOW) == 1
        assert micros(alice, "disputed") == 20 * MICROS

    @pytest.mark.parametrize("status", [404, 500])
    def test_one_that_is_not_answered_or_refused_keeps_no_other(self, alice, paypal, paid, status):
        for dispute_id in ("PP-D-0", "PP-D-1"):
            paypal.dispute(paid.order_id, "21.18", dispute_id)
        paypal.broken["PP-D-0"] = status
        assert sweep_disputes(now=NOW) == 2
        assert Dispute.objects.get().key == "paypal:PP-D-1"

    def test_open_ones_are_asked_about_where_the_list_is_not_given(self, alice, paypal, paid):
        paypal.dispute(paid.order_id, "21.18")
        ask()
        paypal.resolve("PP-D-1", "RESOLVED_SELLER_FAVOUR")
        paypal.broken["disputes"] = 500
        sweep_disputes(now=NOW)
        assert Dispute.objects.get().status == DisputeStatus.WON

    def test_strangers_disputes_are_none_of_ours(self, alice, paypal, paid):
        paypal.dispute(paid.order_id, "21.18")
        paypal.disputes["PP-D-1"]["disputed_transactions"] = [{"seller_transaction_id": "C-X"}]
        assert ask() == "no payment of ours"


class DebtTests:
    @pytest.fixture
    def owing(self, alice, wanda, paypal, paid):
        """15 of 20 credits are spent and disputed."""
        held = spend(alice, wanda, 15)
        paypal.dispute(paid.order_id, "21.18")
        ask()
        return held

    def test_nothing_can_be_held(self, alice, owing):
        promote(alice, 50 * MICROS)
        with pytest.raises(InDebt):
            hold(alice, MICROS, key="new")

    def test_a_hold_cannot_grow(self, alice, wanda, paypal, paid):
        held = hold(alice, 20 * MICROS)
        paypal.dispute(paid.order_id, "21.18")
        ask()
        promote(alice, 50 * MICROS)
        with pytest.raises(InDebt):
            services.extend_hold(hold_id=held.pk, key="more", amount_micros=MICROS)

    def test_what_a_hold_gives_back_is_collected(self, alice, paypal, paid):
        held = hold(alice, 20 * MICROS)
        paypal.dispute(paid.order_id, "21.18")
        ask()
        assert owed_micros(alice.pk) == 20 * MICROS
        services.release_hold(hold_id=held.pk, key="release")
        assert sweep_debts(now=NOW) == 20 * MICROS
        assert owed_micros(alice.pk) == 0
        assert micros(alice, "disputed") == 20 * MICROS
        hold(_with(alice, 5 * MICROS), 5 * MICROS, key="new")

    def test_earned_credit_is_collected_and_promotions_are_not(self, alice, wanda, owing):
        promote(alice, 4 * MICROS)
        earn_at_last(alice, 7, wanda)
        assert collect_debts(owner_id=alice.pk, now=NOW) == 7 * MICROS
        assert owed_micros(alice.pk) == 8 * MICROS
        assert micros(alice, "spendable") == 4 * MICROS

    def test_a_new_payment_pays_the_debt_first(self, alice, paypal, owing):
        pay(paypal, alice, form_key="second")
        assert owed_micros(alice.pk) == 0
        assert micros(alice, "spendable") == 5 * MICROS
        hold(alice, 5 * MICROS, key="new")

    def test_collecting_twice_takes_once(self, alice, owing):
        top_up(alice, 30 * MICROS)
        assert [collect_debts(owner_id=alice.pk, now=NOW) for _ in range(2)] == [15 * MICROS, 0]


class WonTests:
    @pytest.mark.parametrize("outcome", ["RESOLVED_SELLER_FAVOUR", "CANCELED_BY_BUYER", "DENIED", "RESOLVED_WITH_PAYOUT"])
    def test_everything_comes_back(self, alice, wanda, paypal, paid, outcome):
        spend(alice, wanda, 15)
        before = Earning.objects.get().matures_at
        paypal.dispute(paid.order_id, "21.18")
        ask()
        paypal.resolve("PP-D-1", outcome)
        assert ask() == DisputeStatus.WON
        assert (micros(alice, "spendable"), micros(alice, "disputed")) == (5 * MICROS, 0)
        assert owed_micros(alice.pk) == 0
        assert Earning.objects.get().matures_at == before
        hold(alice, 5 * MICROS, key="new")

    def test_what_is_due_by_then_is_due_at_once_and_never_late(self, alice, wanda, paypal, paid):
        spend(alice, wanda, 20)
        paypal.dispute(paid.order_id, "21.18")
        ask()
        paypal.resolve("PP-D-1", "RESOLVED_SELLER_FAVOUR")
        a_year_later = NOW + timedelta(days=365)
        ask(now=a_year_later)
        assert list(differences(a_year_later)) == []
        services.sweep_matured_earnings(now=a_year_later)
        assert services.balance_of(wanda).withdrawable_micros == 12 * MICROS

    def test_earned_credit_comes_back_as_earned(self, alice, wanda, paypal, paid):
        spend(alice, wanda, 20)
        paypal.dispute(paid.order_id, "21.18")
        ask()
        earn_at_last(alice, 7, wanda)
        collect_debts(owner_id=alice.pk, now=NOW)
        paypal.resolve("PP-D-1", "RESOLVED_SELLER_FAVOUR")
        ask()
        assert services.balance_of(alice).withdrawable_micros == 7 * MICROS

    def test_an_outcome_nobody_knows_keeps_everything_on_hold(self, alice, paypal, paid):
        paypal.dispute(paid.order_id, "21.18")
        ask()
        paypal.resolve("PP-D-1", "SOMETHING_NEW")
        assert ask() == "unclear"
        assert micros(alice, "disputed") == 20 * MICROS


class LostTests:
    @pytest.fixture
    def lost(self, alice, wanda, paypal, paid):
        """15 of 20 credits were spent; wanda earned 9 of them."""
        spend(alice, wanda, 15)
        paypal.dispute(paid.order_id, "21.18")
        ask()
        paypal.resolve("PP-D-1", "RESOLVED_BUYER_FAVOUR")
        assert ask() == DisputeStatus.LOST

    def test_what_was_on_hold_and_what_was_earned_goes(self, alice, wanda, lost):
        assert (micros(alice, "disputed"), micros(wanda, "pending")) == (0, 0)
        assert owed_micros(alice.pk) == 15 * MICROS
        taken = Transfer.objects.filter(code="chargeback").values_list("source__kind", "amount_micros")
        assert dict(taken) == {"disputed": 5 * MICROS, "clearing": 9 * MICROS, "network": 6 * MICROS}

    def test_nothing_can_be_held_until_it_is_paid(self, alice, lost):
        top_up(alice, 15 * MICROS)
        with pytest.raises(InDebt):
            hold(alice, MICROS, key="new")
        collect_debts(owner_id=alice.pk, now=NOW)
        assert Debt.objects.get().settled_at == NOW
        top_up(alice, MICROS, key="more")
        hold(alice, MICROS, key="new")

    def test_what_was_earned_is_restored_once_it_is_paid(self, alice, wanda, lost):
        top_up(alice, 10 * MICROS)
        collect_debts(owner_id=alice.pk, now=NOW)
        assert micros(wanda, "pending") == 0
        top_up(alice, 10 * MICROS, key="rest")
        collect_debts(owner_id=alice.pk, now=NOW)
        assert micros(wanda, "pending") == 9 * MICROS
        services.sweep_matured_earnings(now=NOW + timedelta(days=400))
        assert services.balance_of(wanda).withdrawable_micros == 9 * MICROS
        assert micros(alice, "spendable") == 5 * MICROS

    def test_asking_again_takes_nothing_more(self, alice, lost):
        top_up(alice, MICROS)
        assert ask() == DisputeStatus.LOST
        assert micros(alice, "spendable") == MICROS

    def test_its_end_before_its_beginning(self, alice, paypal, paid):
        """Reordered: the first thing heard of a dispute is that it is lost."""
        paypal.dispute(paid.order_id, "21.18")
        paypal.resolve("PP-D-1", "RESOLVED_BUYER_FAVOUR")
        assert [ask(), ask()] == [DisputeStatus.LOST, DisputeStatus.LOST]
        assert micros(alice, "spendable") == 0
        assert owed_micros(alice.pk) == 0

    def test_a_part_is_lost_and_the_rest_comes_back(self, alice, paypal, paid):
        paypal.dispute(paid.order_id, "21.18")
        ask()
        paypal.resolve("PP-D-1", "RESOLVED_BUYER_FAVOUR", refunded="10.59")
        ask()
        assert micros(alice, "spendable") == 10 * MICROS

    def test_what_a_hold_gave_back_meanwhile_counts(self, alice, paypal, paid):
        held = hold(alice, 20 * MICROS)
        paypal.dispute(paid.order_id, "21.18")
        ask()
        services.release_hold(hold_id=held.pk, key="release")
        paypal.resolve("PP-D-1", "RESOLVED_BUYER_FAVOUR")
        ask()
        assert owed_micros(alice.pk) == 0
        assert micros(alice, "spendable") == 0

    def test_what_had_matured_stays_with_who_earned_it(self, alice, wanda, paypal, paid):
        spend(alice, wanda, 15)
        services.sweep_matured_earnings(now=NOW + timedelta(days=400))
        paypal.dispute(paid.order_id, "21.18")
        paypal.resolve("PP-D-1", "ACCEPTED")
        ask()
        assert services.balance_of(wanda).withdrawable_micros == 9 * MICROS
        assert owed_micros(alice.pk) == 15 * MICROS


class ReturnedTests:
    def test_a_refund_takes_the_credit(self, alice, paypal, paid):
        paypal.refund(paid.order_id, "10.59")
        refresh_payment(payment_id=paid.pk, now=NOW)
        assert micros(alice, "spendable") == 10 * MICROS
        refresh_payment(payment_id=paid.pk, now=NOW)
        assert micros(alice, "spendable") == 10 * MICROS

    def test_a_second_refund_takes_the_rest(self, alice, paypal, paid):
        paypal.refund(paid.order_id, "10.59")
        refresh_payment(payment_id=paid.pk, now=NOW)
        paypal.refund(paid.order_id, "10.59", "REFUNDED")
        refresh_payment(payment_id=paid.pk, now=NOW)
        assert micros(alice, "spendable") == 0
        assert owed_micros(alice.pk) == 0

    def test_the_refund_of_a_lost_dispute_counts_once(self, alice, paypal, paid):
        top_up(alice, 50 * MICROS)
        paypal.dispute(paid.order_id, "21.18")
        paypal.resolve("PP-D-1", "RESOLVED_BUYER_FAVOUR")
        ask()
        paypal.refund(paid.order_id, "21.18", "REFUNDED")
        refresh_payment(payment_id=paid.pk, now=NOW)
        assert micros(alice, "spendable") == 50 * MICROS


def earn_at_last(user, credits: int, payer) -> None:
    """`payer` pays so much for work of `user`, and everything that can mature has matured."""
    held = hold(_with(payer, credits * MICROS), credits * MICROS, key="earn:hold")
    charge(held, credits * MICROS, user, key="earn:charge", shares_bp=dict.fromkeys(SHARES, 0) | {"worker": 10_000})
    services.sweep_matured_earnings(now=NOW + timedelta(days=400))


def _with(user, amount_micros: int):
    """The user, with so much purchased credit more."""
    top_up(user, amount_micros, key=f"given:{amount_micros}")
    return user
