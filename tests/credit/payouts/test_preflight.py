"""What would fail on the chain gets no number: it waits with a reason for operators, and holds up no other."""

import pytest
import rlp
from eth_utils import keccak

from credit.models import Payout, PayoutLane
from credit.payouts import evm_refusals, sending, treasury
from credit.payouts.evm import GAS_MAX, EvmLane
from credit.payouts.lanes import Order, Unreachable
from credit.services import payouts
from credit.services.withdrawals import refuse_withdrawal
from tests.chains.aptos_bcs import decode
from tests.chains.aptos_ledger import GAS_USED
from tests.credit.builders import NOW
from tests.credit.payouts.worlds import EvmWorld

database = pytest.mark.django_db(transaction=True)
SENDER, RECEIVER = "0x" + "01" * 20, "0x" + "02" * 20
ORDER = Order(number=0, contract="0x" + "03" * 20, to=RECEIVER, units=5)
REVERTED = {"error": {"code": 3, "message": "execution reverted: no"}}


def first_in(data: bytes, of: str) -> bool:
    return data.endswith(bytes.fromhex(of[2:]))


def words(answer: dict = REVERTED, **says) -> str:
    """Of a token that answers the named functions as given."""
    known = {
        keccak(text=f"{name.replace('_of_', '(').split('(')[0]}({'address' if '_of_' in name else ''})")[:4]: (name, value)
        for name, value in says.items()
    }

    def read(data: bytes) -> int | None:
        name, value = known.get(data[:4], ("", None))
        who = {"sender": SENDER, "receiver": RECEIVER}.get(name.partition("_of_")[2])
        return value if who is None or first_in(data, who) else 0

    return evm_refusals.refusal(answer, read=read, sender=SENDER, order=ORDER, asset=None).words


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ({"isBlackListed_of_receiver": 1}, "has blocked the address that it goes to"),
        ({"isBlacklisted_of_receiver": 1}, "has blocked the address that it goes to"),
        ({"isBlackListed_of_sender": 1}, "has blocked the sending wallet"),
        ({"paused": 1}, "is frozen by its issuer for everybody"),
        ({"balanceOf_of_sender": 4}, "has too little"),
        ({"balanceOf_of_sender": 5, "paused": 0}, "would not take the transfer: execution reverted: no"),
        ({}, "would not take the transfer: execution reverted: no"),
    ],
)
def test_a_token_is_asked_why(says, expected):
    assert expected in words(**says)


def test_the_reason_of_a_revert_is_read():
    text = b"frozen until May"
    data = "0x08c379a0" + (32).to_bytes(32, "big").hex() + len(text).to_bytes(32, "big").hex() + text.ljust(32, b"\0").hex()
    assert "frozen until May" in words({"error": {"code": 3, "message": "execution reverted", "data": data}})


def test_a_token_that_answers_no_is_told_from_one_that_answers_nothing():
    no, yes = (f"0x{number:064x}" for number in (0, 1))
    assert [evm_refusals.moves({"result": each}) for each in (no, yes, "0x")] == [False, True, True]
    assert "it answers no" in words({"result": no})


def test_a_node_in_trouble_is_no_refusal():
    with pytest.raises(Unreachable):
        words({"error": {"code": -32000, "message": "header not found"}})


@database
def test_what_the_issuer_has_frozen_waits_and_holds_up_no_other(on_aptos, aptos_pays):
    _, node = aptos_pays
    frozen, fine = (on_aptos.approved(next(on_aptos.world.fresh)) for _ in range(2))
    node.freeze(frozen.address)

    on_aptos.look()

    for payout in (frozen, fine):
        payout.refresh_from_db()
    assert (frozen.status, frozen.number, fine.number) == ("approved", None, 0)
    assert "has frozen the account that it goes to" in frozen.problem


@database
def test_a_frozen_sending_wallet_is_said(on_aptos, aptos_pays, settings):
    _, node = aptos_pays
    payout = on_aptos.approved(next(on_aptos.world.fresh))
    node.freeze(settings.APTOS_PAYOUT_ADDRESS)

    on_aptos.look()

    payout.refresh_from_db()
    assert "has frozen the sending wallet" in payout.problem


@database
def test_a_refusal_on_evm_waits_until_an_operator_refuses_it(on_evm, evm_chain, sam):
    payout = on_evm.approved("0x" + "0c" * 20)
    EvmWorld.fill(evm_chain, payout.address)

    on_evm.look()

    payout.refresh_from_db()
    assert (payout.status, payout.number) == ("approved", None)
    assert "would not take the transfer" in payout.problem
    assert refuse_withdrawal(operator=sam, payout_id=payout.pk, reason="Name another address.", now=NOW).status == "refused"


