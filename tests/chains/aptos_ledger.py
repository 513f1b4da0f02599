"""The state of a small Aptos chain and the rules by which transactions change it.

What a validator checks before it takes a transaction is checked; what Move would run are transfers of fungible assets. Final at
once, in blocks as the real chain has them: metadata, transactions, a checkpoint. Gas is a constant.
"""

import copy
import itertools
import threading
from dataclasses import dataclass, field
from hashlib import sha3_256

from tests.chains import aptos_answers as answers
from tests.chains.aptos_bcs import Submitted

APT = "0x" + "a".zfill(64)  # the metadata object of the chain's own coin
USDT = "0x357b0b74bc833e95a115ad22604854d6b0fca151cecd94111770e5d6ffc9dc2b"
GAS_USED = 545  # units, as a transfer to a new store takes
GAS_PRICE_MIN = 100  # octas
FIRST_VERSION = 7_000_000  # what is older was pruned
IN_POOL_MAX = 100  # of one sender
OK = "Executed successfully"
NOT_ENOUGH = "Move abort in 0x1::fungible_asset: EINSUFFICIENT_BALANCE(0x10004): Insufficient balance to withdraw or transfer."
FROZEN = "Move abort in 0x1::fungible_asset: ESTORE_IS_FROZEN(0x50003): Store is disabled from sending and receiving this fungible asset."
UNKNOWN_FUNCTION = "Transaction Executed and Committed with Error FUNCTION_RESOLUTION_FAILURE"
OUT_OF_GAS = "Out of gas"
# Validation, by the numbers of the VM's status codes.
CODES = {
    "INVALID_SIGNATURE": 1,
    "INVALID_AUTH_KEY": 2,
    "SEQUENCE_NUMBER_TOO_OLD": 3,
    "SEQUENCE_NUMBER_TOO_NEW": 4,
    "INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE": 5,
    "TRANSACTION_EXPIRED": 6,
    "GAS_UNIT_PRICE_BELOW_MIN_BOUND": 15,
    "BAD_CHAIN_ID": 23,
}


class Refused(Exception):
    """The node does not take the transaction: an error code of the REST interface, and of the VM where it is its word."""

    def __init__(self, error_code: str, message: str, vm_error_code: int | None = None) -> None:
        super().__init__(message)
        self.error_code, self.message, self.vm_error_code = error_code, message, vm_error_code


def invalid(name: str) -> Refused:
    return Refused("vm_error", f"Invalid transaction: Type: Validation Code: {name}", CODES[name])


class Aborted(Exception):
    """The transaction is committed as a failed one; the text is its vm_status."""


def primary_store(owner: str, metadata: str) -> str:
    return "0x" + sha3_256(bytes.fromhex(owner[2:]) + bytes.fromhex(metadata[2:]) + b"\xfc").hexdigest()


@dataclass
class Store:
    owner: str
    metadata: str
    balance: int = 0
    is_frozen: bool = False


@dataclass(frozen=True)
class Asset:
    name: str
    symbol: str
    decimals: int


@dataclass(frozen=True)
class Move:
    """One transfer inside a transaction."""

    from_store: str
    to_store: str
    amount: int


@dataclass
class Outcome:
    moves: list[Move]
    gas_used: int
    vm_status: str = OK


@dataclass
class State:
    stores: dict[str, Store] = field(default_factory=dict)
    sequence_numbers: dict[str, int] = field(default_factory=dict)

    def store(self, owner: str, metadata: str) -> str:
        """The address of an account's primary store, opened at first use."""
        address = primary_store(owner, metadata)
        self.stores.setdefault(address, Store(owner, metadata))
        return address

    def sequence_number(self, address: str) -> int:
        return self.sequence_numbers.get(address, 0)

    def apply(self, moves: list[Move]) -> None:
        """Raises Aborted; the caller throws the state away then."""
        for move in moves:
            giver, taker = self.stores[move.from_store], self.stores[move.to_store]
            if giver.is_frozen or taker.is_frozen:
                raise Aborted(FROZEN)
            if giver.balance < move.amount:
                raise Aborted(NOT_ENOUGH)
            giver.balance -= move.amount
            taker.balance += move.amount


