"""What a payment does to its top-up and to the ledger, and that it does so once. No node is asked."""

import random
from datetime import timedelta

import pytest

from credit import services
from credit.chains import deposit_chains
from credit.codes import Kind
from credit.deposits import watching
from credit.deposits.evm import EvmReader
from credit.deposits.reading import Found, Position
from credit.errors import NotClaimable, TopUpRefused
from credit.models import Deposit, DepositCursor, TopUp, Transfer
from credit.services import deposits
from tests.credit.deposits.builders import HASH, NOON, STRANGER, announce, arrive, available, link, payment
from tests.overlap import overlapped

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def chain(evm_settings):
    return deposit_chains()[0]


@pytest.fixture
def wallet(alice):
    return link(alice, STRANGER)


def state(top_up: TopUp) -> tuple[str, int]:
    top_up.refresh_from_db()
    return top_up.status, top_up.received_micros


@pytest.mark.django_db
class AmountTests:
    def test_more_than_was_announced_is_credited(self, alice, wallet):
        top_up = announce(alice, now=NOON)
        arrive(payment(units=26_000_000))
        assert state(top_up) == ("credited", 26_000_000)
        assert (available(alice), top_up.extra_micros) == (26_000_000, 1_000_000)

    def test_less_is_credited_and_the_rest_may_follow(self, alice, wallet):
        top_up = announce(alice, now=NOON)
        arrive(payment(units=20_000_000))
        assert state(top_up) == ("underpaid", 20_000_000)
        arrive(payment(units=1_000_000, tx_hash="0x" + "01" * 32))
        assert state(top_up) == ("underpaid", 21_000_000)
        arrive(payment(units=4_000_000, tx_hash="0x" + "02" * 32))
        assert state(top_up) == ("credited", 25_000_000)
        assert available(alice) == 25_000_000

    def test_without_a_top_up_a_linked_wallet_is_credited_all_the_same(self, alice, wallet):
        assert arrive(payment(units=1)).status == "credited"
        assert available(alice) == 1

    @pytest.mark.parametrize("units", [0, 2**63, 2**256 - 1])
    def test_nothing_and_absurdly_much_are_not_counted(self, alice, wallet, units):
        assert arrive(payment(units=units)) is None
        assert Deposit.objects.count() == 0

    def test_two_payments_of_one_transaction_both_count(self, alice, wallet):
        arrive(payment(log_index=0))
        arrive(payment(log_index=1))
        assert available(alice) == 50_000_000


@pytest.mark.django_db
class TimeTests:
    def test_a_late_payment_of_a_known_sender_is_credited(self, alice, wallet, chain):
        top_up = announce(alice, now=NOON)
        DepositCursor.objects.create(
            chain=chain.key, asset=chain.assets[0].contract, position=1, head=1, final=1, read_at=NOON + 2 * HOUR
        )
        assert services.sweep_top_ups(now=NOON + 2 * HOUR) == 1
        assert state(top_up) == ("expired", 0)
        arrive(payment(mined_at=NOON + 3 * HOUR))
        assert state(top_up) == ("late", 25_000_000)
        assert available(alice) == 25_000_000

    def test_a_late_exact_amount_of_a_stranger_waits_to_be_claimed(self, alice):
        top_up = announce(alice, by="amount", now=NOON)
        deposit = arrive(payment(units=top_up.payable_micros, mined_at=NOON + HOUR + MINUTE))
        assert (deposit.status, available(alice)) == ("unclaimed", 0)

    def test_one_mined_in_time_and_seen_later_counts(self, alice):
        top_up = announce(alice, by="amount", now=NOON)
        TopUp.objects.update(status="expired")
        arrive(payment(units=top_up.payable_micros, mined_at=NOON + HOUR), now=NOON + 5 * HOUR)
        assert state(top_up) == ("credited", top_up.payable_micros)

    def test_nothing_expires_before_the_chain_was_read_past_its_end(self, alice, chain):
        top_up = announce(alice, by="amount", now=NOON)
        fields = {"position": 1, "head": 1, "final": 1, "read_at": NOON + HOUR}
        DepositCursor.objects.create(chain=chain.key, asset=chain.assets[0].contract, **fields)
        assert services.sweep_top_ups(now=NOON + 2 * HOUR) == 0
        DepositCursor.objects.update(read_at=NOON + HOUR + 2 * MINUTE)
        assert services.sweep_top_ups(now=NOON + 2 * HOUR) == 1
        assert state(top_up) == ("expired", 0)

    def test_a_named_transaction_that_no_block_has_is_given_up_after_a_day(self, alice):
        top_up = announce(alice, by="amount", now=NOON)
        services.name_transaction(top_up_id=top_up.pk, tx_hash=HASH, now=NOON)
        assert services.sweep_top_ups(now=NOON + 23 * HOUR) == 0
        assert services.sweep_top_ups(now=NOON + 25 * HOUR) == 1
        top_up.refresh_from_db()
        assert (top_up.status, top_up.failure) == ("failed", "not_found")


