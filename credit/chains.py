"""The chains and assets by which money comes and goes, read from settings. What is not set up is not offered.

A chain is named in rows by its `key` ("evm:1"), an asset by its contract: never by its symbol, which anybody may copy.
"""

from dataclasses import dataclass, field

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from common.money import MICROS

CREDIT_DECIMALS = 6  # a micro is the smallest unit of an asset with six


@dataclass(frozen=True, slots=True)
class Asset:
    """A token that stands for US dollars. `contract`: EVM, its contract; Aptos, its metadata object; canonical."""

    symbol: str
    contract: str
    decimals: int

    def micros(self, units: int) -> int:
        """What so many of the token's smallest units are worth, rounded down."""
        return units * MICROS // 10**self.decimals

    def units(self, amount_micros: int) -> int:
        """The token's smallest units for so many micros, rounded down."""
        return amount_micros * 10**self.decimals // MICROS

    def units_worth(self, amount_micros: int) -> int:
        """The fewest of the token's smallest units that are worth so many micros."""
        return -(-amount_micros * 10**self.decimals // MICROS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One network. `treasury` is the address that takes payments; what pays out has a key of its own."""

    kind: str  # aptos or evm: also the provider of wallets linked for it
    name: str
    chain_id: int
    node_url: str
    indexer_url: str = ""  # Aptos: GraphQL, asked where payments may be found
    treasury: str  # canonical, or empty: takes no payments
    assets: tuple[Asset, ...] = field(default=())
    confirmations: int = 0  # blocks until a payment is final; 0: when the node itself calls it final
    explorer_url: str = ""
    is_test: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.chain_id}"

    @property
    def takes_deposits(self) -> bool:
        return bool(self.node_url and self.treasury and self.assets)

    def asset(self, contract: str) -> Asset | None:
        return next((asset for asset in self.assets if asset.contract == contract), None)

    def transaction_url(self, tx_hash: str) -> str:
        """The page of a transaction in the explorer; empty where none is set."""
        return self._explorer(f"{'txn' if self.kind == 'aptos' else 'tx'}/{tx_hash}")

    def address_url(self, address: str) -> str:
        return self._explorer(f"{'account' if self.kind == 'aptos' else 'address'}/{address}")

    def _explorer(self, path: str) -> str:
        if not self.explorer_url:
            return ""
        network = {1: "mainnet", 2: "testnet"}.get(self.chain_id)
        return f"{self.explorer_url}/{path}" + (f"?network={network}" if self.kind == "aptos" and network else "")


def all_chains() -> tuple[Chain, ...]:
    """Every chain whose node and asset are set, whether or not it takes payments; payouts need no treasury address."""
    return tuple(chain for chain in (_aptos(), _evm()) if chain.node_url and chain.assets)


def deposit_chains() -> tuple[Chain, ...]:
    """Those that top-ups are offered on."""
    return tuple(chain for chain in all_chains() if chain.takes_deposits)


def chain_of(key: str) -> Chain | None:
    """The chain that rows name so, while it is set up."""
    return next((chain for chain in all_chains() if chain.key == key), None)


def canonical(kind: str, address: str) -> str:
    """An address as rows hold it. Raises users.wallets.refusals.Refused: it is none."""
    from users.wallets import aptos, evm

    return (aptos if kind == "aptos" else evm).canonical(address)


def _aptos() -> Chain:
    return Chain(
        kind="aptos",
        name={1: "Aptos", 2: "Aptos test net"}.get(settings.APTOS_CHAIN_ID, f"Aptos chain {settings.APTOS_CHAIN_ID}"),
        chain_id=settings.APTOS_CHAIN_ID,
        node_url=settings.APTOS_NODE_URL,
        indexer_url=settings.APTOS_INDEXER_URL,
        treasury=_address("aptos", settings.APTOS_TREASURY),
        assets=_assets("aptos", settings.APTOS_ASSET, settings.APTOS_ASSET_SYMBOL, settings.APTOS_ASSET_DECIMALS),
        explorer_url=settings.APTOS_EXPLORER_URL,
        is_test=settings.APTOS_CHAIN_ID != 1,
    )


def _evm() -> Chain:
    return Chain(
        kind="evm",
        name=settings.EVM_CHAIN_NAME,
        chain_id=settings.EVM_CHAIN_ID,
        node_url=settings.EVM_NODE_URL,
        treasury=_address("evm", settings.EVM_TREASURY),
        assets=_assets("evm", settings.EVM_ASSET, settings.EVM_ASSET_SYMBOL, settings.EVM_ASSET_DECIMALS),
        confirmations=settings.EVM_CONFIRMATIONS,
        explorer_url=settings.EVM_EXPLORER_URL,
        is_test=settings.EVM_CHAIN_TEST,
    )


def _assets(kind: str, contract: str, symbol: str, decimals: int) -> tuple[Asset, ...]:
    return (Asset(symbol, _address(kind, contract, "ASSET"), decimals),) if contract else ()


def _address(kind: str, address: str, setting: str = "TREASURY") -> str:
    from users.wallets.refusals import Refused

    try:
        return canonical(kind, address) if address else ""
    except Refused as refused:
        raise ImproperlyConfigured(f"{kind.upper()}_{setting}={address!r} is no address of that chain.") from refused
