"""Random sequences of the ledger's verbs against a small model; the ledger is proved after every step."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from credit import services
from credit.codes import Bucket, Code, Kind
from credit.errors import HoldClosed, HoldTooSmall, InsufficientCredit, KeyReused, NotCharged
from credit.models import Account, Hold
from credit.posting import chart_of
from credit.proof import differences
from tests.credit.builders import NOW, SHARES, person

amounts = st.integers(1, 2_000)
who = st.integers(0, 1)
REFUSALS = (HoldClosed, HoldTooSmall, InsufficientCredit, KeyReused, NotCharged)


class LedgerMachine(RuleBasedStateMachine):
    """Two people who pay and render for each other. `worth` is what each should own in all: available, held and pending."""

    def __init__(self):
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.holds, self.charges, self.count, self.now = [], [], 0, NOW

    def teardown(self):
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def key(self, verb: str) -> str:
        self.count += 1
        return f"{verb}:{self.count}"

    @initialize()
    def meet(self):
        self.people = [person("alice"), person("wanda")]
        self.worth = [0, 0]

    @rule(index=who, amount=amounts, promotional=st.booleans())
    def add(self, index, amount, promotional):
        user, key = self.people[index], self.key("add")
        for _ in range(2):  # every addition is tried twice
            if promotional:
                services.grant_promotion(user=user, amount_micros=amount, key=key)
            else:
                services.top_up_by_operator(user=user, amount_micros=amount, key=key, reason="")
        self.worth[index] += amount

    @rule(index=who, amount=amounts)
    def transfer_too_much(self, index, amount):
        chart = chart_of([self.people[index].pk])
        source = chart[self.people[index].pk, Kind.SPENDABLE, Bucket.PURCHASED]
        target = chart[None, Kind.OPERATOR, Bucket.PURCHASED]
        too_much = Account.objects.get(pk=source.pk).balance_micros + amount
        with pytest.raises(InsufficientCredit):
            services.transfer(key=self.key("back"), code=Code.TOP_UP, source=source, target=target, amount_micros=too_much)

    @rule(index=who, amount=amounts)
    def hold(self, index, amount):
        available = services.balance_of(self.people[index]).available_micros
        try:
            opened = services.open_hold(key=self.key("hold"), owner=self.people[index], amount_micros=amount, purpose="")
            self.holds.append((index, opened.pk))
        except InsufficientCredit:
            assert available < amount

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=amounts)
    def extend(self, data, amount):
        _, pk = data.draw(st.sampled_from(self.holds))
        try:
            services.extend_hold(hold_id=pk, key=self.key("extend"), amount_micros=amount)
        except (InsufficientCredit, HoldClosed):
            pass

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=amounts, worker=who)
    def charge(self, data, amount, worker):
        index, pk = data.draw(st.sampled_from(self.holds))
        key, left = self.key("charge"), services.hold_remaining(pk)
        arguments = {"hold_id": pk, "key": key, "charge_micros": amount, "shares_bp": SHARES, "reference": "", "now": self.now}
        try:
            result = services.charge_hold(worker_owner=self.people[worker], **arguments)
            assert services.charge_hold(worker_owner=self.people[worker], **arguments).repeated
        except HoldTooSmall:
            assert left < amount
            return
        assert result.worker_micros + result.checkers_micros + result.network_micros == amount <= left
        self.worth[index] -= amount
        self.worth[worker] += result.worker_micros
        self.charges.append((key, index))

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data):
        _, pk = data.draw(st.sampled_from(self.holds))
        left = services.hold_remaining(pk)
        assert services.release_hold(hold_id=pk, key=self.key("release")) == left
        assert services.hold_remaining(pk) == 0

    @precondition(lambda self: self.charges)
    @rule(data=st.data())
    def refund(self, data):
        key, index = data.draw(st.sampled_from(self.charges))
        before = [self.total(user) for user in self.people]
        try:
            amount = services.refund_charge(key=self.key("refund"), charge_key=key, reason="")
        except NotCharged:
            return
        self.worth[index] += amount
        taken_back = sum(before) + amount - sum(self.total(user) for user in self.people)
        loser = next((n for n in (0, 1) if self.total(self.people[n]) != self.worth[n]), None)
        if taken_back:
            self.worth[loser] -= taken_back

    @rule(hours=st.integers(1, 100))
    def mature(self, hours):
        self.now += timedelta(hours=hours)
        services.sweep_matured_earnings(now=self.now)

    def total(self, user) -> int:
        balance = services.balance_of(user)
        return balance.available_micros + balance.held_micros + balance.pending_micros

    @invariant()
    def everybody_owns_what_they_should(self):
        assert [self.total(user) for user in self.people] == self.worth

    @invariant()
    def the_ledger_is_in_order(self):
        assert list(differences(NOW)) == []
        assert Hold.objects.filter(closed_at=None).count() <= len(self.holds)


@pytest.mark.django_db
def test_no_sequence_of_verbs_breaks_the_ledger():
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)),
    )
