"""Payouts on an EVM chain: an ERC-20 transfer per payout, EIP-1559, by JSON-RPC. `rlp` and `eth_keys` only (docs/decisions/0032)."""

from collections.abc import Sequence

from credit.chains import Asset, Chain
from credit.payouts import evm_refusals
from credit.payouts.asking import U64, ask, listing, mapping, whole
from credit.payouts.lanes import PENDING, Fate, FateKind, Funds, Made, Order, Refusal, Signed, Unreachable, WrongChain
from credit.payouts.signer import Signer

TRANSFER = bytes.fromhex("a9059cbb")  # transfer(address,uint256)
BALANCE_OF = bytes.fromhex("70a08231")
TRANSFERRED = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"  # Transfer(address,address,uint256)
GAS_MAX = 120_000  # that one transfer may take
GAS_MARGIN_PERCENT, GAS_MARGIN_LEAST = 25, 25_000  # beyond the estimate: a receiver with nothing left costs 22,100 more
GWEI = 10**9
TIP = GWEI  # to begin with
BUMP_PERCENT = 25  # nodes take a replacement from 10 % on
STUCK_SECONDS = 180  # with 12 s a block, fifteen have passed it by
KNOWN = ("already known", "already imported", "nonce too low", "known transaction")


class EvmLane:
    """The sending address of one chain."""

    def __init__(self, chain: Chain, address: str, signer: Signer, *, gas_price_max: int) -> None:
        self.chain, self.address, self.signer, self.gas_price_max = chain, address, signer, gas_price_max

    def check(self) -> None:
        from eth_utils import keccak

        if whole(self._call("eth_chainId")) != self.chain.chain_id:
            raise WrongChain(f"the node is not on chain {self.chain.chain_id}")
        if keccak(self.signer.public_key)[-20:].hex() != self.address[2:].lower():
            raise WrongChain("the key file is not the sending address's")

    def next_number(self) -> int:
        return self._count("latest")

    def funds(self, contract: str) -> Funds:
        data = BALANCE_OF + bytes(12) + _bytes(self.address)
        held = self._call("eth_call", {"to": contract, "data": "0x" + data.hex()}, "latest")
        gas = whole(self._call("eth_getBalance", self.address, "latest"))
        return Funds(whole(held), gas, GAS_MAX * self._price())

    def preflight(self, order: Order) -> Refusal | None:
        answer = self._ask("eth_call", self._transfer(order), "latest")
        if evm_refusals.moves(answer):
            gas = self._estimate(order)
            words = f"It would take {gas or 'any amount of'} gas; {GAS_MAX:,} may be spent."
            return None if gas and gas <= GAS_MAX else Refusal(words, is_its_own=True)
        asset = self.chain.asset(order.contract)
        return evm_refusals.refusal(
            answer, read=lambda data: self._read(order.contract, data), sender=self.address, order=order, asset=asset
        )

    def sign(self, order: Order, made: Sequence[Made]) -> Signed:
        price = min(max([self._price(), *(raised(each.gas_price) for each in made)]), self.gas_price_max)
        tip = price if made else min(TIP, price)  # nodes want both raised
        asset = self.chain.asset(order.contract)
        body = transfer_body(order, chain_id=self.chain.chain_id, price=price, tip=tip, gas=self._gas_limit(order))
        return self._signed(body, price, asset)

    def _signed(self, body: list, price: int, asset: Asset | None) -> Signed:
        import rlp
        from eth_utils import keccak

        if asset is None:
            raise WrongChain("the asset of this payout is not set up any more")
        worth_micros = asset.micros(int.from_bytes(body[7][36:], "big"))
        made = self.signer.sign(keccak(b"\x02" + rlp.encode(body)), worth_micros=worth_micros)
        r, s, v = int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big"), made[64]
        data = b"\x02" + rlp.encode([*body, v, r, s])
        return Signed(data, "0x" + keccak(data).hex(), None, price)

    def broadcast(self, data: bytes) -> str:
        answer = self._ask("eth_sendRawTransaction", "0x" + data.hex())
        said = "" if "result" in answer else str(answer.get("error"))
        return "" if any(words in said.lower() for words in KNOWN) else said[:200]

    def fate(self, order: Order, made: Sequence[Made]) -> Fate:
        """What is final is read first: a receipt found afterwards, at or below it, is final too."""
        final_block, used = self._final_block(), None
        if final_block is not None:
            used = self._count(hex(final_block))
        for each in made:
            receipt = self._ask("eth_getTransactionReceipt", each.hash).get("result")
            if isinstance(receipt, dict):
                return self._fate_of(order, each.hash, receipt, final_block)
        if used is not None and used > order.number:
            return Fate(FateKind.STRANGE, words=f"number {order.number} was used by a transaction that is not ours")
        return PENDING

    def is_stuck(self, made: Sequence[Made], seconds_old: int) -> bool:
        return seconds_old > STUCK_SECONDS and max(each.gas_price for each in made) < self.gas_price_max

    def _fate_of(self, order: Order, tx_hash: str, receipt: dict, final_block: int | None) -> Fate:
        if receipt.get("transactionHash") != tx_hash:
            raise Unreachable("the receipt of another transaction")
        block = whole(receipt.get("blockNumber"), bits=U64)
        if final_block is None or block > final_block:
            return Fate(FateKind.INCLUDED, tx_hash)
        if receipt.get("status") != "0x1":
            return Fate(FateKind.FAILED, tx_hash, "the token refused the transfer")
        if not any(self._is_ours(order, mapping(log)) for log in listing(receipt.get("logs"))):
            return Fate(FateKind.STRANGE, tx_hash, f"{tx_hash} succeeded and moved nothing")
        return Fate(FateKind.PAID, tx_hash)

    def _is_ours(self, order: Order, log: dict) -> bool:
        topics = listing(log.get("topics"))
        if str(log.get("address")).lower() != order.contract.lower() or len(topics) != 3 or topics[0] != TRANSFERRED:
            return False
        ends = [int(self.address, 16), int(order.to, 16)]
        return [whole(topic) for topic in topics[1:]] == ends and whole(log.get("data")) == order.units

    def _gas_limit(self, order: Order) -> int:
        """By the estimate. What would fail by now has its number, which must be used: it gets all and fails on the chain."""
        gas = self._estimate(order)
        return min(GAS_MAX, gas + max(GAS_MARGIN_LEAST, gas * GAS_MARGIN_PERCENT // 100)) if gas else GAS_MAX

    def _estimate(self, order: Order) -> int:
        """Gas; 0: the node gives none."""
        result = self._ask("eth_estimateGas", self._transfer(order)).get("result")
        return whole(result, bits=U64) if isinstance(result, str) else 0

    def _transfer(self, order: Order) -> dict[str, str]:
        return {"from": self.address, "to": order.contract, "data": "0x" + transfer_data(order).hex()}

    def _read(self, contract: str, data: bytes) -> int | None:
        """A number out of a contract; None: it has no such function."""
        result = self._ask("eth_call", {"to": contract, "data": "0x" + data.hex()}, "latest").get("result")
        return whole(result) if isinstance(result, str) and len(result) == 66 else None

    def _final_block(self) -> int | None:
        """None: no block is final yet."""
        if self.chain.confirmations:
            height = whole(self._call("eth_blockNumber"), bits=U64) - self.chain.confirmations
            return height if height >= 0 else None
        block = self._ask("eth_getBlockByNumber", "finalized", False).get("result")
        return whole(block.get("number"), bits=U64) if isinstance(block, dict) else None

    def _price(self) -> int:
        """Twice the last block's base fee, so that it still fits after some full blocks, and the tip."""
        block = self._ask("eth_getBlockByNumber", "latest", False).get("result")
        if not isinstance(block, dict):
            raise Unreachable("no latest block")
        return min(2 * whole(block.get("baseFeePerGas", "0x0")) + TIP, self.gas_price_max)

    def _count(self, block: str) -> int:
        return whole(self._call("eth_getTransactionCount", self.address, block), bits=U64)

    def _call(self, method: str, *parameters) -> str:
        answer = self._ask(method, *parameters)
        if not isinstance(result := answer.get("result"), str):
            raise Unreachable(f"{method}: {answer.get('error')}"[:300])
        return result

    def _ask(self, method: str, *parameters) -> dict:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        return mapping(ask("POST", self.chain.node_url, json=question).body)


def transfer_body(order: Order, *, chain_id: int, price: int, tip: int, gas: int) -> list:
    """The fields of EIP-1559 before the signature."""
    return [chain_id, order.number, tip, price, gas, _bytes(order.contract), 0, transfer_data(order), []]


def transfer_data(order: Order) -> bytes:
    return TRANSFER + bytes(12) + _bytes(order.to) + order.units.to_bytes(32, "big")


def raised(price: int) -> int:
    return price + price * BUMP_PERCENT // 100 + 1


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])
