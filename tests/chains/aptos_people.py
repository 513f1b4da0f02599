"""People of a test on Aptos: they sign with the keys of tests.users.wallets.Petra(seed) and pay over the node's REST interface."""

import time

import httpx
from aptos_sdk.account_address import AccountAddress
from aptos_sdk.bcs import Serializer
from aptos_sdk.ed25519 import PrivateKey
from aptos_sdk.transactions import EntryFunction, ModuleId, RawTransaction, SignedTransaction, TransactionPayload

from tests.aptos_node import SUBMISSION, USDT, AptosNode
from tests.users.wallets import Petra

TIMEOUT = httpx.Timeout(60.0)
TO_LIVE_SECONDS = 600
TRANSFER = "0x1::primary_fungible_store::transfer"


def key_of(seed: int) -> PrivateKey:
    return PrivateKey.from_hex("0x" + (bytes([seed]) * 32).hex(), strict=False)


def encoded(value) -> bytes:
    """An argument: an address ("0x…"), a whole number as u64, or a list of either."""
    writer = Serializer()
    if isinstance(value, list):
        writer.uleb128(len(value))
        return writer.output() + b"".join(encoded(item) for item in value)
    writer.struct(AccountAddress.from_str_relaxed(value)) if isinstance(value, str) else writer.u64(value)
    return writer.output()


def raw(node: AptosNode, seed: int, *arguments, function: str = TRANSFER, **more) -> RawTransaction:
    """`more`: sender, sequence_number, max_gas_amount, gas_unit_price, expiration, chain_id, where it is not the usual."""
    sender = more.get("sender", Petra(seed).address)
    module, _, name = function.rpartition("::")
    payload = TransactionPayload(EntryFunction(ModuleId.from_str(module), name, [], [encoded(value) for value in arguments]))
    return RawTransaction(
        AccountAddress.from_str_relaxed(sender),
        more.get("sequence_number", node.ledger.state.sequence_number(sender)),
        payload,
        more.get("max_gas_amount", 2_000),
        more.get("gas_unit_price", 100),
        more.get("expiration", int(time.time() + node.offset) + TO_LIVE_SECONDS),
        more.get("chain_id", node.chain_id),
    )


def signed(node: AptosNode, seed: int, *arguments, **more) -> bytes:
    """The bytes to submit."""
    transaction = raw(node, seed, *arguments, **more)
    return SignedTransaction(transaction, transaction.sign(key_of(seed))).bytes()


def submit(node: AptosNode, content: bytes) -> httpx.Response:
    return httpx.post(f"{node.url}/transactions", content=content, headers={"Content-Type": SUBMISSION}, timeout=TIMEOUT)


def pay(node: AptosNode, seed: int, to: str, amount: int, *, metadata: str = USDT) -> str:
    """Petra(seed) pays `amount` in the asset's smallest unit. Returns the transaction's hash."""
    answered = submit(node, signed(node, seed, metadata, to, amount))
    assert answered.status_code == 202, answered.text
    return answered.json()["hash"]
