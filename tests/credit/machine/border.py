"""Rules: money that comes and goes. Payments by a provider and by chain, disputes, debts, withdrawals, adjustments."""

from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from common.transitions import IllegalMove
from credit import services
from credit.chains import all_chains
from credit.codes import Bucket, Kind
from credit.deposits.reading import Payment
from credit.errors import AdjustmentRefused, InsufficientCredit, NotClaimable, TopUpRefused
from credit.models import PayoutAddress, RecognisedBy
from credit.payment_states import DisputeKind
from credit.services import deposits, disputes, payments, payouts, withdrawals
from credit.withdrawing import TooLate, WithdrawalRefused
from tests.credit.builders import NOW, captured, checkout_of
from tests.credit.machine.base import amounts, buckets, pick, who
from tests.credit.machine.work import Work

ALONE_MICROS, LEAST_MICROS, FEE_MICROS = 4_000, 100, 30
SENDERS = ["0x" + f"{number:040x}" for number in (1, 2, 3)]  # of the first two people, and of nobody
DAY = timedelta(days=1)
percents = st.sampled_from([30, 70, 100, 100, 120])
fates = st.sampled_from(["confirmed", "returned", "included"])


def money_rules(settings) -> None:
    """Small amounts; a chain that nobody asks anything."""
    settings.APTOS_ASSET = ""
    settings.EVM_NODE_URL, settings.EVM_CHAIN_ID = "http://127.0.0.1:1", 31337
    settings.EVM_ASSET, settings.EVM_TREASURY = "0x" + "aa" * 20, "0x" + "7e" * 20
    settings.EVM_PAYOUT_ADDRESS = "0x" + "bb" * 20
    settings.TOP_UP_MINIMUM_MICROS = 1
    settings.PAYPAL_CHARGEBACK_DAYS = 10
    settings.ADJUSTMENT_ALONE_MICROS = ALONE_MICROS
    settings.WITHDRAW_MINIMUM_MICROS, settings.WITHDRAW_FEE_MICROS = LEAST_MICROS, {"aptos": 0, "evm": FEE_MICROS}
    settings.WITHDRAW_DAY_MAX_MICROS = settings.PAYOUT_MAX_MICROS = settings.PAYOUT_DAY_MAX_MICROS = 10**12
    settings.WITHDRAW_APPROVAL_MICROS = 1_000


