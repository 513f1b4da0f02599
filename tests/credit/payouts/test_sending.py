"""Sending on both chains: what each does when something is odd. Crashes are in test_crashes."""

from datetime import timedelta

import pytest

from credit import background, services
from credit.models import Payout, PayoutBatch, PayoutLane, PayoutTransaction
from credit.payouts import sending
from credit.payouts.lanes import Unreachable, WrongChain
from credit.payouts.signer import NoSigner, Secp256k1KeyFile
from credit.services import payouts
from tests.aptos_node import USDT
from tests.chains.aptos_people import pay
from tests.credit.payouts.conftest import WALLET, key_file
from tests.users.wallets import Petra

pytestmark = pytest.mark.django_db(transaction=True)


def prices(payout) -> list[int]:
    return [int(row.gas_price) for row in payout.transactions.all()]


def test_a_payout_is_sent_then_confirmed(paying):
    payout = paying.approved(next(paying.world.fresh))

    paying.settle()

    paying.check([payout])
    assert payout.transactions.get().outcome == "paid"
    assert PayoutBatch.objects.get().count == 1


def test_what_the_chain_refuses_comes_back_with_its_fee(paying):
    before = services.balance_of(paying.owner).withdrawable_micros
    payout = paying.approved(paying.world.refused)

    paying.settle()

    payout.refresh_from_db()
    assert payout.status == "returned"
    assert payout.reason
    assert services.balance_of(paying.owner).withdrawable_micros == before


def test_nobody_is_told_that_it_arrived_before_it_is_final(on_evm, evm_chain):
    payout = on_evm.approved(next(on_evm.world.fresh))
    on_evm.look()
    evm_chain.mine(2)
    on_evm.look()
    payout.refresh_from_db()
    assert payout.status == "sent"

    sent = payout.transactions.get().hash
    evm_chain.reorg(evm_chain.height - evm_chain.block_of(sent) + 1)
    evm_chain.drop(sent)
    on_evm.look()
    payout.refresh_from_db()
    assert payout.status in ("sending", "sent")  # the same bytes were sent again
    on_evm.settle()
    on_evm.check([payout])
    assert payout.transactions.count() == 1


def test_a_transaction_that_waits_too_long_is_replaced_under_its_number(on_evm, evm_chain):
    payout = on_evm.approved(next(on_evm.world.fresh))
    evm_chain.hold()
    on_evm.look()
    for _ in range(2):
        on_evm.now += timedelta(minutes=10)
        on_evm.look()
    evm_chain.release()
    on_evm.settle()

    on_evm.check([payout])
    first, second, third = prices(payout)
    assert first < second < third
    assert [row.outcome for row in payout.transactions.all()].count("paid") == 1


def test_a_price_has_a_ceiling(on_evm, evm_chain, settings):
    settings.EVM_PAYOUT_GWEI_MAX = 3
    payout = on_evm.approved(next(on_evm.world.fresh))
    evm_chain.hold()
    for _ in range(5):
        on_evm.look()
        on_evm.now += timedelta(minutes=10)

    assert max(prices(payout)) <= 3 * 10**9


def test_a_key_that_somebody_else_uses_stops_the_lane(on_evm, evm_chain):
    on_evm.approved(next(on_evm.world.fresh))
    on_evm.settle()
    evm_chain.pay(evm_chain.usdt, evm_chain.people[0].address, 1, sender=evm_chain.people[WALLET].address)
    waiting = on_evm.approved(next(on_evm.world.fresh))

    on_evm.look()
    on_evm.look()

    waiting.refresh_from_db()
    assert (waiting.status, waiting.number) == ("approved", None)
    assert "somebody else uses the key" in PayoutLane.objects.get().stopped_because


def test_a_number_that_somebody_else_used_stops_the_lane_and_nothing_comes_back(on_evm, evm_chain):
    payout = on_evm.approved(next(on_evm.world.fresh))
    evm_chain.hold()
    on_evm.look()
    evm_chain.drop(payout.transactions.get().hash)
    evm_chain.release()
    evm_chain.pay(evm_chain.usdt, evm_chain.people[0].address, 1, sender=evm_chain.people[WALLET].address)
    evm_chain.finalize()
    on_evm.look()

    payout.refresh_from_db()
    lane = PayoutLane.objects.get()
    assert (payout.status, bool(lane.stopped_at)) == ("sending", True)
    assert payouts.resume_lane(lane_id=lane.pk)
    on_evm.look()
    assert PayoutLane.objects.get().stopped_at