@database
def test_gas_is_by_the_estimate_on_evm(on_evm):
    payout = on_evm.approved(next(on_evm.world.fresh))
    on_evm.look()

    gas = int.from_bytes(rlp.decode(bytes(payout.transactions.get().signed)[1:])[4], "big")
    assert 45_000 < gas < GAS_MAX


@database
def test_gas_is_by_the_simulation_on_aptos(on_aptos):
    payout = on_aptos.approved(next(on_aptos.world.fresh))
    on_aptos.look()

    assert decode(bytes(payout.transactions.get().signed)).max_gas_amount == GAS_USED * 3 // 2


# Those that cannot go keep no other -------------------------------------------------------------------------------------


def frozen_ones(on_aptos, node, count: int) -> list:
    address = next(on_aptos.world.fresh)
    node.freeze(address)
    return [on_aptos.approved(address) for _ in range(count)]


@database
def test_however_many_are_refused_another_gets_its_turn(on_aptos, aptos_pays, monkeypatch):
    monkeypatch.setattr(sending, "CHOSEN_MAX", 3)
    frozen_ones(on_aptos, aptos_pays[1], 3)
    fine = on_aptos.approved(next(on_aptos.world.fresh))

    for _ in range(2):
        on_aptos.look()

    fine.refresh_from_db()
    assert fine.number == 0


@database
def test_a_look_asks_about_so_many_and_the_next_one_about_the_others(on_aptos, aptos_pays, monkeypatch):
    monkeypatch.setattr(treasury, "REFUSALS_MAX", 2)
    node = aptos_pays[1]
    frozen = frozen_ones(on_aptos, node, 3)

    on_aptos.look()
    assert [bool(problem) for problem in problems(frozen)] == [True, True, False]
    on_aptos.look()
    assert all(problems(frozen))


@database
def test_one_that_is_refused_waits_longer_each_time_an_hour_at_most(on_aptos, aptos_pays):
    (payout,) = frozen_ones(on_aptos, aptos_pays[1], 1)

    assert [minutes_kept(on_aptos, payout) for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@database
def test_what_lies_with_the_treasury_or_the_token_is_tried_again_soon(on_aptos, aptos_pays, settings):
    settings.PAYOUT_DAY_MAX_MICROS = 1
    full = on_aptos.approved(next(on_aptos.world.fresh))
    assert [minutes_kept(on_aptos, full) for _ in range(3)] == [1, 1, 1]

    settings.PAYOUT_DAY_MAX_MICROS = 10**12
    aptos_pays[1].freeze(settings.APTOS_PAYOUT_ADDRESS)
    assert [minutes_kept(on_aptos, full) for _ in range(3)] == [1, 1, 1]


@database
@pytest.mark.parametrize(
    "lets_go",
    [
        lambda payout, lane: payouts.try_again(payout_id=payout.pk, operator=payout.owner),
        lambda payout, lane: payouts.resume_lane(lane_id=lane.pk),
    ],
)
def test_an_operator_has_it_tried_at_once(on_aptos, aptos_pays, lets_go):
    node = aptos_pays[1]
    (payout,) = frozen_ones(on_aptos, node, 1)
    for _ in range(5):
        minutes_kept(on_aptos, payout)
    node.thaw(payout.address)
    on_aptos.look()
    assert "has frozen" in problems([payout])[0]

    assert lets_go(payout, PayoutLane.objects.get())
    on_aptos.look()

    payout.refresh_from_db()
    assert (payout.number, payout.problem, payout.refusals) == (0, "", 0)
    assert not payouts.try_again(payout_id=payout.pk, operator=payout.owner)


@database
def test_a_node_that_fails_over_some_keeps_no_other(on_evm, monkeypatch):
    """Geth says of an invalid opcode, and of what it cannot answer, the same."""
    monkeypatch.setattr(treasury, "SILENCES_MAX", 2)
    bad = [on_evm.approved(next(on_evm.world.fresh)) for _ in range(2)]
    fine = on_evm.approved(next(on_evm.world.fresh))
    preflight = EvmLane.preflight

    def fails(lane, order):
        if order.to in {payout.address for payout in bad}:
            raise Unreachable("eth_call: invalid opcode")
        return preflight(lane, order)

    monkeypatch.setattr(EvmLane, "preflight", fails)
    for _ in range(2):
        on_evm.look()

    fine.refresh_from_db()
    assert fine.number == 0
    assert "The node could not try it: eth_call: invalid opcode" in problems(bad)[0]


def problems(rows: list) -> list[str]:
    return [Payout.objects.get(pk=payout.pk).problem for payout in rows]


def minutes_kept(on_aptos, payout: Payout) -> float:
    """By the next look that tries it."""
    payout.refresh_from_db()
    on_aptos.now = max(on_aptos.now, payout.try_at)
    on_aptos.look()
    payout.refresh_from_db()
    assert payout.problem
    return (payout.try_at - on_aptos.now).total_seconds() / 60
