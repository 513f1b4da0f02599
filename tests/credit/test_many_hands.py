"""Threads that do random verbs for a few people they share, on real PostgreSQL: nobody waits in a circle, the laws hold after.

Which verb meets which is chance; every thread's choices are drawn from its seed. PostgreSQL ends a circle of waiting by an
error, which no thread may meet. The two circles that were found by reading have tests of their own in
payments/test_lock_order.py.
"""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from common.transitions import IllegalMove, StaleMove
from credit import services
from credit.chains import all_chains
from credit.codes import SPEND_ORDER, Bucket
from credit.deposits.reading import Payment as Shown
from credit.errors import AdjustmentRefused, LedgerError
from credit.models import Account, Adjustment, Deposit, Dispute, Hold, Payment, Payout, PayoutAddress, Transfer
from credit.payment_states import DisputeKind
from credit.proof import differences
from credit.services import disputes, payments, payouts, withdrawals
from tests.credit.builders import NOW, SHARES, captured, checkout_of, person
from tests.credit.machine.border import money_rules
from tests.credit.test_races import race

pytestmark = pytest.mark.django_db(transaction=True)
HANDS, VERBS = 6, 60
LATER = NOW + timedelta(days=30)
REFUSED = (LedgerError, AdjustmentRefused, IllegalMove, StaleMove)


