"""What would fail on the chain gets no number: it waits with a reason for operators, and holds up no other."""

import pytest
import rlp
from eth_utils import keccak

from credit.payouts import evm_refusals
from credit.payouts.evm import GAS_MAX
from credit.payouts.lanes import Order, Unreachable
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

    return evm_refusals.words(answer, read=read, sender=SENDER, order=ORDER, asset=None)


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
