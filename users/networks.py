"""The networks that a visitor's wallet must be on to sign in here or to pay, as pages tell them to it."""

from typing import TypedDict

from django.conf import settings

COIN_DECIMALS = 18  # of the coin of any EVM chain, as wallets count it


class EvmChain(TypedDict):
    """As EIP-3085 has a wallet add a chain; the first two are enough to change to one that it knows."""

    chainId: str
    chainName: str
    nativeCurrency: dict
    rpcUrls: list[str]
    blockExplorerUrls: list[str] | None


class Networks(TypedDict):
    aptos: str  # in a word, "testnet"; empty where Aptos wallets are not asked
    evm: EvmChain


def networks(*, with_aptos: bool = True) -> Networks:
    """Aptos accounts are only believed with a node to ask."""
    is_asked = with_aptos and settings.APTOS_NODE_URL
    return {"aptos": settings.APTOS_CHAIN_NAME.partition(":")[2] if is_asked else "", "evm": _evm()}


def _evm() -> EvmChain:
    """The node that the server asks is not told: its address may hold a key. Without one, no wallet adds the chain."""
    public, explorer = settings.EVM_PUBLIC_NODE_URL, settings.EVM_EXPLORER_URL
    return {
        "chainId": hex(settings.EVM_CHAIN_ID),
        "chainName": settings.EVM_CHAIN_NAME,
        "nativeCurrency": {"name": settings.EVM_COIN, "symbol": settings.EVM_COIN, "decimals": COIN_DECIMALS},
        "rpcUrls": [public] if public else [],
        "blockExplorerUrls": [explorer] if explorer else None,
    }
