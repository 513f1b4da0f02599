"""Asking for a withdrawal: what is taken, what is refused, who decides."""

from datetime import timedelta

import pytest

from credit import services
from credit.errors import KeyReused
from credit.models import Debt, Payment, Payout
from credit.payment_states import DisputeKind
from credit.payout_states import PayoutStatus
from credit.services import disputes, payouts, withdrawals
from credit.services.payout_addresses import add_payout_address, remove_payout_address
from credit.withdrawing import Refusal, TooLate, WithdrawalRefused
from tests.credit.builders import NOW, earn, hold, pay_by_provider, promote, top_up
from tests.credit.payouts.conftest import RECEIVER, address_of
from tests.users.wallets import MetaMask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order")]
HOUR = timedelta(hours=1)


def ask(user, chain, amount_micros: int, *, place=None, key="form", now=NOW) -> Payout:
    place = place or user.payout_addresses.first() or address_of(user)
    return withdrawals.request_withdrawal(
        owner=user,
        address_id=place.pk,
        chain_key=chain.key,
        contract=chain.assets[0].contract,
        amount_micros=amount_micros,
        key=key,
        now=now,
    )


def refused(*args, **kwargs) -> Refusal:
    with pytest.raises(WithdrawalRefused) as caught:
        ask(*args, **kwargs)
    return caught.value.reason


def withdrawable(user) -> int:
    return services.balance_of(user).withdrawable_micros


def test_a_withdrawal_leaves_the_balance_at_once(earner, offered):
    payout = ask(earner, offered, 10_000_000)

    assert withdrawable(earner) == 90_000_000
    assert (payout.status, payout.fee_micros, payout.arrives_micros, payout.units) == (
        "requested",
        200_000,
        9_800_000,
        9_800_000,
    )


def test_one_form_asks_for_one_withdrawal(earner, offered):
    assert ask(earner, offered, 10_000_000) == ask(earner, offered, 10_000_000)
    with pytest.raises(KeyReused):
        ask(earner, offered, 11_000_000)
    assert withdrawable(earner) == 90_000_000


def test_only_what_was_earned_can_be_withdrawn(earner, offered, settings):
    promote(earner, 50_000_000)
    top_up(earner, 50_000_000)

    assert refused(earner, offered, 100_000_001) == Refusal.DAY_FULL
    settings.WITHDRAW_DAY_MAX_MICROS = 10**9
    assert refused(earner, offered, 100_000_001) == Refusal.TOO_MUCH
    ask(earner, offered, 100_000_000)
    assert services.balance_of(earner).available_micros == 100_000_000


def test_pending_earnings_wait(alice, wanda, offered):
    top_up(alice, 10_000_000)
    held = services.open_hold(key="h", owner=alice, amount_micros=10_000_000, purpose="")
    services.charge_hold(
        hold_id=held.pk,
        key="c",
        charge_micros=10_000_000,
        worker_owner=wanda,
        shares_bp={"worker": 10_000, "checkers": 0, "network": 0},
        reference="",
        now=NOW,
    )
    assert refused(wanda, offered, 5_000_000) == Refusal.TOO_MUCH


def test_what_promotional_credit_paid_cannot_be_withdrawn(alice, wanda, offered):
    promote(alice, 10_000_000)
    earn(wanda, 10_000_000, alice)

    assert refused(wanda, offered, 5_000_000) == Refusal.TOO_MUCH


def test_a_small_amount_is_refused(earner, offered):
    assert refused(earner, offered, 999_999) == Refusal.TOO_SMALL


def test_a_day_has_a_limit_and_what_came_back_does_not_count(earner, offered, settings):
    settings.WITHDRAW_DAY_MAX_MICROS = 30_000_000
    first = ask(earner, offered, 20_000_000, key="1")

    assert refused(earner, offered, 11_000_000, key="2") == Refusal.DAY_FULL
    withdrawals.cancel_withdrawal(owner=earner, payout_id=first.pk, now=NOW)
    ask(earner, offered, 30_000_000, key="3")
    assert refused(earner, offered, 1_000_000, key="4", now=NOW + 23 * HOUR) == Refusal.DAY_FULL
    ask(earner, offered, 1_000_000, key="4", now=NOW + 25 * HOUR)


