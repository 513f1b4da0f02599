"""Signed transactions of Aptos as a node receives them: BCS, decoded with aptos-sdk, the signature checked with libsodium."""

from dataclasses import dataclass, field
from hashlib import sha3_256

from aptos_sdk.account_address import AccountAddress
from aptos_sdk.authenticator import Authenticator
from aptos_sdk.bcs import Deserializer
from aptos_sdk.transactions import EntryFunction, SignedTransaction, TransactionPayload
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

TRANSACTION = sha3_256(b"APTOS::Transaction").digest() + b"\0"  # salt, and the variant of a user's transaction
ADDRESS, U64, U128, BOOL, STRING = "address", "u64", "u128", "bool", "string"
# What a node that ran Move would read from the modules: the functions of this stand-in and their arguments.
ENTRY_FUNCTIONS = {
    "0x1::primary_fungible_store::transfer": (ADDRESS, ADDRESS, U64),  # metadata, to, amount
    "0x1::aptos_account::transfer_fungible_assets": (ADDRESS, ADDRESS, U64),
    "0x1::aptos_account::batch_transfer_fungible_assets": (ADDRESS, [ADDRESS], [U64]),
    "0x1::fungible_asset::transfer": (ADDRESS, ADDRESS, U64),  # store, store, amount
    "0x1::aptos_account::transfer": (ADDRESS, U64),
    "0x1::aptos_account::transfer_coins": (ADDRESS, U64),
    "0x1::coin::transfer": (ADDRESS, U64),
}
VIEW_FUNCTIONS = {
    "0x1::primary_fungible_store::balance": (ADDRESS, ADDRESS),  # owner, metadata
    "0x1::coin::balance": (ADDRESS,),
    "0x1::fungible_asset::decimals": (ADDRESS,),
    "0x1::fungible_asset::is_frozen": (ADDRESS,),
}


class Undecodable(Exception):
    """Not one whole transaction in BCS, or of a kind that this stand-in does not know."""


@dataclass(frozen=True)
class Call:
    """An entry function and its arguments, decoded as far as the function is known."""

    function: str
    type_arguments: tuple[str, ...]
    arguments: tuple | None  # None: a function that nobody has published


@dataclass(frozen=True)
class Submitted:
    """One signed transaction."""

    content: bytes = field(repr=False)
    hash: str
    sender: str
    sequence_number: int
    max_gas_amount: int
    gas_unit_price: int
    expiration_secs: int
    chain_id: int
    call: Call
    public_key: bytes
    signature: bytes
    message: bytes = field(repr=False)  # what is signed

    @property
    def authentication_key(self) -> str:
        return "0x" + sha3_256(self.public_key + b"\0").hexdigest()

    def is_signed(self) -> bool:
        try:
            VerifyKey(self.public_key).verify(self.message, self.signature)
        except BadSignatureError:
            return False
        return True


def address_of(value: AccountAddress) -> str:
    return "0x" + value.address.hex()


def spoken(address: str) -> str:
    """As nodes print it: 0x1 for the special ones, 64 digits for the others."""
    return hex(int(address, 16)) if int(address, 16) < 16 else address


def decode(content: bytes) -> Submitted:
    """Raises Undecodable."""
    reader = Deserializer(content)
    try:
        signed = SignedTransaction.deserialize(reader)
    except Exception as error:  # the SDK raises whatever its parts raise
        raise Undecodable(f"Failed to deserialize input into SignedTransaction: {error}") from error
    if reader.remaining():
        raise Undecodable("Failed to deserialize input into SignedTransaction: remaining input")
    if (
        signed.authenticator.variant != Authenticator.ED25519
        or signed.transaction.payload.variant != TransactionPayload.SCRIPT_FUNCTION
    ):
        raise Undecodable("this stand-in knows entry functions signed with one Ed25519 key")
    raw, proof = signed.transaction, signed.authenticator.authenticator
    return Submitted(
        content=content,
        hash="0x" + sha3_256(TRANSACTION + content).hexdigest(),
        sender=address_of(raw.sender),
        sequence_number=raw.sequence_number,
        max_gas_amount=raw.max_gas_amount,
        gas_unit_price=raw.gas_unit_price,
        expiration_secs=raw.expiration_timestamps_secs,
        chain_id=raw.chain_id,
        call=call_of(raw.payload.value, ENTRY_FUNCTIONS),
        public_key=bytes(proof.public_key.key),
        signature=bytes(proof.signature.data()),
        message=raw.keyed(),
    )


def decode_view(content: bytes) -> Call:
    """The body of POST /view in BCS. Raises Undecodable."""
    reader = Deserializer(content)
    try:
        function = EntryFunction.deserialize(reader)
    except Exception as error:
        raise Undecodable(f"Failed to deserialize input into ViewFunction: {error}") from error
    return call_of(function, VIEW_FUNCTIONS)


def call_of(function: EntryFunction, known: dict) -> Call:
    name = f"{spoken(address_of(function.module.address))}::{function.module.name}::{function.function}"
    kinds = known.get(name)
    if kinds is not None and len(kinds) != len(function.args):
        raise Undecodable(f"{name} takes {len(kinds)} arguments, not {len(function.args)}")
    arguments = (
        None if kinds is None else tuple(read(kind, content) for kind, content in zip(kinds, function.args, strict=True))
    )
    return Call(name, tuple(str(tag) for tag in function.ty_args), arguments)


def read(kind, content: bytes):
    """One argument. Raises Undecodable unless it is whole and nothing follows."""
    reader = Deserializer(content)
    try:
        value = _read(kind, reader)
    except Exception as error:
        raise Undecodable(f"Failed to deserialize argument: {error}") from error
    if reader.remaining():
        raise Undecodable("Failed to deserialize argument: remaining input")
    return value


def _read(kind, reader: Deserializer):
    if isinstance(kind, list):
        return [_read(kind[0], reader) for _ in range(reader.uleb128())]
    if kind == ADDRESS:
        return address_of(AccountAddress.deserialize(reader))
    return reader.u64()