class Ledger:
    """`seconds()` is the chain's clock. Every method may be called from any thread."""

    def __init__(self, seconds) -> None:
        self.seconds = seconds
        self.chain_id = 2
        self.keys: dict[str, str] = {}  # where an account's authentication key is not its address
        self.assets = {APT: Asset("Aptos Coin", "APT", 8), USDT: Asset("Tether USD", "USDt", 6)}
        self.state = State()
        self.transactions: list[dict] = []
        self.blocks = 0
        self.pool: dict[str, Submitted] = {}  # by hash
        self.oldest_version = FIRST_VERSION
        self.aborts: list[str] = []  # what the next transactions end with
        self.lock = threading.RLock()
        self.block([])

    # What is there ----------------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        return FIRST_VERSION + len(self.transactions) - 1

    def microseconds(self) -> int:
        return int(self.seconds() * 1_000_000)

    def key(self, address: str) -> str:
        return self.keys.get(address, address)

    def balance(self, owner: str, metadata: str) -> int:
        store = self.state.stores.get(primary_store(owner, metadata))
        return store.balance if store else 0

    def by_hash(self, wanted: str) -> dict | None:
        self.forget_expired()
        if pending := self.pool.get(wanted):
            return answers.pending(pending)
        return next((transaction for transaction in self.transactions if transaction["hash"] == wanted), None)

    def by_sender(self, address: str, start: int, limit: int) -> list[dict]:
        sent = (tx for tx in self.transactions if tx.get("sender") == address)
        return list(itertools.islice((tx for tx in sent if int(tx["sequence_number"]) >= start), limit))

    # Taking a transaction ---------------------------------------------------------------------------------------------

    def check(self, tx: Submitted) -> None:
        """What a node checks before it takes one. Raises Refused."""
        if tx.chain_id != self.chain_id:
            raise invalid("BAD_CHAIN_ID")
        if not tx.is_signed():
            raise invalid("INVALID_SIGNATURE")
        if tx.authentication_key != self.key(tx.sender):
            raise invalid("INVALID_AUTH_KEY")
        if tx.expiration_secs <= self.seconds():
            raise invalid("TRANSACTION_EXPIRED")
        if tx.sequence_number < self.state.sequence_number(tx.sender):
            raise invalid("SEQUENCE_NUMBER_TOO_OLD")
        if tx.gas_unit_price < GAS_PRICE_MIN:
            raise invalid("GAS_UNIT_PRICE_BELOW_MIN_BOUND")
        if self.balance(tx.sender, APT) < tx.max_gas_amount * tx.gas_unit_price:
            raise invalid("INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE")

    def submit(self, tx: Submitted) -> None:
        """Into the pool. The same bytes again are taken again; others with their number are not. Raises Refused."""
        self.forget_expired()
        if tx.hash in self.pool:
            return
        self.check(tx)
        waiting = [other for other in self.pool.values() if other.sender == tx.sender]
        if any(other.sequence_number == tx.sequence_number for other in waiting):
            raise Refused("invalid_transaction_update", "Transaction already in mempool with a different payload")
        if len(waiting) >= IN_POOL_MAX:
            raise Refused("mempool_is_full", "Mempool is full: Account is at capacity")
        self.pool[tx.hash] = tx

    def forget_expired(self) -> None:
        self.pool = {key: tx for key, tx in self.pool.items() if tx.expiration_secs > self.seconds()}

    def commit(self) -> None:
        """A block of everything in the pool whose turn it is."""
        self.forget_expired()
        ready: list[Submitted] = []
        numbers = dict(self.state.sequence_numbers)
        for tx in sorted(self.pool.values(), key=lambda tx: (tx.sender, tx.sequence_number)):
            if tx.sequence_number == numbers.get(tx.sender, 0):
                ready.append(tx)
                numbers[tx.sender] = tx.sequence_number + 1
        for tx in ready:
            del self.pool[tx.hash]
        if ready:
            self.block(ready)

    def block(self, transactions: list[Submitted]) -> None:
        moment = self.microseconds()
        self.blocks += 1
        self.transactions.append(answers.block_metadata(self.version + 1, self.blocks, moment))
        for tx in transactions:
            outcome = self.execute(tx, self.state)
            self.transactions.append(answers.committed(tx, outcome, self.version + 1, moment, self.state))
        self.transactions.append(answers.checkpoint(self.version + 1, moment))

    def simulate(self, tx: Submitted) -> dict:
        state, aborts = copy.deepcopy(self.state), list(self.aborts)
        outcome = self.execute(tx, state)
        self.aborts = aborts  # those are of transactions
        answer = answers.committed(tx, outcome, self.version, self.microseconds(), state)
        return {name: value for name, value in answer.items() if name != "type"}

    # Running it -------------------------------------------------------------------------------------------------------

    def execute(self, tx: Submitted, state: State) -> Outcome:
        """The moves happen all or none; gas is paid and the number is used in any case."""
        state.sequence_numbers[tx.sender] = tx.sequence_number + 1
        outcome = self.attempt(tx, state)
        state.stores[state.store(tx.sender, APT)].balance -= outcome.gas_used * tx.gas_unit_price
        return outcome

    def attempt(self, tx: Submitted, state: State) -> Outcome:
        if tx.max_gas_amount < GAS_USED:
            return Outcome([], tx.max_gas_amount, OUT_OF_GAS)
        trial = copy.deepcopy(state)
        try:
            if self.aborts:
                raise Aborted(self.aborts.pop(0))
            moves = self.moves(tx, trial)
            trial.apply(moves)
        except Aborted as aborted:
            return Outcome([], GAS_USED, str(aborted))
        state.stores = trial.stores
        return Outcome(moves, GAS_USED)

    def moves(self, tx: Submitted, state: State) -> list[Move]:
        module, name = tx.call.function.split("::")[1:]
        if tx.call.arguments is None:
            raise Aborted(UNKNOWN_FUNCTION)
        if name == "batch_transfer_fungible_assets":
            metadata, people, amounts = tx.call.arguments
            return [self.transfer(state, tx.sender, metadata, to, amount) for to, amount in zip(people, amounts, strict=True)]
        if module == "fungible_asset":
            return [self.between(state, tx.sender, *tx.call.arguments)]
        arguments = (APT, *tx.call.arguments) if len(tx.call.arguments) == 2 else tx.call.arguments
        return [self.transfer(state, tx.sender, *arguments)]

    def transfer(self, state: State, sender: str, metadata: str, to: str, amount: int) -> Move:
        if metadata not in self.assets:
            raise Aborted(
                "Move abort in 0x1::object: EOBJECT_DOES_NOT_EXIST(0x60002): An object does not exist at this address"
            )
        return Move(state.store(sender, metadata), state.store(to, metadata), amount)

    def between(self, state: State, sender: str, giver: str, taker: str, amount: int) -> Move:
        stores = state.stores
        if giver not in stores or taker not in stores or stores[giver].metadata != stores[taker].metadata:
            raise Aborted(
                "Move abort in 0x1::object: EOBJECT_DOES_NOT_EXIST(0x60002): An object does not exist at this address"
            )
        if stores[giver].owner != sender:
            raise Aborted("Move abort in 0x1::fungible_asset: ENOT_STORE_OWNER(0x50008): Account is not the store's owner.")
        return Move(giver, taker, amount)
