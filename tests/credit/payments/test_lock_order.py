"""What a dispute and a debt lock, they lock in the order of everybody else; and they may, as the app's SQL role.

Somebody takes the lock that comes first, waits until the verb waits, and takes the one that comes later. Each was seen to
fail by a deadlock, or by a refusal of PostgreSQL, before the verb kept the order.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from credit import services
from credit.codes import Bucket, Kind
from credit.models import Account, Earning, Payment, Transfer
from credit.payment_states import DisputeKind
from credit.posting import chart_of, lock_accounts
from credit.proof import differences
from credit.services.disputes import collect_debts, open_dispute, resolve_dispute
from credit.services.locks import lock_wallet
from tests.credit.builders import NOW, charge, hold, pay_by_provider, person, top_up
from tests.credit.test_commands import output_of
from tests.credit.test_races import race
from tests.overlap import until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)
ALL = {"worker": 10_000, "checkers": 0, "network": 0}


@pytest.fixture(autouse=True)
def in_order(transactional_db):
    yield
    assert list(differences(NOW)) == []


def dispute(payment: Payment):
    return open_dispute(
        payment_id=payment.pk,
        key=f"D-{payment.order_id}",
        kind=DisputeKind.DISPUTE,
        credit_micros=payment.amount_micros,
        now=NOW,
    )


def lose(payment: Payment) -> None:
    resolve_dispute(dispute_id=dispute(payment).pk, lost_micros=payment.amount_micros, now=NOW)


def spend(owner, worker, micros: int) -> None:
    key = f"job:{Transfer.objects.count()}"
    charge(hold(owner, micros, key=key), micros, worker, key=f"{key}:charge", shares_bp=ALL)


def in_the_middle(first: Callable[[], object], verb: Callable[[], object], second: Callable[[], object]):
    """`first`, then `verb` elsewhere until it waits, then `second` in the transaction of `first`; what `verb` returned."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            other = pool.submit(race, verb)
            until_somebody_waits()
            second()
        return other.result(60)[0]


def test_a_paid_debt_locks_all_whom_it_restores_in_one_order():
    bob, wanda, alice = person("bob"), person("wanda"), person("alice")
    chart = chart_of([bob.pk, wanda.pk])  # bob's accounts are the older ones
    first = pay_by_provider(alice, 100)
    spend(alice, wanda, 100)
    second = pay_by_provider(alice, 100)
    late = hold(alice, 100, key="late")
    lose(first)
    charge(late, 100, bob, key="late:charge", shares_bp=ALL)
    lose(second)
    assert {services.balance_of(user).pending_micros for user in (bob, wanda)} == {0}
    top_up(alice, 500)
    pending = [chart[user.pk, Kind.PENDING, Bucket.PURCHASED] for user in (bob, wanda)]
    taken = in_the_middle(
        lambda: lock_accounts(pending[:1]),
        lambda: collect_debts(owner_id=alice.pk, now=NOW),
        lambda: lock_accounts(pending[1:]),
    )
    assert taken == 200
    assert [services.balance_of(user).pending_micros for user in (bob, wanda)] == [100, 100]


def test_what_thaws_is_locked_before_wallets():
    alice, wanda = person("alice"), person("wanda")
    top_up(alice, 200)
    older = hold(alice, 200)
    payment = pay_by_provider(alice, 100)
    spend(alice, wanda, 100)
    opened = dispute(payment)
    frozen = Earning.objects.select_related("frozen").get(frozen__dispute=opened)
    charge(older, 100, wanda, key="newer:charge", shares_bp=ALL)  # fills what the dispute is about by itself
    ended = in_the_middle(
        lambda: Earning.objects.select_for_update().get(pk=frozen.pk),
        lambda: resolve_dispute(dispute_id=opened.pk, lost_micros=0, now=NOW),
        lambda: lock_wallet(alice.pk),
    )
    assert ended.status == "won"
    assert Earning.objects.get(pk=frozen.pk).matures_at == frozen.frozen.matures_at


def test_the_app_may_do_it_which_may_not_change_transfers():
    alice, wanda = person("alice"), person("wanda")
    payment = pay_by_provider(alice, 100)
    spend(alice, wanda, 60)
    role = f"disputes_of_{connection.settings_dict['NAME']}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        output_of("grant_app_role", role)
        cursor.execute(f"SET ROLE {role}")
        try:
            opened = dispute(payment)
            resolve_dispute(dispute_id=opened.pk, lost_micros=100, now=NOW)
            top_up(alice, 60)
            assert collect_debts(owner_id=alice.pk, now=NOW) == 60
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute(f"DROP OWNED BY {role}")
            cursor.execute(f"DROP ROLE {role}")
    assert Account.objects.get(owner=wanda, kind=Kind.PENDING, bucket=Bucket.PURCHASED).balance_micros == 60