def test_a_new_address_waits(earner, offered):
    place = add_payout_address(owner=earner, network="evm", address=RECEIVER.address, now=NOW)

    assert refused(earner, offered, 5_000_000, place=place, now=NOW + 23 * HOUR) == Refusal.ADDRESS_NEW
    ask(earner, offered, 5_000_000, place=place, now=NOW + 24 * HOUR)


def test_signing_for_an_address_again_does_not_start_its_delay_again(earner, offered):
    place = add_payout_address(owner=earner, network="evm", address=RECEIVER.address, now=NOW)

    assert add_payout_address(owner=earner, network="evm", address=RECEIVER.address, now=NOW + HOUR) == place


def test_an_address_that_was_removed_waits_anew(earner, offered):
    place = add_payout_address(owner=earner, network="evm", address=RECEIVER.address, now=NOW)
    assert remove_payout_address(owner=earner, address_id=place.pk, now=NOW)

    assert refused(earner, offered, 5_000_000, place=place, now=NOW + 48 * HOUR) == Refusal.ADDRESS_GONE
    again = add_payout_address(owner=earner, network="evm", address=RECEIVER.address, now=NOW + HOUR)
    assert again != place
    assert again.usable_at == NOW + 25 * HOUR


def test_nobody_withdraws_to_an_address_of_somebody_else(earner, alice, offered):
    assert refused(earner, offered, 5_000_000, place=address_of(alice)) == Refusal.ADDRESS_GONE


def test_an_address_of_another_network_is_refused(earner, offered):
    assert refused(earner, offered, 5_000_000, place=address_of(earner, "aptos", "0x" + "1" * 64)) == Refusal.ADDRESS_GONE


def test_nothing_is_sent_to_the_sending_wallet_or_the_token(earner, offered, settings):
    for address in (settings.EVM_PAYOUT_ADDRESS, offered.assets[0].contract):
        assert refused(earner, offered, 5_000_000, place=address_of(earner, address=address)) == Refusal.ADDRESS_GONE


def test_a_chain_without_a_sending_wallet_is_not_offered(earner, offered, settings):
    settings.EVM_PAYOUT_ADDRESS = ""

    assert refused(earner, offered, 5_000_000) == Refusal.NOT_OFFERED


def test_the_delay_lets_it_be_cancelled(earner, offered):
    payout = ask(earner, offered, 10_000_000)

    assert withdrawals.release_due_withdrawals(now=NOW + 0.99 * HOUR) == 0
    withdrawals.cancel_withdrawal(owner=earner, payout_id=payout.pk, now=NOW)
    assert withdrawable(earner) == 100_000_000
    assert withdrawals.release_due_withdrawals(now=NOW + HOUR) == 0


def test_a_cancelled_withdrawal_comes_back_once(earner, offered):
    payout = ask(earner, offered, 10_000_000)
    withdrawals.cancel_withdrawal(owner=earner, payout_id=payout.pk, now=NOW)

    with pytest.raises(TooLate):
        withdrawals.cancel_withdrawal(owner=earner, payout_id=payout.pk, now=NOW)
    assert withdrawable(earner) == 100_000_000


def test_nobody_cancels_for_somebody_else(earner, alice, offered):
    payout = ask(earner, offered, 10_000_000)

    with pytest.raises(Payout.DoesNotExist):
        withdrawals.cancel_withdrawal(owner=alice, payout_id=payout.pk, now=NOW)


def test_small_ones_go_by_themselves_and_large_ones_wait_for_an_operator(earner, offered):
    small, large = ask(earner, offered, 50_000_000, key="1"), ask(earner, offered, 50_000_000, key="2")
    Payout.objects.filter(pk=large.pk).update(amount_micros=50_000_001)  # a micro above the limit

    assert withdrawals.release_due_withdrawals(now=NOW + HOUR) == 2
    assert [Payout.objects.get(pk=each.pk).status for each in (small, large)] == [PayoutStatus.APPROVED, PayoutStatus.WAITING]
    Payout.objects.filter(pk=large.pk).update(amount_micros=50_000_000)


