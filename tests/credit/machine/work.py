"""Rules: credit is added, held, charged, refunded, matures; budgets; time."""

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from credit import services
from credit.codes import Bucket, Code, Kind
from credit.errors import BudgetReached, HoldClosed, HoldTooSmall, InDebt, InsufficientCredit, KeyReused, NotCharged
from credit.models import Account, Hold
from credit.posting import chart_of
from credit.services import Charge
from credit.services.budgets import set_budget
from credit.spending import month_of
from credit.sums import keep_sums
from tests.credit.builders import SHARES
from tests.credit.machine.base import PEOPLE, Base, Clock, amounts, pick, who
from tests.credit.machine.books import Held


class Work(Base):
    def __init__(self) -> None:
        super().__init__()
        self.limits: dict[int, int] = {}  # of a month, where new work stops
        self.refunds: list[tuple] = []

    @initialize(amount=st.integers(500, 3_000))
    def begin(self, amount):
        """Everybody has earned something and has nothing else: far from there much never happens."""
        for index in range(PEOPLE):
            self.add(index, amount, Kind.OPERATOR)
        for index in range(PEOPLE):
            self.spend_all(index, (index + 1) % PEOPLE, 1)
        self.wait(73)

    @rule(index=who, amount=amounts, kind=st.sampled_from([Kind.PROMOTION, Kind.OPERATOR, Kind.NETWORK]))
    def add(self, index, amount, kind):
        user, key = self.people[index], self.key("add")
        for _ in range(2):  # every addition is tried twice
            if kind == Kind.PROMOTION:
                services.grant_promotion(user=user, amount_micros=amount, key=key)
            elif kind == Kind.OPERATOR:
                services.top_up_by_operator(user=user, amount_micros=amount, key=key, reason="")
            else:
                services.pay_probe(user=user, amount_micros=amount, key=key, reference="")
        self.books.add(kind, index, Bucket.PURCHASED if kind == Kind.OPERATOR else Bucket.PROMOTIONAL, amount)

    @rule(index=who, amount=amounts)
    def transfer_too_much(self, index, amount):
        user = self.people[index]
        chart = chart_of([user.pk])
        source, target = chart[user.pk, Kind.SPENDABLE, Bucket.PURCHASED], chart[None, Kind.OPERATOR, Bucket.PURCHASED]
        too_much = Account.objects.get(pk=source.pk).balance_micros + amount
        with pytest.raises(InsufficientCredit):
            services.transfer(key=self.key("back"), code=Code.TOP_UP, source=source, target=target, amount_micros=too_much)

    @rule(index=who, limit=st.one_of(st.none(), st.integers(1, 20_000)), stops=st.booleans())
    def limit(self, index, limit, stops):
        set_budget(owner=self.people[index], monthly_micros=limit, stops_new_jobs=stops, low_balance_micros=None)
        self.limits.pop(index, None)
        if limit and stops:
            self.limits[index] = limit

    def spent(self, index: int) -> int:
        """This month: charged less refunded."""
        begins = month_of(Clock.at)
        charged = sum(each.micros for each in self.books.charges.values() if each.owner == index and each.at >= begins)
        return max(0, charged - sum(micros for owner, at, micros in self.refunds if owner == index and at >= begins))

    def refusal(self, index: int, amount: int) -> type[Exception] | None:
        """Of more credit for a hold, budgets aside."""
        if self.books.owed(index):
            return InDebt
        return InsufficientCredit if self.books.available(index) < amount else None

    @rule(index=who, amount=amounts)
    def hold(self, index, amount):
        self.hold_now(index, amount)

    def hold_now(self, index: int, amount: int) -> None:
        limit, key = self.limits.get(index), self.key("hold")
        passes = limit is not None and self.spent(index) + self.books.held(index) + amount > limit
        if refusal := BudgetReached if passes else self.refusal(index, amount):
            with pytest.raises(InsufficientCredit) as refused:
                services.open_hold(key=key, owner=self.people[index], amount_micros=amount, purpose="")
            assert refused.type is refusal
            return
        opened = {services.open_hold(key=key, owner=self.people[index], amount_micros=amount, purpose="").pk for _ in range(2)}
        self.books.holds[opened.pop()] = held = Held(index)
        self.books.hold(held, amount)

    def one_of(self, rows: dict, number: int):
        return list(rows.items())[-1 - number % min(len(rows), 12)]  # of the newest

    @precondition(lambda self: self.books.holds)
    @rule(number=pick, amount=amounts)
    def extend(self, number, amount):
        pk, held = self.one_of(self.books.holds, number)
        key = self.key("extend")
        if refusal := HoldClosed if held.is_closed else self.refusal(held.owner, amount):
            with pytest.raises(refusal):
                services.extend_hold(hold_id=pk, key=key, amount_micros=amount)
            return
        self.books.hold(held, amount)
        assert [services.extend_hold(hold_id=pk, key=key, amount_micros=amount) for _ in range(2)] == [held.left] * 2

    @precondition(lambda self: self.books.holds)
    @rule(number=pick, parts=st.lists(amounts, min_size=1, max_size=3), worker=who)
    def charge(self, number, parts, worker):
        self.charge_now(self.one_of(self.books.holds, number), parts, worker)

    def charge_now(self, hold: tuple, parts: list[int], worker: int) -> None:
        pk, held = hold
        charges = [
            Charge(
                key=self.key("charge"),
                hold_id=pk,
                charge_micros=part,
                worker_owner_id=self.people[worker].pk,
                shares_bp=SHARES,
                reference="",
            )
            for part in parts
        ]
        now = self.now
        if held.left < sum(parts):
            with pytest.raises(HoldTooSmall):
                services.charge_holds(charges=charges, now=now)
            return
        made, again = [services.charge_holds(charges=charges, now=now) for _ in range(2)]
        assert [each.charge_micros for each in made] == [each.charge_micros for each in again] == parts
        for each in charges:
            self.books.charge(each.key, held, each.charge_micros, worker, SHARES, now)

    @rule(index=who, worker=who, pieces=st.integers(1, 4))
    def spend_all(self, index, worker, pieces):
        """So that disputes find nothing left, and what was earned from it."""
        all_of_it = self.books.available(index)
        if all_of_it < pieces or index in self.limits or self.books.owed(index):
            return
        self.hold_now(index, all_of_it)
        rest = all_of_it - (pieces - 1) * (each := all_of_it // pieces)
        self.charge_now(list(self.books.holds.items())[-1], [rest, *[each] * (pieces - 1)], worker)

    @precondition(lambda self: self.books.charges)
    @rule(number=pick, amount=amounts)
    def charge_by_a_used_key(self, number, amount):
        key, charged = self.one_of(self.books.charges, number)
        pk = next(iter(self.books.holds))
        with pytest.raises(KeyReused):
            services.charge_hold(
                hold_id=pk,
                key=key,
                charge_micros=charged.micros + amount,
                worker_owner=self.people[0],
                shares_bp=SHARES,
                reference="",
                now=self.now,
            )

    @precondition(lambda self: self.books.holds)
    @rule(number=pick)
    def release(self, number):
        pk, held = self.one_of(self.books.holds, number)
        key = self.key("release")
        given = self.books.give_back(held)
        held.is_closed = True
        assert [services.release_hold(hold_id=pk, key=key) for _ in range(2)] == [given, 0]

    @precondition(lambda self: self.books.charges)
    @rule(number=pick, pending_only=st.booleans())
    def refund(self, number, pending_only):
        charge_key, charged = self.one_of(self.books.charges, number)
        refund = {"key": self.key("refund"), "charge_key": charge_key, "reason": "", "pending_only": pending_only}
        if not self.books.may_refund(charged):
            with pytest.raises(NotCharged):
                services.refund_charge(**refund)
            return
        has_matured = any(each.is_settled for each in charged.earned.values())
        given = 0 if pending_only and has_matured else charged.micros
        assert [services.refund_charge(**refund) for _ in range(2)] == [given] * 2
        if given:
            self.books.refund(charged)
            self.refunds.append((charged.owner, Clock.at, given))

    @rule(hours=st.sampled_from([1, 24, 73, 11 * 24, 11 * 24]))
    def wait(self, hours):
        """Until earnings of free money are due, of payments as well, or neither."""
        Clock.at += timedelta(hours=hours)
        now = self.now
        assert services.sweep_matured_earnings(now=now) == self.books.mature(now)
        self.expire()

    @precondition(lambda self: self.books.holds)
    @rule(number=pick)
    def expire_one(self, number):
        pk, _ = self.one_of(self.books.holds, number)
        Hold.objects.filter(pk=pk, closed_at=None).update(expires_at=self.now)
        self.expire()

    def expire(self) -> None:
        due = Hold.objects.filter(closed_at=None, expires_at__lte=self.now).values_list("pk", flat=True)
        given = [self.books.give_back(self.books.holds[pk]) for pk in due]
        assert services.sweep_expired_holds(now=self.now) == sum(micros > 0 for micros in given)

    @rule()
    def keep_days(self):
        keep_sums(self.now)
