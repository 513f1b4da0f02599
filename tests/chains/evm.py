"""A local EVM chain (anvil) as tests see it: accounts with keys, tokens, blocks that come and go.

A transaction is mined at once, a block each; FINAL_AFTER more blocks make it final. Only JSON-RPC: web3 and eth_account would
lift the recursion limit of the whole process (docs/decisions/0032).
"""

import itertools
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx
from eth_abi import encode
from eth_utils import keccak, to_checksum_address

from pictor.stack.processes import Child, Program, tail, wait_until
from tests.chains.programs import anvil
from tests.users.wallets import MetaMask

CHAIN_ID = 31337
SLOTS_IN_AN_EPOCH = 2
FINAL_AFTER = 2 * SLOTS_IN_AN_EPOCH  # blocks on top: what anvil calls `finalized`
STATES_KEPT = 100_000  # in memory: those that anvil puts on disk come back without the code of contracts
START_SECONDS = 120  # a slow machine is no fault
TIMEOUT = httpx.Timeout(60.0)
PEOPLE = 10
ETHER = 10**18  # wei
CONTRACTS = json.loads((Path(__file__).parent / "contracts" / "contracts.json").read_text())["contracts"]


class Reverted(AssertionError):
    """The transaction was mined and failed, or the node refused it."""


@dataclass(frozen=True)
class Token:
    """An ERC-20 contract on the chain; amounts are in its smallest unit."""

    chain: "EvmChain"
    address: str
    decimals: int

    def units(self, whole: int | float) -> int:
        return round(whole * 10**self.decimals)

    def mint(self, to: str, amount: int) -> str:
        return self.chain.call(self.address, "mint(address,uint256)", to, amount)

    def balance(self, of: str) -> int:
        return int(self.chain.read(self.address, "balanceOf(address)", of), 16)