def test_the_same_on_aptos(on_aptos, aptos_pays):
    _, node = aptos_pays
    payout = on_aptos.approved(next(on_aptos.world.fresh))
    node.hold()
    on_aptos.look()
    node.drop(payout.transactions.get().hash)
    node.commit()
    pay(node, WALLET + 1, "0x" + "1" * 64, 5)
    on_aptos.look()

    payout.refresh_from_db()
    assert (payout.status, bool(PayoutLane.objects.get().stopped_at)) == ("sending", True)


def test_aptos_signs_anew_only_after_the_first_can_never_land(on_aptos, aptos_pays):
    _, node = aptos_pays
    payout = on_aptos.approved(next(on_aptos.world.fresh))
    node.hold()
    on_aptos.look()
    node.advance(60)
    on_aptos.look()
    assert payout.transactions.count() == 1

    node.advance(60)
    on_aptos.look()
    assert payout.transactions.count() == 2
    node.commit()
    on_aptos.settle()
    on_aptos.check([payout])
    assert node.balance(payout.address, USDT) == payout.units


@pytest.mark.parametrize(("asset", "gas", "words"), [(1.0, 1.0, "too little USDT"), (100.0, 0.000001, "for gas")])
def test_a_treasury_that_cannot_pay_keeps_it_and_says_so(on_aptos, aptos_pays, settings, tmp_path, asset, gas, words):
    _, node = aptos_pays
    wallet = Petra(77)
    node.fund(wallet.address, apt=gas, usdt=asset)
    settings.APTOS_PAYOUT_ADDRESS = wallet.address
    settings.APTOS_PAYOUT_KEY_FILE = str(key_file(tmp_path, bytes(wallet.key)))
    payout = on_aptos.approved(next(on_aptos.world.fresh), 5_000_000)

    on_aptos.look()
    payout.refresh_from_db()
    assert (payout.status, payout.number) == ("approved", None)
    assert words in payout.problem

    node.fund(wallet.address, apt=1, usdt=100)
    on_aptos.settle()
    on_aptos.check([payout])


def test_a_day_has_a_limit_and_small_ones_go_past_a_large_one(on_aptos, settings):
    settings.PAYOUT_DAY_MAX_MICROS = 10_000_000
    large = on_aptos.approved(next(on_aptos.world.fresh), 20_000_000)
    small = on_aptos.approved(next(on_aptos.world.fresh), 5_000_000)

    on_aptos.look()

    large.refresh_from_db()
    small.refresh_from_db()
    assert (large.status, small.status) == ("approved", "sending")
    assert "24 hours" in large.problem


def test_a_node_that_is_down_or_on_another_chain_moves_nothing(on_aptos, aptos_pays):
    _, node = aptos_pays
    on_aptos.approved(next(on_aptos.world.fresh))
    for sick, error in ({"status": 503}, Unreachable), ({"chain_id": 1}, WrongChain):
        for name, value in sick.items():
            healthy = getattr(node, name)
            setattr(node, name, value)
            with pytest.raises(error):
                sending.pay_out(on_aptos.chain, on_aptos.now)
            setattr(node, name, healthy)
    assert not PayoutTransaction.objects.exists()
    assert Payout.objects.get().status == "approved"


def test_another_key_than_the_sending_address_signs_nothing(on_evm, settings, tmp_path):
    on_evm.approved(next(on_evm.world.fresh))
    settings.EVM_PAYOUT_KEY_FILE = str(key_file(tmp_path, b"\x07" * 32))

    with pytest.raises(WrongChain):
        sending.pay_out(on_evm.chain, on_evm.now)
    assert not PayoutTransaction.objects.exists()


def test_a_key_file_that_others_may_read_is_refused(tmp_path):
    path = key_file(tmp_path, b"\x07" * 32)
    path.chmod(0o640)

    with pytest.raises(NoSigner, match="chmod 600"):
        Secp256k1KeyFile(str(path))


def test_the_signer_signs_no_more_than_it_may(tmp_path, settings):
    settings.PAYOUT_MAX_MICROS = 10
    signer = Secp256k1KeyFile(str(key_file(tmp_path, b"\x07" * 32)))

    assert len(signer.sign(b"\x01" * 32, worth_micros=10)) == 65
    with pytest.raises(NoSigner):
        signer.sign(b"\x01" * 32, worth_micros=11)


def test_the_sweep_goes_on_where_a_chain_does_not_answer(on_aptos, aptos_pays):
    _, node = aptos_pays
    payout = on_aptos.approved(next(on_aptos.world.fresh))
    node.status = 503
    background.sweep_payouts()
    node.status = 200
    background.sweep_payouts()
    background.sweep_payouts()

    on_aptos.check([payout])
