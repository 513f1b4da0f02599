"""Browsers of people with wallets: injected ones, whose keys are the Aptos SDK's own, and which really sign and pay on the test's chains."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.chains.programs import esbuild, modules

WALLETS = Path("tests/js/wallets.js")
TESTNET, MAINNET = 2, 1  # of Aptos
ETHEREUM, POLYGON = 1, 137


@pytest.fixture(scope="session")
def wallets_script(tmp_path_factory) -> str:
    """tests/js/wallets.js with everything that it imports, as one script."""
    made = tmp_path_factory.mktemp("js") / "wallets.js"
    words = [
        esbuild(),
        str(WALLETS),
        "--bundle",
        "--format=iife",
        "--platform=browser",
        f"--outfile={made}",
        "--log-level=error",
    ]
    subprocess.run(words, check=True, env=os.environ | {"NODE_PATH": str(modules())})
    return made.read_text()


@pytest.fixture
def newcomer(chromium, stack, stack_evm, stack_aptos, wallets_script, complaints):
    """`newcomer(petra={...}, metaMask={...})`: a page of a new browser that has these wallets; nobody is signed in."""
    from tests.browser.conftest import PATIENCE_MS, VIEW

    contexts = []

    def open_page(user_agent: str | None = None, host: str = "127.0.0.1", **wallets):
        context = chromium.new_context(base_url=f"http://{host}:{stack.port}", user_agent=user_agent, **VIEW)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        complaints.follow(page)
        page.add_init_script(f"window.testWallets = {json.dumps(wallets)};")
        page.add_init_script(wallets_script)
        page.expose_function("askEvm", lambda method, parameters: stack_evm.rpc(method, *parameters))
        page.expose_function("sendOnAptos", lambda seed, payload: send_on_aptos(stack_aptos, seed, payload))
        return page

    yield open_page
    for context in contexts:
        context.close()


def send_on_aptos(node, seed: int, payload: dict) -> str:
    """As Petra does: a simple transaction with this payload."""
    from tests.chains import aptos_people

    metadata, to, units = payload["functionArguments"]
    assert payload["typeArguments"] == ["0x1::fungible_asset::Metadata"]
    content = aptos_people.signed(node, seed, metadata, to, int(units), function=payload["function"])
    answered = aptos_people.submit(node, content)
    assert answered.status_code == 202, answered.text
    return answered.json()["hash"]


def choose(page, name: str) -> None:
    """In the dialog of wallets."""
    page.get_by_role("list", name="Wallets in this browser").get_by_role("button", name=name).click()


def sign_in(page, name: str) -> None:
    """With this wallet, by the sign-in page."""
    page.goto("/users/sign-in/")
    page.get_by_role("button", name="Connect wallet").click()
    choose(page, name)
    page.wait_for_url(lambda url: "/sign-in/" not in url)
