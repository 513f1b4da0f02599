"""Payouts on Aptos: a transfer of a fungible asset per payout, by sequence number, with an expiry, over the REST API.

`aptos_sdk` is imported when something is signed, never in a web process.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha3_256

from credit.chains import Chain
from credit.payouts.asking import Answer, ask, mapping
from credit.payouts.lanes import PENDING, Fate, FateKind, Funds, Made, Order, Signed, Unreachable, WrongChain
from credit.payouts.signer import Signer

APT = "0x1::aptos_coin::AptosCoin"
LASTS = timedelta(seconds=90)  # then it can never land: long enough for a busy mempool, short enough for a crash
GAS_MAX = 5_000  # units; a transfer that makes the receiver's store takes about 1,500
GAS_PRICE_LEAST = 100  # octas a unit
COMMITTED = "user_transaction"
SIGNED_BCS = "application/x.aptos.signed_transaction+bcs"


class AptosLane:
    """The sending address of one chain. The chain's node_url ends with /v1."""

    def __init__(self, chain: Chain, address: str, signer: Signer) -> None:
        self.chain, self.address, self.signer = chain, address, signer

    def check(self) -> None:
        account = self._account()
        own = "0x" + sha3_256(self.signer.public_key + b"\0").hexdigest()
        if account.get("authentication_key") != own:
            raise WrongChain("the key file is not the sending address's")

    def next_number(self) -> int:
        return int(self._account()["sequence_number"])

    def funds(self, contract: str) -> Funds:
        return Funds(self._balance(contract), self._balance(APT), GAS_MAX * self._price())

    def sign(self, order: Order, made: Sequence[Made]) -> Signed:
        """Its end is told by the chain's clock: this machine's may be wrong."""
        from aptos_sdk.transactions import SignedTransaction

        price = max([self._price(), *(each.gas_price for each in made)])
        expires_at = (clock_of(self._answer("GET", f"accounts/{self.address}")) + LASTS).replace(microsecond=0)
        raw = raw_transfer(self.address, order, chain_id=self.chain.chain_id, price=price, expires_at=expires_at)
        asset = self.chain.asset(order.contract)
        if asset is None:
            raise WrongChain("the asset of this payout is not set up any more")
        signature = self.signer.sign(raw.keyed(), worth_micros=asset.micros(order.units))
        data = SignedTransaction(raw, _authenticator(self.signer.public_key, signature)).bytes()
        return Signed(data, hash_of(data), expires_at, price)

    def broadcast(self, data: bytes) -> str:
        answer = ask("POST", f"{self.chain.node_url}/transactions", content=data, headers={"Content-Type": SIGNED_BCS})
        return "" if answer.status in (200, 202) else str(answer.body)[:200]

    def fate(self, order: Order, made: Sequence[Made]) -> Fate:
        """The number and the clock come out of one answer, so that they speak of one moment of the chain."""
        account = self._answer("GET", f"accounts/{self.address}")
        used = int(mapping(account.body)["sequence_number"]) > order.number
        clock = clock_of(account)
        for each in made:
            if found := self._fate_of(each.hash):
                return found
        if used:
            return self._who_used(order, made)
        if made and all(each.expires_at and each.expires_at < clock for each in made):
            return Fate(FateKind.EXPIRED)
        return PENDING

    def is_stuck(self, made: Sequence[Made], seconds_old: int) -> bool:
        return False  # it expires instead

    def _fate_of(self, tx_hash: str) -> Fate | None:
        answer = ask("GET", f"{self.chain.node_url}/transactions/by_hash/{tx_hash}")
        if answer.status == 404:
            return None
        return self._judged(mapping(answer.body))

    def _judged(self, transaction: dict) -> Fate | None:
        """None: it waits in the mempool. What is committed is final."""
        if transaction.get("type") != COMMITTED:
            return None
        tx_hash = str(transaction.get("hash"))
        if transaction.get("success") is True:
            return Fate(FateKind.PAID, tx_hash)
        return Fate(FateKind.FAILED, tx_hash, str(transaction.get("vm_status", ""))[:200])

    def _who_used(self, order: Order, made: Sequence[Made]) -> Fate:
        """A committed transaction may be unknown by its hash for a moment: the account's list is asked as well."""
        query = {"start": str(order.number), "limit": "1"}
        rows = self._answer("GET", f"accounts/{self.address}/transactions", params=query).body
        row = rows[0] if isinstance(rows, list) and rows else {}
        if str(row.get("sequence_number")) != str(order.number):
            return PENDING  # the list lags; asked again later
        if row.get("hash") in {each.hash for each in made}:
            return self._judged(row) or PENDING
        return Fate(FateKind.STRANGE, words=f"number {order.number} was used by {row.get('hash')}, which is not ours")

    def _account(self) -> dict:
        return mapping(self._answer("GET", f"accounts/{self.address}").body)

    def _balance(self, asset: str) -> int:
        return int(str(self._answer("GET", f"accounts/{self.address}/balance/{asset}").body))

    def _price(self) -> int:
        return max(GAS_PRICE_LEAST, int(mapping(self._answer("GET", "estimate_gas_price").body)["gas_estimate"]))

    def _answer(self, method: str, path: str, **request) -> Answer:
        """An answer of this chain, and no refusal. Raises Unreachable, WrongChain."""
        answer = ask(method, f"{self.chain.node_url}/{path}", **request)
        if answer.status != 200:
            raise Unreachable(f"{path}: {answer.status} {answer.body}"[:300])
        if answer.headers.get("x-aptos-chain-id") != str(self.chain.chain_id):
            raise WrongChain(f"the node is not on chain {self.chain.chain_id}")
        return answer


def raw_transfer(sender: str, order: Order, *, chain_id: int, price: int, expires_at: datetime):
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
        GAS_MAX,
        price,
        int(expires_at.timestamp()),
        chain_id,
    )


def clock_of(answer: Answer) -> datetime:
    """The chain's, when it answered."""
    return datetime.fromtimestamp(int(answer.headers["x-aptos-ledger-timestampusec"]) // 1_000_000, UTC)


def hash_of(data: bytes) -> str:
    """Of a signed transaction; known before it is sent."""
    return "0x" + sha3_256(sha3_256(b"APTOS::Transaction").digest() + b"\0" + data).hexdigest()


def _authenticator(public_key: bytes, signature: bytes):
    from aptos_sdk.authenticator import Authenticator, Ed25519Authenticator
    from aptos_sdk.ed25519 import PublicKey, Signature
    from nacl.signing import VerifyKey

    return Authenticator(Ed25519Authenticator(PublicKey(VerifyKey(public_key)), Signature(signature)))
