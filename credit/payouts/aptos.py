"""Payouts on Aptos: a transfer of a fungible asset per payout, by sequence number, with an expiry, over the REST API."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha3_256

from credit.chains import Chain
from credit.deposits.aptos import primary_store
from credit.payouts.aptos_bytes import hash_of, raw_transfer, signed_bytes
from credit.payouts.asking import U64, Answer, ask, mapping, moment, whole
from credit.payouts.lanes import PENDING, Fate, FateKind, Funds, Made, Order, Refusal, Signed, Unreachable, WrongChain
from credit.payouts.signer import Signer

APT = "0x1::aptos_coin::AptosCoin"
LASTS = timedelta(seconds=90)  # then it can never land: long enough for a busy mempool, short enough for a crash
GAS_MAX = 5_000  # units that one transfer may take; one that makes the receiver's store takes about 1,500
GAS_MARGIN_PERCENT = 50  # beyond what the simulation took
GAS_PRICE_LEAST, GAS_PRICE_MOST = 100, 10_000  # octas a unit; half an APT a transfer, whatever a node says of the price
MICROSECOND = timedelta(microseconds=1)
COMMITTED = "user_transaction"
STORE = "0x1::fungible_asset::FungibleStore"
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
        return number_of(self._account())

    def funds(self, contract: str) -> Funds:
        return Funds(self._balance(contract), self._balance(APT), GAS_MAX * self._price())

    def preflight(self, order: Order) -> Refusal | None:
        """A simulation under the number that is next on the chain: those that are under way are not in the way."""
        account = self._answer("GET", f"accounts/{self.address}")
        gas, said = self._simulate(order, account)
        if gas is not None:
            return None
        asset = self.chain.asset(order.contract)
        return refusal(said, asset.symbol if asset else "The asset", sender_is_frozen=lambda: self._is_frozen(order.contract))

    def sign(self, order: Order, made: Sequence[Made]) -> Signed:
        """Its end is told by the chain's clock: this machine's may be wrong."""
        price = max([self._price(), *(each.gas_price for each in made)])
        account = self._answer("GET", f"accounts/{self.address}")
        expires_at = expiry(account)
        gas = self._gas_limit(order, account)
        raw = raw_transfer(self.address, order, chain_id=self.chain.chain_id, price=price, gas=gas, expires_at=expires_at)
        asset = self.chain.asset(order.contract)
        if asset is None:
            raise WrongChain("the asset of this payout is not set up any more")
        signature = self.signer.sign(raw.keyed(), worth_micros=asset.micros(order.units))
        data = signed_bytes(raw, self.signer.public_key, signature)
        return Signed(data, hash_of(data), expires_at, price)

    def broadcast(self, data: bytes) -> str:
        answer = ask("POST", f"{self.chain.node_url}/transactions", content=data, headers={"Content-Type": SIGNED_BCS})
        return "" if answer.status in (200, 202) else str(answer.body)[:200]

    def fate(self, order: Order, made: Sequence[Made]) -> Fate:
        """The number and the clock come out of one answer, so that they speak of one moment of the chain."""
        account = self._answer("GET", f"accounts/{self.address}")
        used = number_of(mapping(account.body)) > order.number
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
        transaction = mapping(answer.body)
        if answer.status == 200 and transaction.get("hash") != tx_hash:
            raise Unreachable("another transaction")
        return self._judged(transaction)

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
        row = mapping(rows[0]) if isinstance(rows, list) and rows else {}
        if str(row.get("sequence_number")) != str(order.number):
            return PENDING  # the list lags; asked again later
        if str(row.get("hash")) in {each.hash for each in made}:
            return self._judged(row) or PENDING
        return Fate(FateKind.STRANGE, words=f"number {order.number} was used by {row.get('hash')}, which is not ours")

    def _account(self) -> dict:
        return mapping(self._answer("GET", f"accounts/{self.address}").body)

    def _balance(self, asset: str) -> int:
        return whole(self._answer("GET", f"accounts/{self.address}/balance/{asset}").body, bits=U64)

    def _gas_limit(self, order: Order, account: Answer) -> int:
        """By the simulation. What would fail by now has its number, which must be used: it gets all and fails on the chain."""
        gas, _ = self._simulate(order, account)
        return GAS_MAX if gas is None else min(GAS_MAX, gas + gas * GAS_MARGIN_PERCENT // 100)

    def _simulate(self, order: Order, account: Answer) -> tuple[int | None, str]:
        """(gas that it took, what the chain said); None: it would fail. Nodes want a signature that is none."""
        number = number_of(mapping(account.body))
        raw = raw_transfer(
            self.address,
            replace(order, number=number),
            chain_id=self.chain.chain_id,
            price=GAS_PRICE_LEAST,
            gas=GAS_MAX,
            expires_at=expiry(account),
        )
        data = signed_bytes(raw, self.signer.public_key, signature=bytes(64))
        url, headers = f"{self.chain.node_url}/transactions/simulate", {"Content-Type": SIGNED_BCS}
        answer = ask("POST", url, content=data, headers=headers)
        if answer.status == 400:
            return None, str(mapping(answer.body).get("message", ""))
        if answer.status != 200 or not isinstance(answer.body, list) or not answer.body:
            raise Unreachable(f"transactions/simulate: {answer.status} {answer.body}"[:300])
        done = mapping(answer.body[0])
        said = str(done.get("vm_status", ""))
        return (whole(done.get("gas_used"), bits=U64), said) if done.get("success") is True else (None, said)

    def _is_frozen(self, contract: str) -> bool:
        """The sending wallet's own store of an asset."""
        store = primary_store(self.address, contract)
        answer = ask("GET", f"{self.chain.node_url}/accounts/{store}/resource/{STORE}")
        return answer.status == 200 and mapping(mapping(answer.body).get("data")).get("frozen") is True

    def _price(self) -> int:
        said = whole(mapping(self._answer("GET", "estimate_gas_price").body).get("gas_estimate"), bits=U64)
        return min(max(GAS_PRICE_LEAST, said), GAS_PRICE_MOST)

    def _answer(self, method: str, path: str, **request) -> Answer:
        """An answer of this chain, and no refusal. Raises Unreachable, WrongChain."""
        answer = ask(method, f"{self.chain.node_url}/{path}", **request)
        if answer.status != 200:
            raise Unreachable(f"{path}: {answer.status} {answer.body}"[:300])
        if answer.headers.get("x-aptos-chain-id") != str(self.chain.chain_id):
            raise WrongChain(f"the node is not on chain {self.chain.chain_id}")
        return answer


def refusal(said: str, symbol: str, *, sender_is_frozen: Callable[[], bool]) -> Refusal:
    """Why a simulated transfer failed."""
    if "ESTORE_IS_FROZEN" in said:
        frozen = f"The issuer of {symbol} has frozen"
        if sender_is_frozen():
            return Refusal(f"{frozen} the sending wallet: nothing in it can be sent.")
        return Refusal(f"{frozen} the account that it goes to: refuse it, its owner may name another.", is_its_own=True)
    if "EINSUFFICIENT_BALANCE" in said:
        return Refusal(f"The sending wallet has too little {symbol}: top it up.")
    if "INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE" in said:
        return Refusal("The sending wallet has too little for gas: top it up.")
    return Refusal(f"{symbol} would not take the transfer: {said}"[:300], is_its_own=True)


def number_of(account: dict) -> int:
    """The next one of its address."""
    return whole(account.get("sequence_number"), bits=U64)


def expiry(account: Answer) -> datetime:
    return (clock_of(account) + LASTS).replace(microsecond=0)


def clock_of(answer: Answer) -> datetime:
    """The chain's, when it answered."""
    return moment(answer.headers.get("x-aptos-ledger-timestampusec"), unit=MICROSECOND)