def test_an_operator_approves_or_refuses(earner, sam, offered, settings):
    settings.WITHDRAW_APPROVAL_MICROS = 0
    first, second = ask(earner, offered, 20_000_000, key="1"), ask(earner, offered, 30_000_000, key="2")
    withdrawals.release_due_withdrawals(now=NOW + HOUR)

    withdrawals.approve_withdrawal(operator=sam, payout_id=first.pk, now=NOW)
    withdrawals.refuse_withdrawal(operator=sam, payout_id=second.pk, reason="Ask the desk.", now=NOW)

    assert Payout.objects.get(pk=first.pk).decided_by == sam
    assert Payout.objects.get(pk=second.pk).reason == "Ask the desk."
    assert withdrawable(earner) == 80_000_000
    with pytest.raises(TooLate):
        withdrawals.approve_withdrawal(operator=sam, payout_id=second.pk, now=NOW)


def test_nobody_approves_their_own(earner, offered, settings):
    settings.WITHDRAW_APPROVAL_MICROS = 0
    payout = ask(earner, offered, 20_000_000)
    withdrawals.release_due_withdrawals(now=NOW + HOUR)

    with pytest.raises(PermissionError):
        withdrawals.approve_withdrawal(operator=earner, payout_id=payout.pk, now=NOW)


def doubted(user, spent_micros: int = 0) -> Payment:
    """A payment of 20 credits by PayPal, of which so much is spent; its payer complains. What is left is frozen, the rest owed."""
    payment = pay_by_provider(user, 20_000_000)
    if spent_micros:
        hold(user, spent_micros, key="job:2:hold")
    disputes.open_dispute(payment_id=payment.pk, key="paypal:D1", kind=DisputeKind.DISPUTE, credit_micros=20_000_000, now=NOW)
    return payment


def test_who_owes_withdraws_nothing(earner, offered):
    hold(earner, 100_000_000)
    doubted(earner, spent_micros=20_000_000)

    assert Debt.objects.get(owner=earner).owed_micros == 20_000_000
    assert refused(earner, offered, 5_000_000) == Refusal.DEBT


def test_who_has_disputed_money_withdraws_nothing_until_it_is_settled(earner, offered):
    payment = doubted(earner)

    assert not Debt.objects.exists()
    assert refused(earner, offered, 5_000_000) == Refusal.DEBT
    disputes.resolve_dispute(dispute_id=payment.disputes.get().pk, lost_micros=0, now=NOW)
    assert ask(earner, offered, 5_000_000).status == PayoutStatus.REQUESTED


def test_one_that_was_asked_for_before_the_debt_waits_for_an_operator(earner, offered):
    payout = ask(earner, offered, 50_000_000)
    hold(earner, 50_000_000)
    doubted(earner, spent_micros=20_000_000)

    withdrawals.release_due_withdrawals(now=NOW + HOUR)
    assert Payout.objects.get(pk=payout.pk).status == PayoutStatus.WAITING


@pytest.mark.parametrize("spent_micros", [0, 20_000_000])
def test_one_that_was_approved_before_gets_no_number_until_it_is_settled(earner, offered, spent_micros):
    """Not even by an operator's word; refused, its money pays what is owed."""
    payout = ask(earner, offered, 50_000_000)
    hold(earner, 50_000_000)
    withdrawals.release_due_withdrawals(now=NOW + HOUR)
    payment = doubted(earner, spent_micros)
    lane = payouts.open_lane(chain=offered.key, sender="0x1", next_number=0)

    def begin():
        return payouts.begin_batch(lane_id=lane.pk, payout_ids=[payout.pk], asset_units=1, gas_units=1, now=NOW)

    assert begin() is None
    payout.refresh_from_db()
    assert (payout.status, payout.number, "disputed" in payout.problem) == (PayoutStatus.APPROVED, None, True)
    disputes.resolve_dispute(dispute_id=payment.disputes.get().pk, lost_micros=0, now=NOW)
    assert begin().count == 1


def test_an_address_belongs_to_one_form_of_itself(earner, offered):
    """Two verified addresses are two places, one address is one."""
    ours = [add_payout_address(owner=earner, network="evm", address=MetaMask(n).address, now=NOW) for n in (201, 202, 201)]

    assert len({each.pk for each in ours}) == 2
