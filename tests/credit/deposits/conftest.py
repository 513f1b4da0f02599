"""The one chain of a test, in the settings."""

import pytest

from credit.proof import differences
from tests.credit.deposits.builders import APTOS_TREASURY, APTOS_USDT, EVM_TREASURY, NOON


@pytest.fixture
def evm_settings(settings):
    """An EVM chain that takes payments, of which no node is asked."""
    settings.APTOS_ASSET = ""
    settings.EVM_NODE_URL = "http://127.0.0.1:9"
    settings.EVM_CHAIN_ID = 31337
    settings.EVM_CHAIN_NAME = "Local"
    settings.EVM_ASSET = "0x" + "aa" * 20
    settings.EVM_TREASURY = EVM_TREASURY
    return settings


@pytest.fixture
def usdt(evm_chain, evm_settings):
    """The token of a real chain that is read."""
    evm_settings.EVM_NODE_URL = evm_chain.url
    evm_settings.EVM_ASSET = evm_chain.usdt.address
    return evm_chain.usdt


@pytest.fixture
def aptos_settings(settings):
    settings.EVM_ASSET = ""
    settings.APTOS_ASSET = APTOS_USDT
    settings.APTOS_TREASURY = APTOS_TREASURY
    return settings


@pytest.fixture(autouse=True)
def ledger_in_order(db):
    """Proves the ledger after every test."""
    yield
    assert list(differences(NOON)) == []