class Payments(Work):
    def __init__(self) -> None:
        super().__init__()
        self.payments, self.doubts = {}, {}  # by primary key

    @rule(index=who, amount=amounts, fee=st.integers(0, 200))
    def pay(self, index, amount, fee):
        payment = checkout_of(self.people[index], amount, fee)
        now = self.now
        self.payments[payment.pk] = self.books.pay(index, amount, amount + fee, now + 10 * DAY)
        for _ in range(2):
            payments.apply_order(payment_id=payment.pk, order=captured(payment), now=now)
        self.books.collect(index, now)

    @rule(index=who, amount=amounts, worker=who, pieces=st.integers(1, 4))
    def pay_and_spend(self, index, amount, worker, pieces):
        self.pay(index, amount, 0)
        self.spend_all(index, worker, pieces)

    @precondition(lambda self: self.payments)
    @rule(number=pick, percent=percents)
    def dispute(self, number, percent):
        pk, paid = self.one_of(self.payments, number)
        doubt = {"payment_id": pk, "key": self.key("D"), "kind": DisputeKind.DISPUTE, "now": self.now}
        micros = paid.micros * percent // 100
        opened, again = [disputes.open_dispute(credit_micros=micros, **doubt) for _ in range(2)]
        assert opened == again
        self.doubts[opened.pk] = self.books.dispute(paid, micros)

    @rule(index=who, amount=amounts, worker=who, pieces=st.integers(1, 4))
    def dispute_what_was_spent(self, index, amount, worker, pieces):
        """What was earned from it would be due before anybody decides."""
        self.pay_and_spend(index, amount, worker, pieces)
        self.dispute(number=0, percent=100)
        self.wait(11 * 24)

    @precondition(lambda self: self.doubts)
    @rule(number=pick, percent=st.sampled_from([0, 0, 30, 100, 100, 150]))
    def resolve(self, number, percent):
        pk, doubt = self.one_of(self.doubts, number)
        lost = doubt.micros * percent // 100
        self.books.resolve(doubt, lost)
        for _ in range(2):
            assert disputes.resolve_dispute(dispute_id=pk, lost_micros=lost, now=self.now).status == doubt.status

    @precondition(lambda self: self.payments)
    @rule(number=pick, percent=percents)
    def reverse(self, number, percent):
        """A bank took it back."""
        pk, paid = self.one_of(self.payments, number)
        micros = paid.micros * percent // 100
        self.books.resolve(self.books.dispute(paid, micros), micros)
        taken = {"payment_id": pk, "key": self.key("R"), "kind": DisputeKind.REVERSAL, "credit_micros": micros, "now": self.now}
        assert disputes.take_returned(**taken) == disputes.take_returned(**taken)

    @precondition(lambda self: self.payments)
    @rule(number=pick, percent=st.integers(0, 100))
    def give_money_back(self, number, percent):
        """By the provider; its answer says how much in all."""
        pk, paid = self.one_of(self.payments, number)
        paid.returned = min(paid.total, paid.returned + paid.total * percent // 100)
        payment, now = payments.Payment.objects.get(pk=pk), self.now
        self.books.collect(paid.owner, now)
        self.books.return_of(paid, paid.returned)
        payments.apply_order(payment_id=pk, order=captured(payment, returned_micros=paid.returned), now=now)

    @rule()
    def collect(self):
        now = self.now
        for index in range(len(self.people)):
            self.books.collect(index, now)
        disputes.sweep_debts(now=now)


class Deposits(Payments):
    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[int, Payment] = {}
        self.state: dict[int, tuple[str, int | None]] = {}  # and whose it is
        self.chain = all_chains()[-1]
        self.asset = self.chain.assets[0]
        for user, address in zip(self.people, SENDERS[:2], strict=False):
            SocialAccount.objects.create(user=user, provider="evm", uid=address)

    @rule(index=who, amount=amounts, is_exact=st.booleans())
    def announce(self, index, amount, is_exact):
        """A top-up; of an exact amount that is paid by a stranger at once."""
        by = RecognisedBy.AMOUNT if is_exact else RecognisedBy.SENDER
        facts = {"amount_micros": amount, "recognised_by": by, "key": self.key("form"), "draw": lambda most: self.count % most}
        try:
            top_up = services.start_top_up(user=self.people[index], chain=self.chain, asset=self.asset, now=self.now, **facts)
        except TopUpRefused:
            return
        if is_exact:
            self.show(SENDERS[2], top_up.payable_micros)

    @rule(sender=st.sampled_from(SENDERS), amount=amounts)
    def show(self, sender, amount):
        self.count += 1
        shown = Payment(
            tx_hash=f"0x{self.count:064x}",
            log_index=0,
            sender=sender,
            units=amount,
            block_number=self.count,
            block_hash="0x1",
            mined_at=self.now,
        )
        rows = {self.record(shown).pk for _ in range(2)}
        pk = rows.pop()
        self.seen[pk], self.state[pk] = shown, ("seen", None)

    def record(self, shown: Payment):
        return services.record_payment(chain=self.chain, asset=self.asset, payment=shown, now=self.now)

    @precondition(lambda self: self.seen)
    @rule(number=pick)
    def reorganise(self, number):
        """Its block is taken back, and sometimes mined again."""
        pk, shown = self.one_of(self.seen, number)
        deposits.take_back_deposit(deposit_id=pk, now=self.now)
        if self.state[pk][0] == "seen":
            self.state[pk] = ("gone", None)
        if number % 2:
            self.record(shown)
            if self.state[pk][0] == "gone":
                self.state[pk] = ("seen", None)

    @precondition(lambda self: self.seen)
    @rule(number=pick, is_final=st.booleans())
    def settle(self, number, is_final):
        pk, shown = self.one_of(self.seen, number)
        for _ in range(2):
            final = shown.block_number - (not is_final)
            deposit = services.settle_deposit(deposit_id=pk, final=final, now=self.now)
        if self.state[pk][0] != "seen" or not is_final:
            assert deposit.status == self.state[pk][0]
            return
        whose = self.index.get(deposit.owner_id)
        if shown.sender != SENDERS[2]:
            assert whose == SENDERS.index(shown.sender)
        place = (None, Kind.UNCLAIMED, Bucket.PURCHASED) if whose is None else (whose, Kind.SPENDABLE, Bucket.PURCHASED)
        self.books.move((None, Kind.CHAIN, Bucket.PURCHASED), place, shown.units)
        self.state[pk] = ("unclaimed" if whose is None else "credited", whose)

    def claimed(self, pk: int, whose: int) -> None:
        self.books.add(Kind.UNCLAIMED, whose, Bucket.PURCHASED, self.seen[pk].units)
        self.state[pk] = ("claimed", whose)

    @precondition(lambda self: self.seen)
    @rule(number=pick, index=who)
    def claim(self, number, index):
        pk, _ = self.one_of(self.seen, number)
        claim = {"deposit_id": pk, "user": self.people[index], "now": self.now}
        if self.state[pk][0] == "unclaimed":
            self.claimed(pk, index)
        if self.state[pk] == ("claimed", index):
            assert services.claim_deposit(**claim).owner_id == services.claim_deposit(**claim).owner_id
            return
        with pytest.raises(NotClaimable):
            services.claim_deposit(**claim)


class Withdrawals(Deposits):
    def __init__(self) -> None:
        super().__init__()
        self.payouts: dict[int, list] = {}  # [whose, micros, status]
        self.places = [
            PayoutAddress.objects.create(owner=user, network="evm", address="0x" + "c" * 40, verified_at=NOW, usable_at=NOW)
            for user in self.people
        ]
        self.lane = payouts.open_lane(chain=self.chain.key, sender="0x1", next_number=0)

    @rule(index=who, percent=percents)
    def withdraw(self, index, percent):
        """Of what was earned and has matured."""
        amount = max(1, self.spendable(index, Bucket.EARNED) * percent // 100)
        asked = {
            "owner": self.people[index],
            "address_id": self.places[index].pk,
            "amount_micros": amount,
            "key": self.key("W"),
        }
        asked |= {"chain_key": self.chain.key, "contract": self.asset.contract}
        if amount < LEAST_MICROS or self.books.is_in_doubt(index) or amount > self.spendable(index, Bucket.EARNED):
            with pytest.raises(WithdrawalRefused):
                withdrawals.request_withdrawal(now=self.now, **asked)
            return
        pk, again = [withdrawals.request_withdrawal(now=self.now, **asked).pk for _ in range(2)]
        assert pk == again
        self.books.add(Kind.PAYOUT, index, Bucket.EARNED, -amount)
        self.payouts[pk] = [index, amount, "requested"]

    def ended(self, payout: list, status: str) -> None:
        index, amount, _ = payout
        payout[2] = status
        if status != "confirmed":
            self.books.add(Kind.PAYOUT, index, Bucket.EARNED, amount)
            return
        waiting = (None, Kind.PAYOUT, Bucket.EARNED)
        self.books.move(waiting, (None, Kind.CHAIN, Bucket.EARNED), amount - FEE_MICROS)
        self.books.move(waiting, (None, Kind.NETWORK, Bucket.EARNED), FEE_MICROS)

    @precondition(lambda self: self.payouts)
    @rule(number=pick, is_refused=st.booleans())
    def stop(self, number, is_refused):
        """Cancelled by its owner, or refused by an operator; once."""
        pk, payout = self.one_of(self.payouts, number)
        in_time = ("requested", "waiting", "approved") if is_refused else ("requested", "waiting")
        if payout[2] in in_time:
            self.ended(payout, "refused" if is_refused else "cancelled")
            self._stop(pk, payout[0], is_refused)
        with pytest.raises(TooLate):
            self._stop(pk, payout[0], is_refused)

    def _stop(self, pk: int, index: int, is_refused: bool) -> None:
        if is_refused:
            withdrawals.refuse_withdrawal(operator=self.operators[0], payout_id=pk, reason="", now=self.now)
        else:
            withdrawals.cancel_withdrawal(owner=self.people[index], payout_id=pk, now=self.now)

    @precondition(lambda self: self.payouts)
    @rule(is_approved=st.booleans(), is_sent=st.booleans())
    def move_on(self, is_approved, is_sent):
        """Delays end, operators approve, a batch gets its numbers."""
        self.wait(1)
        withdrawals.release_due_withdrawals(now=self.now)
        for pk, payout in self.payouts.items():
            if payout[2] == "requested":
                needs_operator = payout[1] > 1_000 or self.books.is_in_doubt(payout[0])
                payout[2] = "waiting" if needs_operator else "approved"
            if payout[2] == "waiting" and is_approved:
                withdrawals.approve_withdrawal(operator=self.operators[0], payout_id=pk, now=self.now)
                payout[2] = "approved"
        if is_sent:
            self.send([pk for pk, payout in self.payouts.items() if payout[2] == "approved"])

    @rule(index=who, percent=percents, fate=fates)
    def withdraw_to_the_end(self, index, percent, fate):
        """Step by step few come as far as the chain: their owners are in doubt by then, or an operator refuses."""
        self.withdraw(index, percent)
        if self.payouts:
            self.move_on(is_approved=True, is_sent=True)
            self.hear_of(number=0, fate=fate)

    def send(self, approved: list[int]) -> None:
        """All but those whose owner's money is in doubt meanwhile."""
        ready = [pk for pk in approved if not self.books.is_in_doubt(self.payouts[pk][0])]
        batch = payouts.begin_batch(lane_id=self.lane.pk, payout_ids=approved, asset_units=1, gas_units=1, now=self.now)
        assert (batch.count if batch else 0) == len(ready)
        for pk in ready:
            self.payouts[pk][2] = "sending"

    @precondition(lambda self: self.payouts)
    @rule(number=pick, fate=fates)
    def hear_of(self, number, fate):
        """The chain says what became of it, more than once; of what was never sent it cannot."""
        pk, payout = self.one_of(self.payouts, number)
        if fate == "included":
            payouts.mark_included(payout_id=pk, is_included=True)
            return
        if payout[2] == "sending":
            self.ended(payout, fate)
        for _ in range(2):
            if fate == "confirmed":
                payouts.confirm_payout(payout_id=pk, tx_hash="0x1", now=self.now)
            else:
                payouts.return_payout(payout_id=pk, tx_hash="0x1", reason="", now=self.now)


class Everything(Withdrawals):
    """Adjustments by operators, and with them every verb."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[int, dict] = {}
        self.alone: list[tuple] = []  # (operator, when, micros)

    def needs_second(self, operator: int, amount: int, now) -> bool:
        today = sum(micros for who_, at, micros in self.alone if who_ == operator and at > now - DAY)
        return today + abs(amount) > ALONE_MICROS

    def keep(self, made, operator: int, now, facts: dict) -> None:
        facts |= {"by": operator, "is_open": True}
        self.asked[made.pk] = facts
        assert made.needs_second == self.needs_second(operator, facts["micros"], now)
        if not made.needs_second:
            self.alone.append((operator, now, abs(facts["micros"])))
            self.made(facts)

    def made(self, facts: dict) -> None:
        facts["is_open"] = False
        if facts["deposit"]:
            self.claimed(facts["deposit"], facts["whose"])
        else:
            self.books.add(Kind.OPERATOR, facts["whose"], facts["bucket"], facts["micros"])

    @rule(index=who, bucket=buckets, amount=amounts, adds=st.booleans(), operator=st.integers(0, 1))
    def adjust(self, index, bucket, amount, adds, operator):
        micros, now = amount if adds else -amount, self.now
        asked = {"user": self.people[index], "bucket": bucket, "amount_micros": micros, "reason": "Why"}
        asked |= {"operator": self.operators[operator], "now": now}
        if not adds and self.spendable(index, bucket) < amount and not self.needs_second(operator, amount, now):
            with pytest.raises(InsufficientCredit):
                services.ask_adjustment(**asked)
            return
        facts = {"whose": index, "bucket": bucket, "micros": micros, "deposit": None}
        self.keep(services.ask_adjustment(**asked), operator, now, facts)

    @precondition(lambda self: self.seen)
    @rule(number=pick, index=who, operator=st.integers(0, 1))
    def adjust_by_a_claim(self, number, index, operator):
        pk, shown = self.one_of(self.seen, number)
        now = self.now
        asked = {
            "deposit_id": pk,
            "user": self.people[index],
            "reason": "Why",
            "operator": self.operators[operator],
            "now": now,
        }
        waits = any(each["is_open"] and each["deposit"] == pk for each in self.asked.values())
        if waits or self.state[pk][0] != "unclaimed":
            with pytest.raises((AdjustmentRefused, NotClaimable)):
                services.ask_claim(**asked)
            return
        facts = {"whose": index, "bucket": Bucket.PURCHASED, "micros": shown.units, "deposit": pk}
        self.keep(services.ask_claim(**asked), operator, now, facts)

    @precondition(lambda self: self.asked)
    @rule(number=pick, operator=st.integers(0, 1), agrees=st.booleans())
    def decide(self, number, operator, agrees):
        pk, facts = self.one_of(self.asked, number)
        if not agrees:
            if facts["is_open"]:
                services.refuse_adjustment(pk, operator=self.operators[operator], now=self.now)
            facts["is_open"] = False
            return
        if refusal := self.disagreement(facts, operator):
            with pytest.raises(refusal):
                services.agree_to_adjustment(pk, operator=self.operators[operator], now=self.now)
            return
        services.agree_to_adjustment(pk, operator=self.operators[operator], now=self.now)
        self.made(facts)

    def disagreement(self, facts: dict, operator: int):
        if facts["by"] == operator:
            return AdjustmentRefused
        if not facts["is_open"]:
            return (IllegalMove, InsufficientCredit, NotClaimable)
        if facts["deposit"]:
            state = self.state[facts["deposit"]]
            return None if state == ("unclaimed", None) else NotClaimable
        short = facts["micros"] < 0 and self.spendable(facts["whose"], facts["bucket"]) < -facts["micros"]
        return InsufficientCredit if short else None