@pytest.mark.django_db
class WhoseTests:
    def test_the_sender_counts_before_the_amount(self, alice, chen, wallet):
        top_up = announce(chen, by="amount", now=NOON)
        arrive(payment(units=top_up.payable_micros))
        assert (available(alice), available(chen)) == (top_up.payable_micros, 0)

    def test_of_two_top_ups_the_one_that_names_the_transaction_is_answered(self, alice, wallet):
        first, second = announce(alice, now=NOON), announce(alice, key="form-2", now=NOON)
        services.name_transaction(top_up_id=first.pk, tx_hash=HASH, now=NOON)
        arrive(payment())
        assert (state(first)[0], state(second)[0]) == ("credited", "waiting")

    def test_of_two_top_ups_the_one_of_this_amount_is_answered(self, alice, wallet):
        first, second = announce(alice, 11_000_000, now=NOON), announce(alice, 12_000_000, key="form-2", now=NOON)
        arrive(payment(units=11_000_000))
        assert (state(first)[0], state(second)[0]) == ("credited", "waiting")

    def test_a_wallet_that_sent_again_for_more_fee_is_recognised(self, alice, wallet):
        top_up = announce(alice, now=NOON)
        services.name_transaction(top_up_id=top_up.pk, tx_hash="0x" + "01" * 32, now=NOON)
        arrive(payment())
        assert state(top_up) == ("credited", 25_000_000)
        assert top_up.tx_hash == HASH

    def test_given_up_and_paid_after_all(self, alice, wallet):
        top_up = announce(alice, now=NOON)
        services.give_up_top_up(top_up_id=top_up.pk, now=NOON)
        arrive(payment())
        assert (state(top_up)[0], available(alice)) == ("rejected", 25_000_000)

    def test_amounts_of_open_top_ups_differ(self, alice, chen):
        announce(alice, by="amount", now=NOON, draw=lambda _: 7)
        drawn = iter([7, 7, 8])
        second = announce(chen, by="amount", now=NOON, draw=lambda _: next(drawn))
        assert second.payable_micros == 25_000_009
        with pytest.raises(TopUpRefused, match="busy"):
            announce(chen, by="amount", now=NOON, key="form-2", draw=lambda _: 7)

    def test_an_amount_is_free_again_once_its_top_up_is_over(self, alice, chen):
        first = announce(alice, by="amount", now=NOON, draw=lambda _: 7)
        TopUp.objects.update(status="expired")
        second = announce(chen, by="amount", now=NOON + 2 * HOUR, draw=lambda _: 7)
        arrive(payment(units=second.payable_micros, mined_at=NOON + 2 * HOUR + MINUTE))
        assert (state(first)[0], state(second)[0], available(alice)) == ("expired", "credited", 0)


