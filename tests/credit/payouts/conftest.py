"""Chains that pay out in tests, and people who have earned."""

import pytest

from credit.chains import all_chains
from credit.models import PayoutAddress
from tests.aptos_node import USDT, AptosNode
from tests.credit.builders import NOW, earn, top_up
from tests.credit.payouts.paying import Sending
from tests.credit.payouts.worlds import AptosWorld, EvmWorld
from tests.users.wallets import MetaMask, Petra

WALLET = 8  # of the local chain's people: the one that pays out
RECEIVER = MetaMask(200)  # an address that nothing else uses


@pytest.fixture
def rules(settings):
    """Small, round and at once."""
    settings.WITHDRAW_MINIMUM_MICROS = 1_000_000
    settings.WITHDRAW_FEE_MICROS = {"aptos": 100_000, "evm": 200_000}
    settings.WITHDRAW_DAY_MAX_MICROS = 100_000_000
    settings.WITHDRAW_APPROVAL_MICROS = 50_000_000
    settings.WITHDRAW_DELAY_SECONDS = 3600
    settings.PAYOUT_ADDRESS_DELAY_SECONDS = 86_400
    settings.PAYOUT_MAX_MICROS = 500_000_000
    settings.PAYOUT_DAY_MAX_MICROS = 1_000_000_000


@pytest.fixture
def offered(settings, rules):
    """An EVM chain that withdrawals are offered on; nobody asks it anything."""
    settings.EVM_NODE_URL = "http://127.0.0.1:1"
    settings.EVM_CHAIN_ID = 31337
    settings.EVM_ASSET = "0x" + "aa" * 20
    settings.EVM_PAYOUT_ADDRESS = MetaMask(WALLET + 1).address
    return all_chains()[-1]


@pytest.fixture
def evm_pays(settings, rules, evm_chain, tmp_path):
    """The local chain pays out, from a wallet with a key file."""
    settings.EVM_NODE_URL = evm_chain.url
    settings.EVM_CHAIN_ID = evm_chain.chain_id
    settings.EVM_ASSET = evm_chain.usdt.address
    settings.EVM_PAYOUT_ADDRESS = evm_chain.people[WALLET].address
    settings.EVM_PAYOUT_KEY_FILE = str(key_file(tmp_path, bytes([WALLET + 1]) * 32))
    return all_chains()[-1]


@pytest.fixture
def aptos_pays(settings, rules, tmp_path):
    """A stand-in for an Aptos node whose chain pays out: (chain, node)."""
    node, wallet = AptosNode(), Petra(WALLET + 1)
    node.fund(wallet.address, apt=100, usdt=1_000_000)
    settings.APTOS_NODE_URL = node.url
    settings.APTOS_CHAIN_ID = node.chain_id
    settings.APTOS_ASSET = USDT
    settings.APTOS_PAYOUT_ADDRESS = wallet.address
    settings.APTOS_PAYOUT_KEY_FILE = str(key_file(tmp_path, bytes(wallet.key)))
    yield all_chains()[0], node
    node.close()


def key_file(folder, key: bytes):
    path = folder / "key"
    path.write_text(key.hex() + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def earner(wanda, alice):
    """wanda with 100 credits that she earned, and an address that may be used."""
    top_up(alice, 100_000_000)
    earn(wanda, 100_000_000, alice)
    return wanda


def address_of(user, network: str = "evm", address: str = RECEIVER.address) -> PayoutAddress:
    return PayoutAddress.objects.create(owner=user, network=network, address=address, verified_at=NOW, usable_at=NOW)


@pytest.fixture
def rich(settings, rules, wanda, alice):
    """wanda has more than all payouts of a test, and no limit of a day."""
    settings.WITHDRAW_DAY_MAX_MICROS = settings.PAYOUT_DAY_MAX_MICROS = 10**12
    top_up(alice, 10**10)
    earn(wanda, 10**10, alice)
    return wanda


@pytest.fixture
def on_evm(evm_pays, evm_chain, rich, monkeypatch) -> Sending:
    return Sending(evm_pays, EvmWorld(evm_chain), rich, monkeypatch, address_of)


@pytest.fixture
def on_aptos(aptos_pays, rich, monkeypatch) -> Sending:
    chain, node = aptos_pays
    return Sending(chain, AptosWorld(node), rich, monkeypatch, address_of)


@pytest.fixture(params=["on_evm", "on_aptos"])
def paying(request) -> Sending:
    """Either chain."""
    return request.getfixturevalue(request.param)
