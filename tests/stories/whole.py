"""The whole stack as real processes on a folder of its own, started once and shared by the stories and the browser."""

import os
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pictor.stack import ports
from pictor.stack.stack import Stack
from tests.users.openid import CLIENT_ID, SECRET, OpenId
from tests.users.wallets import Petra

OWN_TO_THE_TESTS = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "SITE_URL",
    "LIVE_URL",
    "SECRET_KEY",
    "DEBUG",
    "PICTOR_VAR",
)
TREASURY, SENDING = 8, 9  # of the chain's people
APTOS_TREASURY_SEED = 9


@pytest.fixture(scope="session")
def stack_aptos():
    """The full node that the stack asks."""
    from tests.aptos_node import AptosNode  # a second of imports, for those who need them

    node = AptosNode()
    yield node
    node.close()


@pytest.fixture(scope="session")
def stack_evm(tmp_path_factory):
    """The EVM chain that the stack watches and pays on; nothing on it is ever undone."""
    from tests.chains.evm import EvmChain

    chain = EvmChain(tmp_path_factory.mktemp("stack-anvil"))
    yield chain
    chain.close()


@pytest.fixture(scope="session")
def stack_google():
    """The OpenID provider in Google's place."""
    provider = OpenId()
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def stack_paypal():
    from tests.paypal import PayPal

    provider = PayPal(now=datetime.now(UTC))
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def stack(stack_aptos, stack_evm, stack_google, stack_paypal):
    """In a folder of its own: pytest closes its own folders to others, and as root the database is another user's."""
    with tempfile.TemporaryDirectory(prefix="pictor-stack-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        settings = on_aptos(stack_aptos) | on_evm(stack_evm, Path(name) / "evm.key") | with_google(stack_google)
        settings |= stack_paypal.settings(Path(name))
        yield from running_stack(Path(name) / "var", **settings)


def on_aptos(node) -> dict[str, str]:
    """Top-ups are taken there."""
    from tests.aptos_node import USDT

    return {"APTOS_NODE_URL": node.url, "APTOS_ASSET": USDT, "APTOS_TREASURY": Petra(APTOS_TREASURY_SEED).address}


def on_evm(chain, key_file: Path) -> dict[str, str]:
    """Top-ups are taken, and withdrawals paid, small ones too; an operator looks at those above a credit."""
    sending = chain.people[SENDING]
    key_file.write_text(sending.key.to_hex())
    key_file.chmod(0o600)
    return {
        "EVM_NODE_URL": chain.url,
        "EVM_CHAIN_ID": str(chain.chain_id),
        "EVM_CHAIN_NAME": "Anvil",
        "EVM_CHAIN_TEST": "1",
        "EVM_PUBLIC_NODE_URL": chain.url,
        "EVM_ASSET": chain.usdt.address,
        "EVM_TREASURY": chain.people[TREASURY].address,
        "EVM_PAYOUT_ADDRESS": sending.address,
        "EVM_PAYOUT_KEY_FILE": str(key_file),
        "WITHDRAW_MINIMUM": "0.5",
        "WITHDRAW_FEE_EVM": "0.1",
        "WITHDRAW_APPROVAL_ABOVE": "1",
    }


def with_google(provider: OpenId) -> dict[str, str]:
    return {
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": SECRET,
        "GOOGLE_ISSUER": provider.url,
        "GOOGLE_AUTHORIZE_URL": f"{provider.url}/authorize",
        "GOOGLE_TOKEN_URL": f"{provider.url}/token",
        "GOOGLE_KEYS_URL": f"{provider.url}/keys",
    }


def running_stack(var: Path, **settings: str):
    inherited = {name: value for name, value in os.environ.items() if name not in OWN_TO_THE_TESTS} | settings
    with Stack(var, port=ports.free_pair(), inherited=inherited) as running:
        yield running


@pytest.fixture(scope="session")
def tiny_scene(tmp_path_factory) -> Path:
    """Four frames of a turning cube, 48 x 27 pixels; heavy enough in samples that a kill lands inside a frame."""
    folder = tmp_path_factory.mktemp("scene")
    script = Path(__file__).parent / "make_tiny_scene.py"
    subprocess.run([os.environ["BLENDER_PYTHON"], str(script), str(folder / "tiny.blend")], check=True, capture_output=True)
    return folder / "tiny.blend"
