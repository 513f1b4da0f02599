"""The local chain does what its users count on: payments, fees, finality and blocks that vanish."""

import pytest
from web3 import HTTPProvider, Web3
from web3.exceptions import TransactionNotFound

from tests.chains.evm import CONTRACTS, Reverted
from tests.users.wallets import MetaMask

TREASURY = "0x" + "7e" * 20


@pytest.fixture
def web3(evm_chain) -> Web3:
    return Web3(HTTPProvider(evm_chain.url, request_kwargs={"timeout": 60}))


def transfers(web3, token, block="latest") -> list[int]:
    contract = web3.eth.contract(address=token.address, abi=CONTRACTS["TestToken"]["abi"])
    found = contract.events.Transfer().get_logs(
        from_block=0, to_block=block, argument_filters={"to": Web3.to_checksum_address(TREASURY)}
    )
    return [event["args"]["value"] for event in found]


def test_a_payment_is_an_event_of_the_token(evm_chain, web3):
    paid = evm_chain.pay(evm_chain.usdt, TREASURY, 5_000_000)

    assert web3.eth.chain_id == evm_chain.chain_id
    assert web3.eth.get_transaction_receipt(paid)["status"] == 1
    assert transfers(web3, evm_chain.usdt) == [5_000_000]
    assert evm_chain.usdt.balance(TREASURY) == 5_000_000


def test_a_token_with_a_fee_delivers_less_than_was_sent(evm_chain, web3):
    token = evm_chain.fee_token()

    evm_chain.pay(token, TREASURY, 1_000_000)

    assert transfers(web3, token) == [990_000]


def test_what_a_reorg_takes_away_was_not_final(evm_chain, web3):
    paid = evm_chain.pay(evm_chain.usdt, TREASURY, 5_000_000)
    evm_chain.mine(2)
    assert transfers(web3, evm_chain.usdt, "finalized") == []

    evm_chain.reorg(3)

    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction_receipt(paid)
    assert transfers(web3, evm_chain.usdt) == []


def test_a_payment_becomes_final(evm_chain, web3):
    evm_chain.pay(evm_chain.usdt, TREASURY, 5_000_000)

    evm_chain.mine(evm_chain.final_after - 1)
    assert transfers(web3, evm_chain.usdt, "finalized") == []
    evm_chain.mine()

    assert transfers(web3, evm_chain.usdt, "finalized") == [5_000_000]


def test_nobody_pays_what_he_does_not_have(evm_chain):
    with pytest.raises(Reverted):
        evm_chain.pay(evm_chain.usdt, TREASURY, 1, sender=TREASURY)


def test_a_person_signs_with_a_key_of_his_own(evm_chain, web3):
    person = evm_chain.people[1]
    assert person.address == MetaMask(2).address
    transfer = web3.eth.contract(address=evm_chain.usdt.address, abi=CONTRACTS["TestToken"]["abi"]).functions.transfer
    call = transfer(Web3.to_checksum_address(TREASURY), 7).build_transaction(
        {"from": person.address, "nonce": web3.eth.get_transaction_count(person.address), "chainId": evm_chain.chain_id}
    )

    sent = web3.eth.send_raw_transaction(person.sign_transaction(call).raw_transaction)

    assert web3.eth.wait_for_transaction_receipt(sent, timeout=60)["status"] == 1
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
