"""The networks that wallets are asked to be on, as every page with wallets tells them."""

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from users.networks import networks

SECRET = "https://node.example/v3/a-key-that-is-paid-for"


@pytest.fixture(autouse=True)
def sepolia(settings):
    settings.EVM_CHAIN_ID, settings.EVM_CHAIN_NAME, settings.EVM_NODE_URL = 11155111, "Sepolia", SECRET
    settings.EVM_PUBLIC_NODE_URL = settings.EVM_EXPLORER_URL = ""


def told(page: str) -> dict:
    return json.loads(re.search(r'<script id="wallet-networks" type="application/json">(.*?)</script>', page)[1])


def test_the_sign_in_page_names_the_network_and_never_the_servers_own_node(db):
    page = Client().get(reverse("users:sign-in")).content.decode()
    assert told(page)["evm"]["chainId"] == "0xaa36a7"
    assert '<span class="pill">Sepolia</span>' in page
    assert SECRET not in page


def test_a_wallet_may_add_the_chain_where_visitors_have_a_node(settings):
    settings.EVM_PUBLIC_NODE_URL, settings.EVM_EXPLORER_URL = "https://rpc.example", "https://sepolia.etherscan.io"
    assert networks()["evm"] == {
        "chainId": "0xaa36a7",
        "chainName": "Sepolia",
        "nativeCurrency": {"name": "ETH", "symbol": "ETH", "decimals": 18},
        "rpcUrls": ["https://rpc.example"],
        "blockExplorerUrls": ["https://sepolia.etherscan.io"],
    }


def test_without_an_explorer_none_is_named():
    """MetaMask refuses a chain whose list of explorers is empty."""
    assert networks()["evm"]["blockExplorerUrls"] is None


def test_without_a_node_of_aptos_its_wallets_are_not_asked(settings):
    settings.APTOS_NODE_URL = ""
    assert networks()["aptos"] == ""
