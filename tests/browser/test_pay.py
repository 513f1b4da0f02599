"""Paying a top-up from a wallet of the browser: it is asked for a real transfer, on real and played chains, and may decline."""

import pytest
from playwright.sync_api import expect

from tests.aptos_node import USDT
from tests.browser.conftest import same_document, settled
from tests.browser.wallets import ETHEREUM, MAINNET, POLYGON, TESTNET, sign_in
from tests.users.wallets import Petra

pytestmark = [
    pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.timeout(1_800),
]  # fmt: skip
SWEPT_MS = 180_000  # what waits for a sweep


@pytest.fixture
def begin(newcomer):
    """`begin("MetaMask", "Anvil", metaMask={...})`: signed in with that wallet, on the page of a top-up of 12 credits there."""

    def go(wallet: str, network: str, **wallets):
        page = newcomer(**wallets)
        sign_in(page, wallet)
        page.goto("/credit/top-up/")
        page.get_by_label("Amount").first.fill("12")
        page.get_by_role("radio", name=f"USDT on {network}").check()
        page.get_by_role("radio", name="A linked wallet").check()
        page.get_by_role("button", name="Show the address").click()
        page.wait_for_url("**/credit/top-up/*/")
        settled(page)
        return page

    return go


def pay_button(page, name: str):
    return page.get_by_role("button", name=f"Pay with {name}")


def words(page):
    return page.locator("[data-pay-words]")


def badge(page):
    return page.locator("#top-up-status .badge")


def test_an_evm_wallet_changes_its_network_and_pays(begin, stack_evm, complaints):
    person, treasury = stack_evm.people[1], stack_evm.people[8].address
    before = stack_evm.usdt.balance(treasury)
    page = begin("MetaMask", "Anvil", metaMask={"seed": 2})
    page.evaluate(f"testWallets.metaMask.chainId = {ETHEREUM}")
    shown = page.locator("#credit-pill b").inner_text()

    pay_button(page, "MetaMask").click()

    expect(badge(page)).to_have_text("Confirming", timeout=SWEPT_MS)
    assert stack_evm.usdt.balance(treasury) - before == stack_evm.usdt.units(12)
    assert stack_evm.usdt.balance(person.address) == stack_evm.usdt.units(1_000_000 - 12)
    assert page.locator("#credit-pill b").inner_text() == shown
    expect(page.locator("#send-title")).to_be_hidden()  # nobody is asked to pay twice
    stack_evm.finalize()
    expect(badge(page)).to_have_text("Credited", timeout=SWEPT_MS)
    expect(page.locator("#credit-pill b")).to_have_text(f"{float(shown) + 12:.2f}")
    assert same_document(page), "the page was loaded again"
    assert complaints == []


def test_who_declines_pays_nothing_and_may_try_again(begin, stack_evm):
    page = begin("MetaMask", "Anvil", metaMask={"seed": 3})
    page.evaluate("testWallets.metaMask.rejects = true")
    pay_button(page, "MetaMask").click()
    expect(words(page)).to_contain_text("You declined in MetaMask. Nothing was paid.")
    expect(badge(page)).to_have_text("Waiting for your payment")

    page.evaluate("testWallets.metaMask.rejects = false")
    pay_button(page, "MetaMask").click()

    expect(badge(page)).to_have_text("Confirming", timeout=SWEPT_MS)
    stack_evm.finalize()
    expect(badge(page)).to_have_text("Credited", timeout=SWEPT_MS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"isUnknown": True, "chainId": ETHEREUM}, "MetaMask does not know Anvil yet. Nothing was paid."),
        ({"declinesChange": True, "chainId": POLYGON}, "MetaMask is on Polygon. Nothing was paid. Change it to Anvil"),
        ({"isLocked": True}, "MetaMask is locked or busy. Nothing was paid."),
    ],
    ids=["a network that it does not know", "another network", "locked"],
)
def test_what_keeps_an_evm_wallet_is_said(begin, change, said):
    page = begin("MetaMask", "Anvil", metaMask={"seed": 4})
    page.evaluate("change => Object.assign(testWallets.metaMask, change)", change)
    pay_button(page, "MetaMask").click()
    expect(words(page)).to_contain_text(said)
    give_up(page)


def test_a_wallet_of_somebody_else_is_not_asked_to_pay(begin, stack_evm):
    page = begin("MetaMask", "Anvil", metaMask={"seed": 4})
    page.evaluate("installMetaMask({seed: 5, chainId: 31337, rdns: 'other', name: 'Other'})")
    pay_button(page, "Other").click()
    expect(words(page)).to_contain_text("This address is not linked to your account. Nothing was paid.")
    expect(words(page)).to_contain_text(stack_evm.people[4].address[-4:].lower())
    give_up(page)


def give_up(page) -> None:
    page.get_by_role("button", name="Give up").click()
    page.get_by_role("dialog").get_by_role("button", name="Give up").click()
    expect(badge(page)).to_have_text("Rejected")


def test_where_the_site_cannot_be_told_the_hash_is_in_the_form(begin, stack_evm):
    page = begin("MetaMask", "Anvil", metaMask={"seed": 6})
    page.route("**/transaction/", lambda route: route.abort())
    pay_button(page, "MetaMask").click()
    expect(words(page)).to_contain_text("Paid, but this site could not be told.")
    sent = page.locator("#id_transaction").input_value()
    assert stack_evm.mined(sent)["status"] == "0x1"
    page.locator("[data-pay-wallets] button").evaluate("button => button.click()")  # even if the page knows by now
    expect(words(page)).to_contain_text("Sent. You need not pay again.")
    assert stack_evm.usdt.balance(stack_evm.people[5].address) == stack_evm.usdt.units(1_000_000 - 12)
    stack_evm.finalize()
    expect(badge(page)).to_have_text("Credited", timeout=SWEPT_MS)  # found all the same


def test_petra_changes_its_network_and_pays(begin, stack_aptos, complaints):
    seed = 131
    stack_aptos.fund(Petra(seed).address, apt=1, usdt=100)
    page = begin("Petra", "Aptos test net", petra={"seed": seed, "chainId": TESTNET, "changes": True})
    page.evaluate(f"testWallets.petra.chainId = {MAINNET}")

    pay_button(page, "Petra").click()

    expect(badge(page)).to_have_text("Credited", timeout=SWEPT_MS)
    assert stack_aptos.ledger.balance(Petra(seed).address, USDT) == 88_000_000
    assert same_document(page), "the page was loaded again"
    assert complaints == []


def test_petra_declines(begin):
    page = begin("Petra", "Aptos test net", petra={"seed": 132, "chainId": TESTNET})
    page.evaluate("testWallets.petra.rejects = true")
    pay_button(page, "Petra").click()
    expect(words(page)).to_contain_text("You declined in Petra. Nothing was paid.")
    give_up(page)
