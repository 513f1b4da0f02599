"""Two tabs, two operators, two sweeps at once: threads with connections of their own, let go together.

Tried without the lock on the wallet, on the payout's row and on the lane: the tests of each failed. That a payout ends in one
way only is held by the guarded move of its status as well.
"""

import pytest

from credit import services
from credit.chains import all_chains
from credit.models import Payout, PayoutBatch, PayoutLane
from credit.payout_states import PayoutStatus
from credit.proof import differences
from credit.services import payouts, withdrawals
from credit.withdrawing import Refusal, TooLate, WithdrawalRefused
from tests.credit.builders import NOW
from tests.credit.payouts.conftest import address_of
from tests.credit.payouts.test_withdrawals import HOUR, ask
from tests.credit.test_races import kinds, race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def in_order(transactional_db):
    yield
    assert list(differences(NOW)) == []


def asking(user, amount_micros: int, keys):
    chain, place = all_chains()[-1], address_of(user)
    return [lambda key=key: ask(user, chain, amount_micros, place=place, key=key) for key in keys]


def test_many_tabs_do_not_withdraw_more_than_there_is(earner, offered, settings):
    settings.WITHDRAW_DAY_MAX_MICROS = 10**9
    outcomes = race(*asking(earner, 30_000_000, keys="abcdefgh"))

    assert kinds(outcomes) == {Payout: 3, WithdrawalRefused: 5}
    assert services.balance_of(earner).withdrawable_micros == 10_000_000


def test_many_tabs_do_not_pass_the_limit_of_a_day(earner, offered, settings):
    settings.WITHDRAW_DAY_MAX_MICROS = 25_000_000
    outcomes = race(*asking(earner, 10_000_000, keys="abcdefgh"))

    assert kinds(outcomes) == {Payout: 2, WithdrawalRefused: 6}
    assert {each.reason for each in outcomes if isinstance(each, WithdrawalRefused)} == {Refusal.DAY_FULL}


def test_one_form_sent_many_times_asks_once(earner, offered):
    outcomes = race(*asking(earner, 10_000_000, keys="aaaaaaaa"))

    assert {each.pk for each in outcomes} == {Payout.objects.get().pk}
    assert services.balance_of(earner).withdrawable_micros == 90_000_000


def test_a_withdrawal_does_not_take_what_a_hold_takes(earner, offered):
    def hold(number: int):
        return services.open_hold(key=f"job:{number}", owner=earner, amount_micros=30_000_000, purpose="Job")

    outcomes = race(*asking(earner, 30_000_000, keys="abcd"), *[lambda n=n: hold(n) for n in range(4)])

    assert sum(isinstance(each, Exception) for each in outcomes) == 5
    assert services.balance_of(earner).available_micros == 10_000_000


def test_a_withdrawal_is_cancelled_or_goes_out(earner, sam, offered):
    payout = ask(earner, offered, 10_000_000)
    outcomes = race(
        *[lambda: withdrawals.cancel_withdrawal(owner=earner, payout_id=payout.pk, now=NOW)] * 3,
        *[lambda: withdrawals.refuse_withdrawal(operator=sam, payout_id=payout.pk, reason="", now=NOW)] * 3,
        *[lambda: withdrawals.release_due_withdrawals(now=NOW + HOUR)] * 2,
    )

    status = Payout.objects.get().status
    came_back = status in (PayoutStatus.CANCELLED, PayoutStatus.REFUSED)
    assert kinds(outcomes)[Payout] == came_back
    assert kinds(outcomes)[TooLate] == 6 - came_back
    assert services.balance_of(earner).withdrawable_micros == (100_000_000 if came_back else 90_000_000)


def test_many_sweeps_give_every_payout_one_number(earner, offered):
    ids = [ask(earner, offered, 5_000_000, key=str(n)).pk for n in range(12)]
    withdrawals.release_due_withdrawals(now=NOW + HOUR)
    lane = payouts.open_lane(chain=offered.key, sender="0x1", next_number=7)

    def begin(some):
        return payouts.begin_batch(lane_id=lane.pk, payout_ids=some, asset_units=1, gas_units=1, now=NOW)

    outcomes = race(*[lambda n=n: begin(ids[n : n + 6]) for n in range(0, 7)])

    assert not [each for each in outcomes if isinstance(each, Exception)]
    assert sorted(Payout.objects.values_list("number", flat=True)) == list(range(7, 19))
    assert PayoutLane.objects.get().next_number == 19
    assert sum(PayoutBatch.objects.values_list("count", flat=True)) == 12


def test_a_payout_is_confirmed_or_returned_once(earner, offered):
    payout = ask(earner, offered, 10_000_000)
    withdrawals.release_due_withdrawals(now=NOW + HOUR)
    lane = payouts.open_lane(chain=offered.key, sender="0x1", next_number=0)
    payouts.begin_batch(lane_id=lane.pk, payout_ids=[payout.pk], asset_units=1, gas_units=1, now=NOW)

    race(
        *[lambda: payouts.confirm_payout(payout_id=payout.pk, tx_hash="0x1", now=NOW)] * 4,
        *[lambda: payouts.return_payout(payout_id=payout.pk, tx_hash="0x1", reason="", now=NOW)] * 4,
    )

    payout.refresh_from_db()
    came_back = payout.status == PayoutStatus.RETURNED
    assert services.balance_of(earner).withdrawable_micros == (100_000_000 if came_back else 90_000_000)