@pytest.mark.django_db(transaction=True)
class OnceTests:
    """Two processes see the same payment at the same time."""

    def test_it_is_written_down_once(self, alice, wallet, chain):
        def record():
            return services.record_payment(chain=chain, asset=chain.assets[0], payment=payment(), now=NOON)

        assert overlapped(record, record) is not None
        assert Deposit.objects.count() == 1

    def test_it_is_seen_and_settled_by_both_and_credited_once(self, alice, wallet):
        answer = overlapped(lambda: arrive(payment()), lambda: arrive(payment()))
        assert (answer.status, available(alice), Deposit.objects.count()) == ("credited", 25_000_000, 1)

    def test_two_settle_it(self, alice, wallet):
        deposit = arrive(payment(), final=0)

        def settle():
            return services.settle_deposit(deposit_id=deposit.pk, final=7, now=NOON)

        overlapped(settle, settle)
        assert available(alice) == 25_000_000
        assert Transfer.objects.filter(source__kind=Kind.CHAIN).count() == 1

    def test_two_claim_it_and_one_gets_it(self, alice, chen):
        deposit = arrive(payment())

        def claim(user):
            return lambda: services.claim_deposit(deposit_id=deposit.pk, user=user, now=NOON)

        assert isinstance(overlapped(claim(alice), claim(chen)), NotClaimable)
        assert (available(alice), available(chen)) == (25_000_000, 0)

    def test_a_form_sent_twice_begins_one(self, alice):
        first = overlapped(lambda: announce(alice, by="amount", now=NOON), lambda: announce(alice, by="amount", now=NOON))
        assert [first] == list(TopUp.objects.all())


@pytest.mark.django_db
class UnsettledTests:
    """What a stranger sends in dust, or what a reorg took along, keeps no other payment from being looked at."""

    def test_those_that_a_block_took_along_keep_no_other(self, chain):
        asset = chain.assets[0]
        for number in range(3):
            arrive(payment(tx_hash=f"0x{number:064x}"), final=0)
        for deposit in Deposit.objects.order_by("pk")[:2]:
            deposits.take_back_deposit(deposit_id=deposit.pk, now=NOON)
        asked = deposits.unsettled_deposits(chain=chain, asset=asset, now=NOON, limit=1)
        assert [deposit.status for deposit in asked] == ["seen", "gone"]

    def test_a_transaction_of_many_payments_is_asked_for_once(self, chain, monkeypatch):
        shown = tuple(payment(log_index=index, units=1) for index in range(5))
        for each in shown:
            arrive(each, final=0)
        asked = []
        monkeypatch.setattr(EvmReader, "transaction", lambda reader, tx_hash: asked.append(tx_hash) or Found(False, shown))
        reader = EvmReader(chain, chain.assets[0])
        watching._settle(reader, Position(head=9, final=9), chain, chain.assets[0], NOON)
        assert asked == [HASH]
        assert not Deposit.objects.filter(status="seen").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(12))
def test_in_any_order_each_payment_is_credited_at_most_once(alice, chen, chain, seed):
    """Blocks come, go and become final in any order, wallets are linked meanwhile; no micro is made or lost."""
    dice = random.Random(seed)
    senders = ["0x" + letter * 40 for letter in "123"]
    shown = [payment(sender=sender, units=10_000_000 + n, tx_hash=f"0x{n:064x}") for n, sender in enumerate(senders * 2)]
    announce(alice, 10_000_000, now=NOON)
    for _ in range(60):
        one, act = dice.choice(shown), dice.randrange(5)
        deposit = Deposit.objects.filter(tx_hash=one.tx_hash).first()
        if act < 2:
            arrive(one, final=dice.choice([0, 7]))
        elif act == 2 and deposit:
            deposits.take_back_deposit(deposit_id=deposit.pk, now=NOON)
        elif act == 3 and dice.random() < 0.2 and not deposits.wallet_owner(chain.key, one.sender):
            link(dice.choice([alice, chen]), one.sender)
        else:
            deposits.claim_of_linked_wallets(chain=chain, now=NOON)
    final = [row for row in Deposit.objects.all() if row.settled_at]
    came = Transfer.objects.filter(source__kind=Kind.CHAIN)
    assert sorted(row.amount_micros for row in came) == sorted(row.amount_micros for row in final)
    credited = sum(row.amount_micros for row in final if row.owner_id)
    assert available(alice) + available(chen) == credited
