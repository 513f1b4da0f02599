"""Payments in an ERC-20 token, read from a JSON-RPC node.

Only logs of the token's own contract count: any contract may write a Transfer. The amount is what the log says arrived,
which is less than was sent where a token takes a fee.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from credit.chains import Asset, Chain, canonical
from credit.deposits.reading import Found, Payment, Position
from credit.deposits.wire import NodeDown, ask, hash_of, listing, mapping, moment, whole

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"  # keccak256(Transfer(address,address,uint256))
DECIMALS = "0x313ce567"  # selector of decimals()
ANSWER_BYTES_MAX = 8 << 20
BLOCKS_MAX = 2_000  # that one question for logs may span
HEIGHT = 63  # bits that rows keep of a block's number
SECOND = timedelta(seconds=1)
OVERLAP = 64  # blocks read again: a node behind a balancer may lack the newest that another one named


@dataclass
class EvmReader:
    """One token of one chain."""

    chain: Chain
    asset: Asset
    _moments: dict[str, datetime] = field(default_factory=dict)  # block hash -> its time

    def check(self) -> None:
        self._check_chain()
        if whole(self._call("eth_call", {"to": self.asset.contract, "data": DECIMALS}, "latest")) != self.asset.decimals:
            raise NodeDown("the token has other decimals than the settings say")

    def position(self) -> Position:
        self._check_chain()
        head = whole(self._call("eth_blockNumber"), bits=HEIGHT)
        if self.chain.confirmations:
            return Position(head, max(0, head - self.chain.confirmations))
        return Position(head, whole(mapping(self._call("eth_getBlockByNumber", "finalized", False)).get("number"), bits=HEIGHT))

    def payments(self, after: int, until: int) -> tuple[list[Payment], int]:
        first = max(0, after + 1 - OVERLAP)
        last = min(until, first + BLOCKS_MAX - 1)
        if last < first:
            return [], after
        topics = [TRANSFER, None, "0x" + self.chain.treasury[2:].lower().rjust(64, "0")]
        wanted = {"address": self.asset.contract, "topics": topics, "fromBlock": hex(first), "toBlock": hex(last)}
        return self._payments(listing(self._call("eth_getLogs", wanted))), last

    def transaction(self, tx_hash: str) -> Found | None:
        self._check_chain()
        receipt = self._call("eth_getTransactionReceipt", tx_hash)
        if receipt is None:
            return None
        receipt = mapping(receipt)
        if hash_of(receipt.get("transactionHash")) != tx_hash:
            raise NodeDown("the receipt of another transaction")
        payments = self._payments(listing(receipt.get("logs")))
        return Found(whole(receipt.get("status")) != 1, tuple(payments))

    def _check_chain(self) -> None:
        if (chain_id := whole(self._call("eth_chainId"))) != self.chain.chain_id:
            raise NodeDown(f"the node is on chain {chain_id}, not {self.chain.chain_id}")

    def _payments(self, logs: list) -> list[Payment]:
        """Those among the logs that pay us, counted within each transaction in the order of its logs."""
        ours = sorted((log for log in map(mapping, logs) if self._pays_us(log)), key=lambda log: whole(log.get("logIndex")))
        counts: dict[str, int] = {}
        found = []
        for log in ours:
            tx_hash = hash_of(log.get("transactionHash"))
            found.append(self._payment(log, tx_hash, counts.get(tx_hash, 0)))
            counts[tx_hash] = counts.get(tx_hash, 0) + 1
        return found

    def _pays_us(self, log: dict) -> bool:
        topics = log.get("topics")
        return (
            isinstance(topics, list)
            and len(topics) == 3
            and topics[0] == TRANSFER
            and str(log.get("address")).lower() == self.asset.contract.lower()
            and _address(topics[2]) == self.chain.treasury
            and not log.get("removed")
            and log.get("blockNumber") is not None
        )

    def _payment(self, log: dict, tx_hash: str, count: int) -> Payment:
        block_hash = hash_of(log.get("blockHash"))
        return Payment(
            tx_hash=tx_hash,
            log_index=count,
            sender=_address(log["topics"][1]),
            units=whole(log.get("data")),
            block_number=whole(log.get("blockNumber"), bits=HEIGHT),
            block_hash=block_hash,
            mined_at=self._moment(block_hash),
        )

    def _moment(self, block_hash: str) -> datetime:
        if block_hash not in self._moments:
            block = mapping(self._call("eth_getBlockByHash", block_hash, False))
            self._moments[block_hash] = moment(block.get("timestamp"), unit=SECOND)
        return self._moments[block_hash]

    def _call(self, method: str, *parameters) -> object:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        _, answer = ask("POST", self.chain.node_url, bytes_max=ANSWER_BYTES_MAX, json=question)
        answer = mapping(answer)
        if answer.get("error") or "result" not in answer:
            raise NodeDown(f"{method}: {answer.get('error')!r:.120}")
        return answer["result"]


def _address(topic: object) -> str:
    """The address in the last 20 bytes of a topic."""
    return canonical("evm", "0x" + hash_of(topic)[26:])
