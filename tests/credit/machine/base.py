"""Three people and two operators in one transaction that is rolled back, and the books beside the ledger."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from credit.codes import SPEND_ORDER, Bucket, Kind
from credit.models import Account
from credit.posting import chart_of
from credit.proof import FLOWS, differences
from tests.credit.builders import NOW, person
from tests.credit.machine.doubts import DoubtfulBooks

PEOPLE = 3
amounts = st.integers(1, 3_000)
who = st.integers(0, PEOPLE - 1)
pick = st.integers(0, 10_000)
buckets = st.sampled_from(SPEND_ORDER)
BALANCES = "SELECT owner_id, kind, bucket, balance_micros FROM credit_account WHERE owner_id IS NOT NULL"
SUMS = (
    FLOWS + "SELECT a.kind, a.bucket, f.net FROM flows f JOIN credit_account a ON a.id = f.account_id WHERE a.owner_id IS NULL"
)


class Clock:
    """The time of the machine: the site's clock while it runs. No two looks at it see the same moment."""

    at: ClassVar[datetime] = NOW

    @classmethod
    def now(cls) -> datetime:
        cls.at += timedelta(microseconds=1)
        return cls.at


class Counted:
    steps = 0


class Base(RuleBasedStateMachine):
    """What every rule has at hand."""

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        Clock.at, self.count, self.books = NOW, 0, DoubtfulBooks()
        self.people = [person(name) for name in ("alice", "wanda", "chen")]
        self.operators = [person(name, is_staff=True) for name in ("sam", "rita")]
        chart_of([user.pk for user in self.people])
        self.index = {user.pk: number for number, user in enumerate(self.people)}

    def teardown(self) -> None:
        try:
            self.all_laws_hold()
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)
            connection.run_on_commit.clear()

    @property
    def now(self) -> datetime:
        return Clock.now()

    def key(self, verb: str) -> str:
        self.count += 1
        return f"{verb}:{self.count}"

    def spendable(self, index: int, bucket: Bucket) -> int:
        return self.books.at[index, Kind.SPENDABLE, bucket]

    def rows(self, query: str) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    @invariant()
    def everybody_has_what_the_books_say(self) -> None:
        Counted.steps += 1
        kept = {(self.index[owner], kind, bucket): micros for owner, kind, bucket, micros in self.rows(BALANCES)}
        wrong = {place: (micros, self.books.at[place]) for place, micros in kept.items() if micros != self.books.at[place]}
        assert not wrong, f"(kept, in the books): {wrong}"
        owing = set(Account.objects.filter(in_debt=True).values_list("owner_id", flat=True))
        assert {self.index[owner] for owner in owing} == {number for number in range(PEOPLE) if self.books.owed(number)}

    def all_laws_hold(self) -> None:
        found = list(differences(Clock.at))
        assert not found, found
        summed = {(None, kind, bucket): int(net) for kind, bucket, net in self.rows(SUMS)}
        network = {place: micros for place, micros in self.books.at.items() if place[0] is None and micros}
        assert {place: micros for place, micros in summed.items() if micros} == network
