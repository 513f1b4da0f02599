"""The two chains that payouts are tried on, behind the few verbs that a simulation needs."""

import itertools
from random import Random

from eth_utils import keccak

from credit.models import PayoutTransaction
from tests.aptos_node import LOST, AptosNode
from tests.chains.evm import EvmChain

FIRST = 0xABC0_0000_0000  # addresses that nothing else uses
BALANCES = 3  # where tests/chains/contracts/TestTokens.sol keeps balanceOf
TICK_SECONDS = 40.0


def unsettled(chance: Random) -> str:
    """The hash of something that was signed and is not final; empty where all is."""
    rows = list(PayoutTransaction.objects.filter(outcome="").order_by("pk"))
    return chance.choice(rows).hash if rows else ""


class EvmWorld:
    """`refused`: an address that the token does not pay, for it holds as much as an account can."""

    refused, refused_units = "0x" + "0b" * 20, 2**256 - 1

    def __init__(self, chain: EvmChain) -> None:
        self.chain = chain
        self.fresh = (f"0x{number:040x}" for number in itertools.count(FIRST))
        self.fill(chain, self.refused)

    @staticmethod
    def fill(chain: EvmChain, address: str) -> None:
        """An account that can take no more."""
        place = "0x" + keccak(bytes.fromhex(address[2:]).rjust(32, b"\0") + BALANCES.to_bytes(32, "big")).hex()
        chain.rpc("anvil_setStorageAt", chain.usdt.address, place, "0x" + "ff" * 32)

    def arrived(self, address: str) -> int:
        return self.chain.usdt.balance(address)

    def pass_time(self) -> None:
        self.chain.finalize()

    def calm(self) -> None:
        self.chain.release()

    def disturb(self, chance: Random) -> None:
        """What a chain does between two looks."""
        what = chance.choice(["nothing", "mine", "hold", "release", "reorg", "drop", "finalize"])
        if what == "reorg":
            self.chain.mine(2)
            self.chain.reorg(2)
        elif what == "drop":
            if tx_hash := unsettled(chance):
                self.chain.drop(tx_hash)
        elif what != "nothing":
            getattr(self.chain, what)()


class AptosWorld:
    """`refused`: an address that the issuer has frozen."""

    refused, refused_units = "0x" + "0b" * 32, 0

    def __init__(self, node: AptosNode) -> None:
        self.node = node
        self.fresh = (f"0x{number:064x}" for number in itertools.count(FIRST))
        node.freeze(self.refused)

    def arrived(self, address: str) -> int:
        return self.node.balance(address)

    def pass_time(self) -> None:
        self.node.advance(TICK_SECONDS)

    def calm(self) -> None:
        self.node.commit()
        self.node.faults.clear()

    def disturb(self, chance: Random) -> None:
        what = chance.choice(["nothing", "hold", "commit", "drop", "advance", "expire", "lost", "sick"])
        if what == "drop":
            self.node.drop(unsettled(chance))
        elif what in ("advance", "expire"):
            self.node.advance(TICK_SECONDS if what == "advance" else 3 * TICK_SECONDS)
        elif what in ("lost", "sick"):
            self.node.fail(LOST if what == "lost" else 503, on="POST /v1/transactions" if what == "lost" else "")
        elif what != "nothing":
            getattr(self.node, what)()
