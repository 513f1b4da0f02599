"""Transactions of Aptos as bytes (BCS). `aptos_sdk` is imported when something is made, never in a web process."""

from datetime import datetime
from hashlib import sha3_256

from credit.payouts.lanes import Order


def raw_transfer(sender: str, order: Order, *, chain_id: int, price: int, gas: int, expires_at: datetime):
    """The RawTransaction of 0x1::primary_fungible_store::transfer."""
    from aptos_sdk.account_address import AccountAddress
    from aptos_sdk.bcs import Serializer
    from aptos_sdk.transactions import EntryFunction, RawTransaction, TransactionArgument, TransactionPayload
    from aptos_sdk.type_tag import StructTag, TypeTag

    metadata, receiver = AccountAddress.from_str_relaxed(order.contract), AccountAddress.from_str_relaxed(order.to)
    call = EntryFunction.natural(
        "0x1::primary_fungible_store",
        "transfer",
        [TypeTag(StructTag.from_str("0x1::fungible_asset::Metadata"))],
        [
            TransactionArgument(metadata, Serializer.struct),
            TransactionArgument(receiver, Serializer.struct),
            TransactionArgument(order.units, Serializer.u64),
        ],
    )
    return RawTransaction(
        AccountAddress.from_str_relaxed(sender),
        order.number,
        TransactionPayload(call),
        gas,
        price,
        int(expires_at.timestamp()),
        chain_id,
    )


def signed_bytes(raw, public_key: bytes, signature: bytes) -> bytes:
    """With the signature of one Ed25519 key."""
    from aptos_sdk.authenticator import Authenticator, Ed25519Authenticator
    from aptos_sdk.ed25519 import PublicKey, Signature
    from aptos_sdk.transactions import SignedTransaction
    from nacl.signing import VerifyKey

    proof = Ed25519Authenticator(PublicKey(VerifyKey(public_key)), Signature(signature))
    return SignedTransaction(raw, Authenticator(proof)).bytes()


def hash_of(data: bytes) -> str:
    """Of a signed transaction; known before it is sent."""
    return "0x" + sha3_256(sha3_256(b"APTOS::Transaction").digest() + b"\0" + data).hexdigest()
