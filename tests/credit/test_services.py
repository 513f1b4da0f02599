"""The ledger's verbs, one class each. Amounts are micro-credits."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credit import services
from credit.codes import Bucket, Code, Kind
from credit.errors import HoldClosed, HoldTooSmall, InsufficientCredit, KeyReused, NotCharged
from credit.models import CreditRule, Earning, Hold, Transfer
from credit.posting import chart_of, platform, spendable
from credit.services import ChargeResult
from credit.signals import credit_added
from tests.credit.builders import NOW, SHARES, charge, earn, hold, person, promote, top_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order")]
LATER = NOW + timedelta(days=365)


@pytest.fixture
def heard():
    """Whom credit_added named."""
    users = []

    def listen(user_id, **kwargs):
        users.append(user_id)

    credit_added.connect(listen)
    yield users
    credit_added.disconnect(listen)


class BalanceOfTests:
    def test_somebody_without_accounts_has_nothing(self, alice):
        assert services.balance_of(alice) == services.Balance()

    def test_it_tells_available_held_pending_and_withdrawable_apart(self, alice, wanda):
        top_up(wanda, 50)
        earn(alice, 7, payer=wanda)
        promote(alice, 10)
        top_up(alice, 100)
        charge(hold(wanda, 20), 10, alice)
        hold(alice, 60, key="job:2:hold")
        expected = services.Balance(
            available_micros=57,
            held_micros=60,
            pending_micros=6,
            withdrawable_micros=7,
            promotional_micros=0,
            purchased_micros=50,
        )
        assert services.balance_of(alice) == expected

    def test_it_is_one_query(self, alice, django_assert_num_queries):
        promote(alice, 10)
        with django_assert_num_queries(1):
            services.balance_of(alice)


class TransferTests:
    def ends(self, user):
        chart = chart_of([user.pk])
        return platform(chart, Kind.OPERATOR, Bucket.PURCHASED), spendable(chart, user.pk, Bucket.PURCHASED)

    def test_an_account_cannot_be_overdrawn(self, alice):
        operator, purse = self.ends(alice)
        top_up(alice, 5)
        with pytest.raises(InsufficientCredit) as refusal:
            services.transfer(key="back", code=Code.TOP_UP, source=purse, target=operator, amount_micros=6)
        assert refusal.value.short_micros == 1
        assert services.balance_of(alice).available_micros == 5

    def test_repeating_the_key_moves_nothing_and_returns_the_first(self, alice):
        operator, purse = self.ends(alice)
        movement = {"key": "payment:7", "code": Code.TOP_UP, "source": operator, "target": purse, "amount_micros": 4}
        first = services.transfer(**movement)
        assert services.transfer(**movement) == first
        assert services.balance_of(alice).available_micros == 4

    def test_a_key_names_one_movement_only(self, alice):
        operator, purse = self.ends(alice)
        services.transfer(key="payment:7", code=Code.TOP_UP, source=operator, target=purse, amount_micros=4)
        with pytest.raises(KeyReused):
            services.transfer(key="payment:7", code=Code.TOP_UP, source=operator, target=purse, amount_micros=5)


class AddingCreditTests:
    def test_promotions_and_payments_go_to_their_buckets(self, alice):
        promote(alice, 3)
        top_up(alice, 4)
        balance = services.balance_of(alice)
        assert (balance.promotional_micros, balance.purchased_micros, balance.withdrawable_micros) == (3, 4, 0)

    def test_listeners_hear_once_the_transaction_has_committed(self, alice, heard, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            top_up(alice, 4)
            assert heard == []
        assert heard == [alice.pk]


class WelcomeTests:
    def test_a_new_account_gets_it_once(self, alice):
        services.welcome(user=alice, now=NOW)
        services.welcome(user=alice, now=LATER)
        assert services.balance_of(alice).promotional_micros == 5_000_000

    def test_the_newest_rule_that_has_begun_counts(self, alice):
        CreditRule.objects.create(begins_at=NOW - timedelta(days=2), welcome_micros=1)
        CreditRule.objects.create(begins_at=NOW - timedelta(days=1), welcome_micros=2)
        CreditRule.objects.create(begins_at=NOW + timedelta(days=1), welcome_micros=3)
        services.welcome(user=alice, now=NOW)
        assert services.balance_of(alice).promotional_micros == 2

    def test_a_rule_of_nothing_gives_nothing(self, alice):
        CreditRule.objects.create(begins_at=NOW, welcome_micros=0)
        services.welcome(user=alice, now=NOW)
        assert not Transfer.objects.exists()


class OpenHoldTests:
    def test_promotional_money_goes_first_and_earned_money_last(self, alice, wanda):
        top_up(wanda, 50)
        earn(alice, 50, payer=wanda)
        promote(alice, 10)
        top_up(alice, 20)
        held = hold(alice, 35)
        assert held.parts() == {Bucket.PROMOTIONAL: 10, Bucket.PURCHASED: 20, Bucket.EARNED: 5}
        assert services.balance_of(alice).withdrawable_micros == 45

    def test_without_enough_credit_nothing_is_held(self, alice):
        promote(alice, 3)
        top_up(alice, 4)
        with pytest.raises(InsufficientCredit) as refusal:
            hold(alice, 10)
        assert refusal.value.short_micros == 3
        assert not Hold.objects.exists()
        assert services.balance_of(alice).available_micros == 7

    def test_repeating_the_key_returns_the_first_hold(self, alice):
        top_up(alice, 10)
        assert hold(alice, 6) == hold(alice, 6)
        assert services.balance_of(alice).held_micros == 6

    def test_the_key_of_another_hold_is_refused(self, alice, wanda):
        top_up(alice, 10)
        top_up(wanda, 10)
        hold(alice, 6)
        with pytest.raises(KeyReused):
            hold(alice, 5)
        with pytest.raises(KeyReused):
            hold(wanda, 6)


class ExtendHoldTests:
    def test_it_adds_once_per_key(self, alice):
        top_up(alice, 10)
        held = hold(alice, 2)
        for _ in range(2):
            assert services.extend_hold(hold_id=held.pk, key="job:1:hold:2", amount_micros=5) == 7
        assert services.balance_of(alice).available_micros == 3

    def test_without_enough_credit_the_hold_stays_as_it_was(self, alice):
        top_up(alice, 10)
        held = hold(alice, 8)
        with pytest.raises(InsufficientCredit):
            services.extend_hold(hold_id=held.pk, key="job:1:hold:2", amount_micros=3)
        assert services.hold_remaining(held.pk) == 8

    def test_a_released_hold_cannot_be_extended(self, alice):
        top_up(alice, 10)
        held = hold(alice, 8)
        services.release_hold(hold_id=held.pk, key="job:1:release")
        with pytest.raises(HoldClosed):
            services.extend_hold(hold_id=held.pk, key="job:1:hold:2", amount_micros=1)


class ReleaseHoldTests:
    def test_the_rest_goes_back_to_the_buckets_it_came_from(self, alice, wanda):
        promote(alice, 10)
        top_up(alice, 20)
        held = hold(alice, 25)
        charge(held, 12, wanda)
        assert services.release_hold(hold_id=held.pk, key="job:1:release") == 13
        balance = services.balance_of(alice)
        assert (balance.promotional_micros, balance.purchased_micros, balance.held_micros) == (0, 18, 0)

    def test_a_second_release_gives_nothing(self, alice):
        top_up(alice, 10)
        held = hold(alice, 8)
        services.release_hold(hold_id=held.pk, key="job:1:release")
        assert services.release_hold(hold_id=held.pk, key="job:1:release:again") == 0
        assert services.balance_of(alice).available_micros == 10

    def test_listeners_hear_of_it(self, alice, heard, django_capture_on_commit_callbacks):
        top_up(alice, 10)
        held = hold(alice, 8)
        with django_capture_on_commit_callbacks(execute=True):
            services.release_hold(hold_id=held.pk, key="job:1:release")
        assert heard == [alice.pk]


class SweepExpiredHoldsTests:
    def test_a_forgotten_hold_gives_its_rest_back_and_can_be_extended_later(self, alice):
        top_up(alice, 10)
        held = hold(alice, 8)
        assert services.sweep_expired_holds(now=held.expires_at - timedelta(seconds=1)) == 0
        assert services.sweep_expired_holds(now=held.expires_at) == 1
        assert services.sweep_expired_holds(now=held.expires_at) == 0
        assert services.balance_of(alice).available_micros == 10
        assert services.extend_hold(hold_id=held.pk, key="job:1:hold:2", amount_micros=3) == 3


class ChargeHoldTests:
    def test_the_charge_is_split_and_the_workers_share_is_pending(self, alice, wanda):
        top_up(alice, 1000)
        held = hold(alice, 500)
        assert charge(held, 333, wanda) == ChargeResult(333, 200, 33, 100, repeated=False)
        assert services.balance_of(wanda).pending_micros == 200
        assert services.hold_remaining(held.pk) == 167
        assert Earning.objects.get().matures_at == NOW + timedelta(hours=72)

    def test_it_moves_once_per_key(self, alice, wanda):
        top_up(alice, 1000)
        held = hold(alice, 500)
        first = charge(held, 333, wanda)
        again = charge(held, 333, wanda)
        assert again == ChargeResult(first.charge_micros, 200, 33, 100, repeated=True)
        assert services.hold_remaining(held.pk) == 167

    def test_the_key_of_another_charge_is_refused(self, alice, wanda):
        top_up(alice, 1000)
        held, other = hold(alice, 500), hold(alice, 100, key="job:2:hold")
        charge(held, 50, wanda)
        with pytest.raises(KeyReused):
            charge(held, 51, wanda)
        with pytest.raises(KeyReused):
            charge(other, 50, wanda)

    def test_it_never_exceeds_the_hold(self, alice, wanda):
        top_up(alice, 1000)
        held = hold(alice, 10)
        with pytest.raises(HoldTooSmall) as refusal:
            charge(held, 11, wanda)
        assert (refusal.value.hold_id, refusal.value.short_micros) == (held.pk, 1)
        assert services.hold_remaining(held.pk) == 10
        assert not Earning.objects.exists()

    def test_nothing_to_charge_moves_nothing(self, alice, wanda):
        top_up(alice, 10)
        assert charge(hold(alice, 10), 0, wanda) == ChargeResult(0, 0, 0, 0, repeated=False)
        assert not Transfer.objects.filter(code=Code.CHARGE).exists()

    def test_a_charge_of_one_micro_goes_to_the_worker(self, alice, wanda):
        top_up(alice, 10)
        assert charge(hold(alice, 10), 1, wanda).worker_micros == 1

    def test_a_charge_over_two_buckets_keeps_the_shares_of_the_whole(self, alice, wanda):
        promote(alice, 5)
        top_up(alice, 100)
        assert charge(hold(alice, 50), 10, wanda) == ChargeResult(10, 6, 1, 3, repeated=False)
        pending = Earning.objects.values_list("account__bucket", "amount_micros")
        assert set(pending) == {("promotional", 3), ("purchased", 3)}

    def test_each_history_shows_its_own_side(self, alice, wanda):
        top_up(alice, 1000)
        charge(hold(alice, 500), 333, wanda)
        assert list(services.entries_of(alice).values_list("code", flat=True)) == [Code.CHARGE, Code.HOLD, Code.TOP_UP]
        assert list(services.entries_of(wanda).values_list("code", flat=True)) == [Code.EARNING]


class ChargeHoldsTests:
    def batch(self, held, owner, count):
        return [
            services.Charge(
                key=f"task:{number}:charge",
                hold_id=held.pk,
                charge_micros=10,
                worker_owner_id=owner.pk,
                shares_bp=SHARES,
                reference="",
            )
            for number in range(count)
        ]

    def test_a_batch_takes_as_many_queries_as_one_charge(self, alice, wanda):
        top_up(alice, 1000)
        held = hold(alice, 500)
        with CaptureQueriesContext(connection) as one:
            services.charge_holds(charges=self.batch(held, wanda, 1), now=NOW)
        with CaptureQueriesContext(connection) as many:
            results = services.charge_holds(charges=self.batch(held, wanda, 40), now=NOW)
        assert len(many) <= len(one)  # the first one also makes the accounts
        assert len(many) <= 13  # one of them repeats: what it wrote is read
        assert [result.repeated for result in results] == [True] + [False] * 39
        assert services.hold_remaining(held.pk) == 100

    def test_one_that_does_not_fit_refuses_the_batch(self, alice, wanda):
        top_up(alice, 1000)
        held = hold(alice, 25)
        with pytest.raises(HoldTooSmall):
            services.charge_holds(charges=self.batch(held, wanda, 3), now=NOW)
        assert services.hold_remaining(held.pk) == 25


class RefundChargeTests:
    def test_everything_goes_back_while_the_earning_is_pending(self, alice, wanda):
        promote(alice, 100)
        top_up(alice, 1000)
        charge(hold(alice, 500), 333, wanda)
        assert services.refund_charge(key="task:1:refund", charge_key="task:1:charge", reason="Black frame") == 333
        balance = services.balance_of(alice)
        assert (balance.promotional_micros, balance.purchased_micros) == (100, 833)
        assert services.balance_of(wanda).pending_micros == 0
        assert services.sweep_matured_earnings(now=LATER) == 0

    def test_the_network_bears_the_workers_share_once_it_has_matured(self, alice, wanda):
        top_up(alice, 1000)
        charge(hold(alice, 500), 100, wanda)
        services.sweep_matured_earnings(now=LATER)
        services.refund_charge(key="task:1:refund", charge_key="task:1:charge", reason="Goodwill")
        assert services.balance_of(wanda).withdrawable_micros == 60
        assert services.balance_of(alice).available_micros == 600

    def test_repeating_the_key_moves_nothing(self, alice, wanda):
        top_up(alice, 1000)
        charge(hold(alice, 500), 100, wanda)
        for _ in range(2):
            assert services.refund_charge(key="task:1:refund", charge_key="task:1:charge", reason="") == 100
        assert services.balance_of(alice).available_micros == 600

    def test_a_charge_is_refunded_once(self, alice, wanda):
        top_up(alice, 1000)
        charge(hold(alice, 500), 100, wanda)
        services.refund_charge(key="task:1:refund", charge_key="task:1:charge", reason="")
        with pytest.raises(NotCharged):
            services.refund_charge(key="task:1:refund:2", charge_key="task:1:charge", reason="")
        with pytest.raises(NotCharged):
            services.refund_charge(key="task:2:refund", charge_key="task:2:charge", reason="")

    def test_money_of_a_closed_hold_can_be_refunded_too(self, alice, wanda):
        top_up(alice, 1000)
        held = hold(alice, 500)
        charge(held, 100, wanda)
        services.release_hold(hold_id=held.pk, key="job:1:release")
        services.refund_charge(key="task:1:refund", charge_key="task:1:charge", reason="")
        assert services.balance_of(alice).available_micros == 1000


class SweepMaturedEarningsTests:
    def test_earnings_become_withdrawable_when_they_are_due_and_only_once(self, alice, wanda):
        top_up(alice, 1000)
        held = hold(alice, 500)
        charge(held, 100, wanda, key="task:1:charge")
        charge(held, 50, wanda, key="task:2:charge")
        due = Earning.objects.first().matures_at
        assert services.sweep_matured_earnings(now=due - timedelta(microseconds=1)) == 0
        assert services.sweep_matured_earnings(now=due) == 2
        assert services.sweep_matured_earnings(now=LATER) == 0
        assert services.balance_of(wanda) == services.Balance(available_micros=90, withdrawable_micros=90)
        assert Transfer.objects.filter(code=Code.MATURITY).count() == 1

    def test_promotional_money_pays_out_spend_only(self, alice, wanda):
        promote(alice, 1000)
        charge(hold(alice, 500), 100, wanda)
        services.sweep_matured_earnings(now=LATER)
        assert services.balance_of(wanda) == services.Balance(available_micros=60, promotional_micros=60)

    def test_what_earned_money_pays_is_earned(self, alice, wanda):
        chen = person("chen")
        top_up(chen, 100)
        earn(alice, 100, payer=chen)
        charge(hold(alice, 100), 100, wanda)
        services.sweep_matured_earnings(now=LATER)
        assert services.balance_of(wanda).withdrawable_micros == 60

    def test_what_ones_own_job_pays_ones_own_node_stays_pending(self, alice):
        top_up(alice, 1000)
        charge(hold(alice, 500), 100, alice)
        assert services.sweep_matured_earnings(now=LATER) == 0
        assert services.balance_of(alice).pending_micros == 60

    def test_money_that_may_be_charged_back_pays_out_only_afterwards(self, alice, wanda):
        top_up(alice, 1000)
        clears_at = NOW + timedelta(days=180)
        alice.accounts.filter(bucket=Bucket.PURCHASED, kind=Kind.SPENDABLE).update(clears_at=clears_at)
        charge(hold(alice, 500), 100, wanda)
        assert Earning.objects.get().matures_at == clears_at

    def test_the_waiting_time_is_the_rules_at_the_time_of_the_charge(self, alice, wanda):
        top_up(alice, 1000)
        CreditRule.objects.create(begins_at=NOW, pending_seconds=60)
        charge(hold(alice, 500), 100, wanda)
        assert Earning.objects.get().matures_at == NOW + timedelta(seconds=60)

    def test_a_run_settles_at_most_its_limit(self, alice, wanda):
        top_up(alice, 1000)
        held = hold(alice, 500)
        for number in range(3):
            charge(held, 10, wanda, key=f"task:{number}:charge")
        assert services.sweep_matured_earnings(now=LATER, limit=2) == 2
        assert services.sweep_matured_earnings(now=LATER, limit=2) == 1
        assert services.balance_of(wanda).withdrawable_micros == 18
