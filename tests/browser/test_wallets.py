"""Signing in with the wallets of a real browser, on the real page: injected ones, whose keys are the Aptos SDK's own."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.test_axe import AXE, FOUND
from tests.browser.wallets import ETHEREUM, MAINNET, POLYGON, TESTNET, choose
from tests.users.wallets import MetaMask, Petra
from users.wording import short_address

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
SIGN_IN = "/users/sign-in/"


@pytest.fixture
def visit(newcomer):
    """`visit(petra={...}, metaMask={...})`: the sign-in page of a browser that has these wallets, their dialog open."""

    def open_page(user_agent: str | None = None, **wallets):
        page = newcomer(user_agent, **wallets)
        page.goto(SIGN_IN)
        page.get_by_role("button", name="Connect wallet").click()
        return page

    return open_page


def state(page):
    return page.locator("[data-wallet-state]")


def entry(page, name: str):
    """Of a wallet, in the dialog."""
    return page.get_by_role("list", name="Wallets in this browser").get_by_role("listitem").filter(has_text=name)


def expect_signed_in(page, stack, address: str) -> None:
    page.wait_for_url(lambda url: url.removeprefix(stack.url).partition("?")[0] != SIGN_IN)
    page.goto("/users/profile/")
    expect(page.locator("main")).to_contain_text(short_address(address))


@pytest.mark.parametrize("is_old", [False, True], ids=["with sign-in", "with signMessage alone"])
def test_petra_signs_in_with_the_keys_of_the_sdk(visit, stack, complaints, is_old):
    seed = 101 + is_old
    page = visit(petra={"seed": seed, "chainId": TESTNET, "isOld": is_old})

    choose(page, "Petra")

    expect_signed_in(page, stack, Petra(seed).address)
    assert complaints == []


def test_an_evm_wallet_signs_in(visit, stack, complaints):
    page = visit(metaMask={"seed": 103})

    choose(page, "MetaMask")

    expect_signed_in(page, stack, MetaMask(103).address)
    assert complaints == []


def test_without_a_wallet_the_page_says_where_to_get_one(visit):
    page = visit()

    expect(page.get_by_text("No wallet has shown itself in this browser")).to_be_visible()
    links = page.get_by_role("list", name="Wallets to install").get_by_role("link")
    expect(links).to_have_count(2)
    assert [link.get_attribute("href") for link in links.all()] == ["https://petra.app", "https://metamask.io/download"]


def test_on_a_phone_the_page_is_opened_in_the_wallet_s_own_browser(visit, stack):
    page = visit(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)")

    links = page.get_by_role("list", name="Wallets to install").get_by_role("link").all()

    host = stack.url.removeprefix("http://")
    assert [link.get_attribute("href") for link in links] == [
        f"https://petra.app/explore?link={quote(stack.url + SIGN_IN, safe='')}",
        f"https://metamask.app.link/dapp/{host}{SIGN_IN}",
    ]


def test_a_wallet_that_comes_late_takes_the_place_of_its_offer(visit, stack):
    page = visit()

    page.evaluate("window.installPetra({seed: 104, chainId: 2})")

    expect(page.get_by_text("No wallet has shown itself in this browser")).to_be_hidden()
    expect(page.get_by_role("list", name="Wallets to install").get_by_role("link")).to_have_count(1)
    choose(page, "Petra")
    expect_signed_in(page, stack, Petra(104).address)


def test_who_declines_may_try_again(visit, stack):
    page = visit(petra={"seed": 105, "chainId": TESTNET, "rejects": True})
    choose(page, "Petra")
    expect(state(page)).to_contain_text("You declined in Petra")
    assert page.url.endswith(SIGN_IN)

    page.evaluate("testWallets.petra.rejects = false")
    page.get_by_role("button", name="Try again").click()

    expect_signed_in(page, stack, Petra(105).address)


def test_an_evm_wallet_s_refusal_is_no_error(visit):
    page = visit(metaMask={"seed": 106, "rejects": True})
    choose(page, "MetaMask")
    expect(state(page)).to_contain_text("You declined in MetaMask")


@pytest.mark.parametrize("wallet", ["Petra", "MetaMask"])
def test_a_locked_wallet_is_told_apart(visit, wallet):
    page = visit(petra={"seed": 107, "chainId": TESTNET, "isLocked": True}, metaMask={"seed": 107, "isLocked": True})

    choose(page, wallet)

    expect(state(page)).to_contain_text(f"{wallet} is locked or busy")
    page.get_by_role("button", name="Other wallets").click()
    expect(page.get_by_role("list", name="Wallets in this browser").get_by_role("button")).to_have_count(2)


def test_a_wallet_on_another_network_is_asked_to_change_and_then_to_sign(visit, stack):
    page = visit(petra={"seed": 108, "chainId": MAINNET, "changes": True})
    choose(page, "Petra")
    expect(state(page)).to_contain_text("Petra is on Mainnet")
    assert page.evaluate("testWallets.petra.asked") is None  # nothing was to be signed there

    page.get_by_role("button", name="Switch to Aptos testnet").click()

    expect_signed_in(page, stack, Petra(108).address)


def test_a_wallet_that_cannot_change_its_network_is_changed_by_hand(visit, stack):
    page = visit(petra={"seed": 109, "chainId": MAINNET})
    choose(page, "Petra")
    expect(page.get_by_role("button", name="Switch to Aptos testnet")).to_be_hidden()

    page.evaluate("testWallets.petra.chainId = 2")
    page.get_by_role("button", name="Try again").click()

    expect_signed_in(page, stack, Petra(109).address)


@pytest.mark.parametrize("adds", [False, True], ids=["that it knows", "that it is told of"])
def test_an_evm_wallet_on_another_network_changes_to_one(visit, stack, complaints, adds):
    page = visit(metaMask={"seed": 114 + adds, "chainId": POLYGON, "isUnknown": adds, "adds": adds})
    expect(entry(page, "MetaMask")).to_contain_text("On Polygon")
    choose(page, "MetaMask")
    expect(state(page)).to_contain_text("MetaMask is on Polygon")
    expect(state(page)).to_contain_text("This site is on Anvil.")
    assert "personal_sign" not in page.evaluate("testWallets.metaMask.asked")

    page.get_by_role("button", name="Switch to Anvil").click()

    expect_signed_in(page, stack, MetaMask(114 + adds).address)
    assert complaints == []


def test_who_keeps_the_network_is_told_what_is_missing_and_may_change_their_mind(visit, stack):
    page = visit(metaMask={"seed": 116, "chainId": ETHEREUM, "declinesChange": True})
    choose(page, "MetaMask")
    page.get_by_role("button", name="Switch to Anvil").click()
    expect(state(page)).to_contain_text("MetaMask is on Ethereum")
    assert page.url.endswith(SIGN_IN)

    page.evaluate("testWallets.metaMask.declinesChange = false")
    page.get_by_role("button", name="Switch to Anvil").click()

    expect_signed_in(page, stack, MetaMask(116).address)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"isFixed": True}, "Change the network in your wallet"), ({"isUnknown": True}, "Add the network there (chain 31337)")],
    ids=["fixed", "unknown"],
)
def test_an_evm_wallet_that_cannot_change_its_network_is_changed_by_hand(visit, stack, change, said):
    page = visit(metaMask={"seed": 117, "chainId": ETHEREUM, **change})
    choose(page, "MetaMask")
    page.get_by_role("button", name="Switch to Anvil").click()
    expect(state(page)).to_contain_text(said)

    page.evaluate("testWallets.metaMask.chainId = 31337")
    page.get_by_role("button", name="Other wallets").click()
    expect(entry(page, "MetaMask")).to_contain_text("Ready")
    choose(page, "MetaMask")

    expect_signed_in(page, stack, MetaMask(117).address)


def test_a_wallet_is_linked_on_the_sites_network_alone(visit, stack):
    page = visit(metaMask={"seed": 118})
    choose(page, "MetaMask")
    expect_signed_in(page, stack, MetaMask(118).address)
    page.goto("/users/security/")
    page.evaluate(f"installMetaMask({{seed: 119, chainId: {POLYGON}, rdns: 'other', name: 'Other'}})")
    page.get_by_role("button", name="Link a wallet").click()
    choose(page, "Other")
    expect(state(page)).to_contain_text("Other is on Polygon")

    page.get_by_role("button", name="Switch to Anvil").click()

    expect(page.get_by_role("main")).to_contain_text(short_address(MetaMask(119).address))


def test_a_key_that_was_replaced_on_chain_is_refused_in_words(visit, stack_aptos, complaints):
    stack_aptos.keys[Petra(110).address] = Petra(111).authentication_key
    page = visit(petra={"seed": 110, "chainId": TESTNET})

    choose(page, "Petra")

    expect(state(page)).to_contain_text("That did not work")
    assert page.url.endswith(SIGN_IN)


@pytest.mark.parametrize("is_old", [False, True], ids=["with sign-in", "with signMessage alone"])
def test_an_account_that_another_chains_wallet_derives_is_told_what_to_do(visit, is_old):
    page = visit(petra={"seed": 113, "chainId": TESTNET, "isDerived": True, "isOld": is_old})

    choose(page, "Petra")

    expect(state(page)).to_contain_text("Choose an account with a key in Petra")
    assert page.url.endswith(SIGN_IN)


def test_a_closed_dialog_asks_nothing_more(visit):
    page = visit(petra={"seed": 112, "chainId": TESTNET, "rejects": True})
    choose(page, "Petra")
    expect(state(page)).to_contain_text("You declined")

    page.keyboard.press("Escape")
    page.get_by_role("button", name="Connect wallet").click()

    expect(page.get_by_role("list", name="Wallets in this browser")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_dialog_keeps_nobody_out(visit, theme):
    page = visit(petra={"seed": 113, "chainId": TESTNET, "rejects": True})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.evaluate(AXE.read_text())
    assert page.evaluate(FOUND) == []

    choose(page, "Petra")
    expect(state(page)).to_contain_text("You declined")

    assert page.evaluate(FOUND) == []
