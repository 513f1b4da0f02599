"""The local chain does what its users count on: payments, fees, finality and blocks that vanish."""

import subprocess
import sys

import pytest
import rlp
from eth_utils import keccak, to_bytes

from tests.chains.evm import Reverted, encoded

TREASURY = "0x" + "7e" * 20
TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()


def transfers(chain, token, until="latest") -> list[int]:
    """What the token's own events say that the treasury got."""
    topics = [TRANSFER, None, "0x" + TREASURY[2:].rjust(64, "0")]
    logs = chain.rpc("eth_getLogs", {"address": token.address, "topics": topics, "fromBlock": "0x0", "toBlock": until})
    return [int(log["data"], 16) for log in logs]


def test_a_payment_is_an_event_of_the_token(evm_chain):
    paid = evm_chain.pay(evm_chain.usdt, TREASURY, 5_000_000)

    assert int(evm_chain.rpc("eth_chainId"), 16) == evm_chain.chain_id
    assert evm_chain.receipt(paid)["status"] == "0x1"
    assert transfers(evm_chain, evm_chain.usdt) == [5_000_000]
    assert evm_chain.usdt.balance(TREASURY) == 5_000_000


def test_a_token_with_a_fee_delivers_less_than_was_sent(evm_chain):
    token = evm_chain.fee_token()

    evm_chain.pay(token, TREASURY, 1_000_000)

    assert transfers(evm_chain, token) == [990_000]


def test_what_a_reorg_takes_away_was_not_final(evm_chain):
    paid = evm_chain.pay(evm_chain.usdt, TREASURY, 5_000_000)
    evm_chain.mine(2)
    assert transfers(evm_chain, evm_chain.usdt, "finalized") == []

    evm_chain.reorg(3)

    assert evm_chain.receipt(paid) is None
    assert transfers(evm_chain, evm_chain.usdt) == []


def test_a_payment_becomes_final(evm_chain):
    evm_chain.pay(evm_chain.usdt, TREASURY, 5_000_000)

    evm_chain.mine(evm_chain.final_after - 1)
    assert transfers(evm_chain, evm_chain.usdt, "finalized") == []
    evm_chain.mine()

    assert transfers(evm_chain, evm_chain.usdt, "finalized") == [5_000_000]


def test_nobody_pays_what_he_does_not_have(evm_chain):
    with pytest.raises(Reverted):
        evm_chain.pay(evm_chain.usdt, TREASURY, 1, sender=TREASURY)


def test_a_person_signs_with_a_key_of_his_own(evm_chain):
    person = evm_chain.people[1]
    nonce = int(evm_chain.rpc("eth_getTransactionCount", person.address, "latest"), 16)
    data = encoded("transfer(address,uint256)", [TREASURY, 7])
    to, gwei = to_bytes(hexstr=evm_chain.usdt.address), 10**9
    fields = [evm_chain.chain_id, nonce, gwei, 100 * gwei, 200_000, to, 0, to_bytes(hexstr=data), []]
    signature = person.key.sign_msg_hash(keccak(b"\x02" + rlp.encode(fields)))

    raw = b"\x02" + rlp.encode([*fields, signature.v, signature.r, signature.s])

    assert evm_chain.mined(evm_chain.rpc("eth_sendRawTransaction", "0x" + raw.hex()))["from"] == person.address.lower()
    assert evm_chain.usdt.balance(TREASURY) == 7


def test_a_held_transaction_waits_and_may_be_dropped(evm_chain):
    evm_chain.hold()
    first, second = (evm_chain.pay(evm_chain.usdt, TREASURY, 5, sender=evm_chain.people[n].address) for n in (0, 1))
    assert evm_chain.receipt(first) is None

    evm_chain.drop(second)
    evm_chain.mine()

    assert evm_chain.receipt(first)["status"] == "0x1"
    assert evm_chain.receipt(second) is None


def test_every_test_finds_an_empty_treasury(evm_chain):
    assert evm_chain.usdt.balance(TREASURY) == 0


def test_the_chain_leaves_the_recursion_limit_of_the_tests_alone():
    """Deep JSON, which other tests send, would end a process that py_ecc (of web3 and eth_account) has been imported into."""
    code = "import sys; before = sys.getrecursionlimit(); import tests.chains.evm, tests.aptos_node; assert sys.getrecursionlimit() == before"
    subprocess.run([sys.executable, "-c", code], check=True)
