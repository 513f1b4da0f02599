"""Payments in a fungible asset of Aptos, read from a full node's REST interface. What is committed there is final.

A Deposit event names a store, neither owner nor asset: ours is the treasury's primary store of the asset, whose address is
computed. A payload says nothing: scripts and other modules pay as well. The sender is known only where the asset left
the transaction sender's own primary store; somebody else may have signed for a store of theirs.
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha3_256

from credit.chains import Asset, Chain, canonical
from credit.deposits.aptos_index import AptosIndex
from credit.deposits.reading import Found, Payment, Position
from credit.deposits.wire import NodeDown, ask, hash_of, listing, mapping, moment, whole
from users.wallets.refusals import Refused

DEPOSIT = "0x1::fungible_asset::Deposit"
WITHDRAW = "0x1::fungible_asset::Withdraw"
PAGE = 100  # transactions; the most that nodes give
PAGE_BYTES_MAX = 64 << 20  # a page of large ones
VERSION, AMOUNT = 63, 64  # bits: what rows keep of a version, what the chain counts in
MICROSECOND = timedelta(microseconds=1)


def primary_store(owner: str, metadata: str) -> str:
    """The address of the store that an account's money in an asset is in unless it asked for others."""
    return "0x" + sha3_256(bytes.fromhex(owner[2:]) + bytes.fromhex(metadata[2:]) + b"\xfc").hexdigest()


@dataclass
class AptosReader:
    """One asset."""

    chain: Chain
    asset: Asset

    def __post_init__(self) -> None:
        self.store = primary_store(self.chain.treasury, self.asset.contract)

    def check(self) -> None:
        path = f"accounts/{self.asset.contract}/resource/0x1::fungible_asset::Metadata"
        data = mapping(mapping(self._get(path)[1]).get("data"))
        if whole(data.get("decimals")) != self.asset.decimals:
            raise NodeDown("the asset has other decimals than the settings say")

    def position(self) -> Position:
        version = whole(mapping(self._get("")[1]).get("ledger_version"), bits=VERSION)
        return Position(version, version)

    def payments(self, after: int, until: int) -> tuple[list[Payment], int]:
        """By the index where there is one, else out of the list of all transactions."""
        if until <= after:
            return [], after
        if self.chain.indexer_url:
            versions, read_to = AptosIndex(self.chain, self.asset).versions(after, until)
            return [payment for version in versions for payment in self._at(version)], read_to
        limit = min(PAGE, until - after)
        page = listing(self._get("transactions", start=after + 1, limit=limit)[1])
        if [whole(mapping(tx).get("version")) for tx in page] != list(range(after + 1, after + 1 + len(page))):
            raise NodeDown("transactions are missing in a page")
        return [payment for tx in page for payment in self._payments(tx)], after + len(page)

    def _at(self, version: int) -> list[Payment]:
        tx = mapping(self._get(f"transactions/by_version/{version}")[1])
        if whole(tx.get("version")) != version:
            raise NodeDown("another transaction")
        return self._payments(tx)

    def transaction(self, tx_hash: str) -> Found | None:
        _, answer = self._get(f"transactions/by_hash/{tx_hash}", missing_is=404)
        if answer is None:
            return None
        tx = mapping(answer)
        if tx.get("type") == "pending_transaction":
            return None
        if hash_of(tx.get("hash")) != tx_hash:
            raise NodeDown("another transaction")
        return Found(tx.get("success") is not True, tuple(self._payments(tx)))

    def _payments(self, tx: dict) -> list[Payment]:
        """What a committed transaction paid us."""
        if tx.get("type") != "user_transaction" or tx.get("success") is not True:
            return []
        moves = [event for event in map(mapping, listing(tx.get("events"))) if event.get("type") in (DEPOSIT, WITHDRAW)]
        events = [(event["type"], mapping(event.get("data"))) for event in moves]  # what other modules say has any shape
        came = [data for kind, data in events if kind == DEPOSIT and _long(data.get("store")) == self.store]
        ours = [whole(data.get("amount"), bits=AMOUNT) for data in came]
        return [self._payment(tx, count, units, self._sender(tx, events)) for count, units in enumerate(ours) if units]

    def _sender(self, tx: dict, events: list) -> str:
        sender = _long(tx.get("sender"))
        own = primary_store(sender, self.asset.contract) if sender else None
        left = {_long(data.get("store")) for kind, data in events if kind == WITHDRAW}
        return sender if own in left else ""

    def _payment(self, tx: dict, count: int, units: int, sender: str) -> Payment:
        return Payment(
            tx_hash=hash_of(tx.get("hash")),
            log_index=count,
            sender=sender,
            units=units,
            block_number=whole(tx.get("version"), bits=VERSION),
            block_hash="",
            mined_at=moment(tx.get("timestamp"), unit=MICROSECOND),
        )

    def _get(self, path: str, missing_is: int | None = None, **query) -> tuple[int, object]:
        """(the node's chain id, its answer)."""
        url = f"{self.chain.node_url}/{path}".rstrip("/")
        headers, answer = ask("GET", url, bytes_max=PAGE_BYTES_MAX, missing_is=missing_is, params=query or None)
        chain_id = whole(headers.get("x-aptos-chain-id"))
        if chain_id != self.chain.chain_id:
            raise NodeDown(f"the node is on chain {chain_id}, not {self.chain.chain_id}")
        return chain_id, answer


def _long(address: object) -> str:
    """Nodes leave out leading zeros in places. Empty: none."""
    try:
        return canonical("aptos", address)  # type: ignore[arg-type]
    except Refused:
        return ""