class Hand:
    """One thread's verbs. Each picks what to act on among what all have made so far."""

    def __init__(self, seed: int, people: list, operators: list) -> None:
        self.seed, self.people, self.operators = seed, people, operators
        self.chance, self.count, self.done = Random(seed), 0, Counter()

    def __call__(self) -> Counter:
        verbs = [name for name in dir(self) if name.startswith("do_")]
        for _ in range(VERBS):
            verb = self.chance.choice(verbs)
            try:
                getattr(self, verb)()
                self.done[verb] += 1
            except REFUSED:
                self.done["refused"] += 1
        return self.done

    def key(self) -> str:
        self.count += 1
        return f"hand:{self.seed}:{self.count}"

    @property
    def anybody(self):
        return self.chance.choice(self.people)

    @property
    def amount(self) -> int:
        return self.chance.randint(100, 3_000)

    def row(self, model):
        """One of the newest."""
        rows = list(model.objects.order_by("-pk")[:8])
        if not rows:
            raise LedgerError("nothing there yet")
        return self.chance.choice(rows)

    def do_add(self):
        services.top_up_by_operator(user=self.anybody, amount_micros=self.amount, key=self.key(), reason="")

    def do_promote(self):
        services.grant_promotion(user=self.anybody, amount_micros=self.amount, key=self.key())

    def do_hold(self):
        services.open_hold(key=self.key(), owner=self.anybody, amount_micros=self.amount, purpose="")

    def do_extend(self):
        services.extend_hold(hold_id=self.row(Hold).pk, key=self.key(), amount_micros=self.amount)

    def do_charge(self):
        """Of several holds, for several workers, in one transaction."""
        charges = [
            services.Charge(
                key=self.key(),
                hold_id=self.row(Hold).pk,
                charge_micros=self.chance.randint(1, 300),
                worker_owner_id=self.anybody.pk,
                shares_bp=SHARES,
                reference="",
            )
            for _ in range(3)
        ]
        services.charge_holds(charges=charges, now=NOW)

    do_charge_more = do_charge

    def do_release(self):
        services.release_hold(hold_id=self.row(Hold).pk, key=self.key())

    def do_refund(self):
        charges = list(Transfer.objects.filter(code="charge").order_by("-pk").values_list("key", flat=True)[:8])
        if charges:
            charge_key = self.chance.choice(charges).rpartition("/")[0]
            services.refund_charge(key=self.key(), charge_key=charge_key, reason="")

    def do_mature(self):
        services.sweep_matured_earnings(now=self.chance.choice([NOW, LATER]), limit=20)

    def do_pay(self):
        payment = checkout_of(self.anybody, self.amount, order=self.key())
        payments.apply_order(payment_id=payment.pk, order=captured(payment), now=NOW)

    do_pay_again = do_pay

    def do_dispute(self):
        facts = {"key": self.key(), "kind": DisputeKind.DISPUTE, "credit_micros": self.amount, "now": NOW}
        disputes.open_dispute(payment_id=self.row(Payment).pk, **facts)

    do_dispute_again = do_dispute

    def do_resolve(self):
        disputes.resolve_dispute(dispute_id=self.row(Dispute).pk, lost_micros=self.chance.choice([0, self.amount]), now=NOW)

    do_resolve_again = do_resolve

    def do_give_money_back(self):
        payment = self.row(Payment)
        answer = captured(payment, returned_micros=self.chance.randint(1, payment.total_micros))
        payments.apply_order(payment_id=payment.pk, order=answer, now=NOW)

    def do_collect(self):
        disputes.sweep_debts(now=NOW)

    def do_show(self):
        chain = all_chains()[-1]
        shown = Shown(
            tx_hash=f"0x{self.chance.randrange(40):064x}",  # the same payment is seen by several
            log_index=0,
            sender="",
            units=1_000,
            block_number=1,
            block_hash="0x1",
            mined_at=NOW,
        )
        services.record_payment(chain=chain, asset=chain.assets[0], payment=shown, now=NOW)

    def do_settle(self):
        services.settle_deposit(deposit_id=self.row(Deposit).pk, final=1, now=NOW)

    def do_claim(self):
        services.claim_deposit(deposit_id=self.row(Deposit).pk, user=self.anybody, now=NOW)

    def do_adjust_by_a_claim(self):
        asked = {"deposit_id": self.row(Deposit).pk, "user": self.anybody, "reason": "Why", "now": NOW}
        services.ask_claim(operator=self.chance.choice(self.operators), **asked)

    def do_adjust(self):
        micros = self.chance.choice([self.amount, -self.amount])
        asked = {"user": self.anybody, "bucket": self.chance.choice(SPEND_ORDER), "amount_micros": micros, "reason": "Why"}
        services.ask_adjustment(operator=self.chance.choice(self.operators), now=NOW, **asked)

    def do_decide(self):
        decide = self.chance.choice([services.agree_to_adjustment, services.refuse_adjustment])
        decide(self.row(Adjustment).pk, operator=self.chance.choice(self.operators), now=NOW)

    def do_withdraw(self):
        owner, chain = self.anybody, all_chains()[-1]
        withdrawals.request_withdrawal(
            owner=owner,
            address_id=owner.payout_addresses.get().pk,
            chain_key=chain.key,
            contract=chain.assets[0].contract,
            amount_micros=self.chance.randint(100, 500),
            key=self.key(),
            now=NOW,
        )

    def do_cancel(self):
        payout = self.row(Payout)
        withdrawals.cancel_withdrawal(owner=payout.owner, payout_id=payout.pk, now=NOW)

    def do_send(self):
        withdrawals.release_due_withdrawals(now=LATER)
        ready = list(Payout.objects.filter(status="approved").order_by("-pk").values_list("pk", flat=True)[:4])
        lane = payouts.open_lane(chain=all_chains()[-1].key, sender="0x1", next_number=0)
        payouts.begin_batch(lane_id=lane.pk, payout_ids=ready, asset_units=1, gas_units=1, now=NOW)

    def do_end(self):
        payout = self.row(Payout)
        if self.chance.random() < 0.5:
            payouts.confirm_payout(payout_id=payout.pk, tx_hash="0x1", now=NOW)
        else:
            payouts.return_payout(payout_id=payout.pk, tx_hash="0x1", reason="", now=NOW)


def test_many_hands_move_the_money_of_a_few_people_and_nobody_waits_in_a_circle(settings):
    money_rules(settings)
    people = [person(name) for name in ("alice", "wanda", "chen")]
    operators = [person(name, is_staff=True) for name in ("sam", "rita")]
    for user in people:
        services.top_up_by_operator(user=user, amount_micros=20_000, key=f"start:{user.pk}", reason="")
        PayoutAddress.objects.create(owner=user, network="evm", address="0x" + "c" * 40, verified_at=NOW, usable_at=NOW)

    outcomes = race(*[Hand(seed, people, operators) for seed in range(HANDS)])

    assert [each for each in outcomes if isinstance(each, Exception)] == []
    done = sum(outcomes, Counter())
    assert done.total() == HANDS * VERBS
    assert not Account.objects.filter(bucket=Bucket.PURCHASED, balance_micros__lt=0).exists()
    assert list(differences(NOW)) == []
