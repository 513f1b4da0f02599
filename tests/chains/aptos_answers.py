"""Transactions and resources as a full node's REST interface shows them (tests/chains/aptos_rest.json holds them to it)."""

from hashlib import sha3_256
from typing import TYPE_CHECKING

from tests.chains.aptos_bcs import Submitted, spoken

if TYPE_CHECKING:
    from tests.chains.aptos_ledger import Move, Outcome, State, Store

MODULE_EVENT = {"creation_number": "0", "account_address": "0x0"}  # of events that no handle numbers
OBJECT = "0x1::object::ObjectCore"
STORE = "0x1::fungible_asset::FungibleStore"
METADATA = "0x1::fungible_asset::Metadata"
ACCOUNT = "0x1::account::Account"
EPOCH = 12_345


def made_up(*parts: object) -> str:
    """A hash that nothing here checks: of the accumulators and the state tree."""
    return "0x" + sha3_256(repr(parts).encode()).hexdigest()


def spoken_hash(content: str) -> str:
    return made_up("state key", content)


def common(version: int, what: str, gas_used: int = 0, vm_status: str = "Executed successfully") -> dict:
    return {
        "version": str(version),
        "hash": made_up(what, version),
        "state_change_hash": made_up("changes", version),
        "event_root_hash": made_up("events", version),
        "state_checkpoint_hash": None,
        "gas_used": str(gas_used),
        "success": vm_status == "Executed successfully",
        "vm_status": vm_status,
        "accumulator_root_hash": made_up("root", version),
        "changes": [],
    }


def block_metadata(version: int, height: int, moment: int) -> dict:
    return common(version, "block") | {
        "id": made_up("block", height),
        "epoch": str(EPOCH),
        "round": str(height),
        "events": [],
        "previous_block_votes_bitvec": [255],
        "proposer": "0x" + "99" * 32,
        "failed_proposer_indices": [],
        "timestamp": str(moment),
        "type": "block_metadata_transaction",
    }


def checkpoint(version: int, moment: int) -> dict:
    said = {"state_checkpoint_hash": made_up("checkpoint", version), "timestamp": str(moment)}
    return common(version, "checkpoint") | said | {"type": "state_checkpoint_transaction"}


def request(tx: Submitted) -> dict:
    """What the sender signed."""
    signature = {"public_key": "0x" + tx.public_key.hex(), "signature": "0x" + tx.signature.hex(), "type": "ed25519_signature"}
    return {
        "hash": tx.hash,
        "sender": spoken(tx.sender),
        "sequence_number": str(tx.sequence_number),
        "max_gas_amount": str(tx.max_gas_amount),
        "gas_unit_price": str(tx.gas_unit_price),
        "expiration_timestamp_secs": str(tx.expiration_secs),
        "payload": payload(tx),
        "signature": signature,
        "replay_protection_nonce": None,
    }


def payload(tx: Submitted) -> dict:
    function = {"function": tx.call.function, "type_arguments": [shown(tag) for tag in tx.call.type_arguments]}
    arguments = [argument(value) for value in tx.call.arguments or ()]
    return function | {"arguments": arguments, "type": "entry_function_payload"}


def shown(tag: str) -> str:
    """A type with its addresses as nodes print them."""
    address, _, rest = tag.partition("::")
    return f"{spoken(address)}::{rest}" if rest else tag


def argument(value):
    if isinstance(value, list):
        return [argument(item) for item in value]
    return str(value) if isinstance(value, int) else spoken(value)


def pending(tx: Submitted) -> dict:
    return request(tx) | {"type": "pending_transaction"}


def submitted(tx: Submitted) -> dict:
    """The answer to whoever submits one: what is pending, without its type."""
    return request(tx)


def committed(tx: Submitted, outcome: "Outcome", version: int, moment: int, state: "State") -> dict:
    said = common(version, tx.hash, outcome.gas_used, outcome.vm_status) | request(tx)
    said["changes"] = changes(tx, outcome.moves, state)
    said["events"] = [event for move in outcome.moves for event in moved(move)] + [fee_statement(outcome.gas_used)]
    return said | {"timestamp": str(moment), "type": "user_transaction"}


def event(kind: str, **data: str) -> dict:
    return {"guid": MODULE_EVENT, "sequence_number": "0", "type": kind, "data": data}


def moved(move: "Move") -> list[dict]:
    """Neither names an owner or an asset, as on the real chain."""
    return [
        event("0x1::fungible_asset::Withdraw", amount=str(move.amount), store=spoken(move.from_store)),
        event("0x1::fungible_asset::Deposit", amount=str(move.amount), store=spoken(move.to_store)),
    ]


def fee_statement(gas_used: int) -> dict:
    gas = {"execution_gas_units": "4", "io_gas_units": "5", "storage_fee_octas": "0", "storage_fee_refund_octas": "0"}
    return event("0x1::transaction_fee::FeeStatement", **gas, total_charge_gas_units=str(gas_used))


def changes(tx: Submitted, moves: list["Move"], state: "State") -> list[dict]:
    """Every store that was touched, and the sender's number."""
    touched = dict.fromkeys(store for move in moves for store in (move.from_store, move.to_store))
    written = [change(store, resource) for store in touched for resource in of_store(state.stores[store])]
    return [*written, change(tx.sender, account(tx.sender, tx.sequence_number + 1, tx.authentication_key))]


def change(address: str, resource: dict) -> dict:
    key = spoken_hash(address + resource["type"])
    return {"address": spoken(address), "state_key_hash": key, "data": resource, "type": "write_resource"}


def of_store(store: "Store") -> list[dict]:
    events = {"counter": "0", "guid": {"id": {"addr": spoken(store.owner), "creation_num": "1125899906842624"}}}
    owned = {"allow_ungated_transfer": False, "guid_creation_num": "1125899906842625", "owner": spoken(store.owner)}
    held = {"balance": str(store.balance), "frozen": store.is_frozen, "metadata": {"inner": spoken(store.metadata)}}
    return [{"type": STORE, "data": held}, {"type": OBJECT, "data": owned | {"transfer_events": events}}]


def account(address: str, sequence_number: int, key: str) -> dict:
    said = {"authentication_key": key, "guid_creation_num": "4", "sequence_number": str(sequence_number)}
    return {"type": ACCOUNT, "data": said}


def metadata(asset) -> dict:
    said = {"name": asset.name, "symbol": asset.symbol, "decimals": asset.decimals, "icon_uri": "", "project_uri": ""}
    return {"type": METADATA, "data": said}