class EvmChain:
    """`people[n]` is tests.users.wallets.MetaMask(n + 1): the key bytes([n + 1]) * 32, 1,000 ether."""

    chain_id = CHAIN_ID
    final_after = FINAL_AFTER
    held = False  # do transactions wait for `mine`?

    def __init__(self, folder: Path) -> None:
        log = folder / "anvil.log"
        words = ["--port=0", "--host=127.0.0.1", f"--chain-id={CHAIN_ID}", f"--slots-in-an-epoch={SLOTS_IN_AN_EPOCH}"]
        kept = f"--prune-history={STATES_KEPT}"
        command = [anvil(), *words, kept, "--accounts=0", "--auto-impersonate", "--hardfork=cancun"]
        self.child = Child(Program("anvil", command, environment={"HOME": str(folder)}, folder=folder), log)
        alive = lambda: self.child.ending() is None  # noqa: E731
        if not wait_until(lambda: "Listening on" in tail(log), START_SECONDS, alive=alive):
            raise RuntimeError(f"anvil did not start: {self.child.ending()}, {self.child.last_words()}")
        self.url = f"http://{re.search(r'Listening on ([0-9.:]+)', log.read_text())[1]}"
        self.client = httpx.Client(timeout=TIMEOUT)
        self.numbers = itertools.count(1)
        self.people = [MetaMask(seed) for seed in range(1, PEOPLE + 1)]
        for person in self.people:
            self.give_ether(person.address, 1_000 * ETHER)

    def close(self) -> None:
        self.client.close()
        self.child.stop()

    def rpc(self, method: str, *parameters):
        question = {"jsonrpc": "2.0", "id": next(self.numbers), "method": method, "params": parameters}
        answer = self.client.post(self.url, json=question).json()
        if "error" in answer:
            raise Reverted(f"{method}: {answer['error']}")
        return answer["result"]

    # Blocks -----------------------------------------------------------------------------------------------------------

    @property
    def height(self) -> int:
        return int(self.rpc("eth_blockNumber"), 16)

    def block_of(self, transaction: str) -> int:
        """Mined at once, yet not before the call returns: on a busy machine `mine` may be first."""
        return int(self.rpc("eth_getTransactionReceipt", transaction)["blockNumber"], 16)

    def mine(self, blocks: int = 1) -> None:
        self.rpc("anvil_mine", hex(blocks))

    def finalize(self) -> None:
        """Everything that is mined becomes final."""
        self.mine(FINAL_AFTER)

    def reorg(self, depth: int) -> None:
        """The last `depth` blocks never were: as many others, empty ones, take their place."""
        self.rpc("anvil_reorg", depth, [])

    def hold(self) -> None:
        """Transactions wait in the pool until `mine`."""
        self.rpc("evm_setAutomine", False)
        self.held = True

    def release(self) -> None:
        self.rpc("evm_setAutomine", True)
        self.held = False

    def drop(self, transaction: str) -> None:
        """Out of the pool, as a node under pressure does."""
        self.rpc("anvil_dropTransaction", transaction)

    def snapshot(self) -> str:
        return self.rpc("evm_snapshot")

    def revert(self, snapshot: str) -> None:
        assert self.rpc("evm_revert", snapshot)

    def forget(self, snapshot: str) -> None:
        """Back to it, with an empty pool and mining at once."""
        self.rpc("anvil_dropAllTransactions")
        self.revert(snapshot)
        self.release()

    # Accounts and contracts -------------------------------------------------------------------------------------------

    def give_ether(self, to: str, wei: int) -> None:
        """It has that much, whatever it had."""
        self.rpc("anvil_setBalance", to, hex(wei))

    def ether(self, of: str) -> int:
        return int(self.rpc("eth_getBalance", of, "latest"), 16)

    def send(self, *, sender: str = "", **transaction) -> str:
        """From any address, signature or not. Returns the hash; raises Reverted if it is mined and failed."""
        sent = self.rpc("eth_sendTransaction", {"from": sender or self.people[0].address, "gas": hex(3_000_000)} | transaction)
        if not self.held and self.mined(sent)["status"] != "0x1":
            raise Reverted(sent)
        return sent

    def mined(self, transaction: str) -> dict:
        """Its receipt, once it is there: anvil mines a moment after it has answered."""
        assert wait_until(lambda: self.receipt(transaction), START_SECONDS), f"{transaction} was not mined"
        return self.receipt(transaction)

    def receipt(self, transaction: str) -> dict | None:
        """None while it waits, or where a reorg took it away."""
        return self.rpc("eth_getTransactionReceipt", transaction)

    def deploy(self, contract: str, *arguments, types: str = "") -> str:
        """The address of a new contract of contracts/TestTokens.sol."""
        data = CONTRACTS[contract]["bytecode"] + encode(types.split(",") if types else [], arguments).hex()
        return to_checksum_address(self.receipt(self.send(data=data))["contractAddress"])

    def call(self, contract: str, method: str, *arguments, sender: str = "") -> str:
        return self.send(sender=sender, to=contract, data=encoded(method, arguments))

    def read(self, contract: str, method: str, *arguments) -> str:
        return self.rpc("eth_call", {"to": contract, "data": encoded(method, arguments)}, "latest")

    # Money ------------------------------------------------------------------------------------------------------------

    def token(self, symbol: str = "USDT", *, decimals: int = 6, contract: str = "TestToken") -> Token:
        """A new token, of which every person holds a million."""
        address = self.deploy(contract, f"Test {symbol}", symbol, decimals, types="string,string,uint8")
        token = Token(self, address, decimals)
        for person in self.people:
            token.mint(person.address, token.units(1_000_000))
        return token

    def fee_token(self) -> Token:
        """It keeps one percent of every transfer."""
        return self.token("FEE", contract="FeeToken")

    @cached_property
    def usdt(self) -> Token:
        """The token that every test of this process finds on the chain."""
        return self.token()

    def pay(self, token: Token, to: str, amount: int, *, sender: str = "") -> str:
        """`amount` in the token's smallest unit, from person 0 unless told. Returns the transaction's hash."""
        return self.call(token.address, "transfer(address,uint256)", to, amount, sender=sender)


def encoded(method: str, arguments) -> str:
    """ABI encoding of a call: "transfer(address,uint256)"."""
    types = [kind for kind in method[method.index("(") + 1 : -1].split(",") if kind]
    return "0x" + (keccak(text=method)[:4] + encode(types, arguments)).hex()
