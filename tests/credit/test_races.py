"""Many hands at once on PostgreSQL: threads with connections of their own, started together by a barrier."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction

from credit import services
from credit.codes import Bucket, Code, Kind
from credit.errors import HoldTooSmall, InsufficientCredit, KeyReused, NotCharged
from credit.models import Account, Earning, Hold, Transfer
from credit.posting import chart_of
from credit.proof import differences
from tests.credit.builders import NOW, charge, hold, person, promote, top_up
from tests.overlap import until_somebody_waits

PAST = NOW - timedelta(days=30)
pytestmark = pytest.mark.django_db(transaction=True)


def race(*verbs) -> list:
    """Run every verb in a thread of its own, all let go at once; what each returned or which exception it met."""
    gate = Barrier(len(verbs))

    def run(verb):
        try:
            connection.ensure_connection()
            gate.wait(30)
            return verb()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(verbs)) as pool:
        return list(pool.map(run, verbs))


def kinds(outcomes) -> Counter:
    return Counter(type(outcome) for outcome in outcomes)


@pytest.fixture(autouse=True)
def in_order(transactional_db):
    """Proves the ledger after every race."""
    yield
    assert list(differences(NOW)) == []


class TransferRaceTests:
    def test_eighty_transfers_in_opposite_directions_with_repeated_keys_move_each_key_once(self):
        alice = person("alice")
        top_up(alice, 1000)
        chart = chart_of([alice.pk])
        ends = [chart[alice.pk, Kind.SPENDABLE, Bucket.PURCHASED], chart[alice.pk, Kind.HOLDING, Bucket.PURCHASED]]
        # Twenty keys, each tried by four threads; even keys go one way, odd keys the other. No hold stands behind
        # these movements, so they are taken back before the proof.
        services.transfer(key="start", code=Code.HOLD, source=ends[0], target=ends[1], amount_micros=500)

        def move(number):
            source, target = ends if number % 2 else reversed(ends)
            return lambda: services.transfer(
                key=f"key:{number}", code=Code.HOLD, source=source, target=target, amount_micros=number + 1
            )

        outcomes = race(*[move(number) for number in range(20) for _ in range(4)])
        assert kinds(outcomes) == {Transfer: 80}
        assert len({outcome.pk for outcome in outcomes}) == 20
        held = Account.objects.get(pk=ends[1].pk).balance_micros
        assert held == 500 + sum((number + 1) * (1 if number % 2 else -1) for number in range(20))
        services.transfer(key="end", code=Code.RELEASE, source=ends[1], target=ends[0], amount_micros=held)

    def test_a_key_that_two_unrelated_movements_want_goes_to_one_of_them(self):
        alice, wanda = person("alice"), person("wanda")
        chart_of([alice.pk, wanda.pk])
        outcomes = race(
            *[
                lambda user=user: services.top_up_by_operator(user=user, amount_micros=5, key="payment:7", reason="")
                for user in (alice, wanda)
            ]
        )
        assert kinds(outcomes) == {Transfer: 1, KeyReused: 1}
        assert Transfer.objects.count() == 1

    def test_first_movements_of_one_user_make_the_accounts_once(self):
        alice = person("alice")
        outcomes = race(
            *[
                lambda number=number: services.top_up_by_operator(
                    user=alice, amount_micros=1, key=f"payment:{number}", reason=""
                )
                for number in range(8)
            ]
        )
        assert kinds(outcomes) == {Transfer: 8}
        assert services.balance_of(alice).available_micros == 8
        assert alice.accounts.count() == 9


class HoldRaceTests:
    def test_holds_never_take_more_than_there_is(self):
        alice = person("alice")
        top_up(alice, 100)
        outcomes = race(*[lambda number=number: hold(alice, 30, key=f"job:{number}:hold") for number in range(8)])
        assert kinds(outcomes) == {Hold: 3, InsufficientCredit: 5}
        assert services.balance_of(alice).available_micros == 10

    def test_one_key_opens_one_hold(self):
        alice = person("alice")
        top_up(alice, 100)
        outcomes = race(*[lambda: hold(alice, 30)] * 8)
        assert {outcome.pk for outcome in outcomes} == {Hold.objects.get().pk}
        assert services.balance_of(alice).held_micros == 30


class ChargeRaceTests:
    def test_one_key_is_charged_once(self):
        alice, wanda = person("alice"), person("wanda")
        top_up(alice, 1000)
        held = hold(alice, 1000)
        outcomes = race(*[lambda: charge(held, 100, wanda)] * 8)
        assert sorted(outcome.repeated for outcome in outcomes) == [False] + [True] * 7
        assert services.hold_remaining(held.pk) == 900
        assert services.balance_of(wanda).pending_micros == 60

    def test_charges_never_exceed_the_hold(self):
        alice, wanda = person("alice"), person("wanda")
        top_up(alice, 1000)
        held = hold(alice, 100)
        outcomes = race(*[lambda n=n: charge(held, 30, wanda, key=f"task:{n}:charge") for n in range(8)])
        assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 3
        assert kinds(outcomes)[HoldTooSmall] == 5

    def test_what_is_released_is_not_charged_as_well(self):
        alice, wanda = person("alice"), person("wanda")
        top_up(alice, 1000)
        held = hold(alice, 300)
        charges = [lambda n=n: charge(held, 100, wanda, key=f"task:{n}:charge") for n in range(4)]
        releases = [lambda: services.release_hold(hold_id=held.pk, key="job:1:release")] * 4
        outcomes = race(*charges, *releases)
        charged = sum(outcome.charge_micros for outcome in outcomes[:4] if not isinstance(outcome, Exception))
        assert charged + sum(outcomes[4:]) == 300
        assert services.balance_of(alice).available_micros == 1000 - charged

    def test_owners_who_render_for_each_other_do_not_lock_each_other_out(self):
        people = [person("alice"), person("wanda")]
        holds = []
        for each in people:
            top_up(each, 1000)
            holds.append(hold(each, 1000, key=f"job:{each.username}:hold"))
        verbs = [lambda n=n: charge(holds[n % 2], 10, people[1 - n % 2], key=f"task:{n}:charge") for n in range(24)]
        assert not [outcome for outcome in race(*verbs) if isinstance(outcome, Exception)]
        assert [services.balance_of(each).pending_micros for each in people] == [72, 72]


class CombinedRaceTests:
    """Verbs of one job in one transaction, met in the middle by a sweep that wants the same accounts."""

    @pytest.fixture
    def people(self):
        """Both have earnings that are due, and a hold; all promotional, so that a sweep fills the bucket a release fills."""
        people = [person("alice"), person("wanda")]
        for creator, owner in (people, reversed(people)):
            promote(creator, 1000)
            held = hold(creator, 500, key=f"job:{creator.username}:hold")
            charge(held, 100, owner, key=f"past:{creator.username}", now=PAST)
        return people

    def sweep_in_the_middle(self, first, second) -> int:
        """`first`, then a sweep begins and waits for its locks, then `second` in the same transaction."""
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                first()
                swept = pool.submit(race, lambda: services.sweep_matured_earnings(now=NOW))
                until_somebody_waits()
                second()
            return swept.result(30)[0]

    @pytest.mark.parametrize("creator", [0, 1])
    @pytest.mark.parametrize("owner", [0, 1])
    def test_extending_then_charging(self, people, creator, owner):
        held = Hold.objects.get(owner=people[creator])
        swept = self.sweep_in_the_middle(
            lambda: services.extend_hold(hold_id=held.pk, key="job:extend", amount_micros=10),
            lambda: charge(held, 20, people[owner]),
        )
        assert swept == 2

    @pytest.mark.parametrize("creator", [0, 1])
    @pytest.mark.parametrize("owner", [0, 1])
    def test_charging_then_releasing(self, people, creator, owner):
        held = Hold.objects.get(owner=people[creator])
        swept = self.sweep_in_the_middle(
            lambda: charge(held, 20, people[owner]),
            lambda: services.release_hold(hold_id=held.pk, key="job:release"),
        )
        assert swept == 2


class RefundRaceTests:
    def test_a_charge_is_refunded_once_whatever_the_keys(self):
        alice, wanda = person("alice"), person("wanda")
        top_up(alice, 1000)
        charge(hold(alice, 1000), 100, wanda)
        outcomes = race(
            *[lambda n=n: services.refund_charge(key=f"refund:{n}", charge_key="task:1:charge", reason="") for n in range(6)]
        )
        assert kinds(outcomes) == {int: 1, NotCharged: 5}
        assert services.balance_of(alice).available_micros == 100

    def test_an_earning_matures_or_is_reversed_never_both(self):
        alice, wanda = person("alice"), person("wanda")
        top_up(alice, 1000)
        held = hold(alice, 1000)
        for number in range(6):
            charge(held, 100, wanda, key=f"task:{number}:charge")
        due = Earning.objects.first().matures_at
        refunds = [
            lambda n=n: services.refund_charge(key=f"refund:{n}", charge_key=f"task:{n}:charge", reason="") for n in range(3)
        ]
        race(*refunds, *[lambda: services.sweep_matured_earnings(now=due)] * 3)
        services.sweep_matured_earnings(now=due)
        balance = services.balance_of(wanda)
        assert balance.pending_micros == 0
        assert balance.available_micros in {180, 240, 300, 360}
        assert services.balance_of(alice).available_micros == 300
