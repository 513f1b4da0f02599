"""Passkeys of a real browser, whose authenticator is Chromium's own virtual one: added, asked for, used to confirm, removed."""

import pytest
from playwright.sync_api import expect

from tests.browser.wallets import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
LAPTOP = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def arrive(newcomer):
    """`arrive(seed, host, isUserVerified=...)`: on the page of ways to sign in, signed in with a wallet, on a device that knows passkeys."""

    def go(seed: int, host: str = "localhost", **device_is):
        page = newcomer(host=host, metaMask={"seed": seed})
        device = page.context.new_cdp_session(page)
        device.send("WebAuthn.enable")
        device.send("WebAuthn.addVirtualAuthenticator", {"options": LAPTOP | device_is})
        sign_in(page, "MetaMask")
        page.goto("/users/security/")
        return page

    return go


def add(page, name: str) -> None:
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add").click()


def keep_codes(page) -> None:
    """Those that come with the first second step."""
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/users/security/")


def sign_out(page) -> None:
    page.locator("#account-menu > summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url(lambda url: "/users/security/" not in url)


def words(page):
    """What the page says of the device."""
    return page.locator("[data-passkey-words]")


def use_passkey(page) -> None:
    page.get_by_role("button", name="Use a passkey").click()


def test_a_passkey_is_asked_for_after_the_wallet_from_its_adding_to_its_removal(arrive):
    page = arrive(122)
    add(page, "Laptop")
    keep_codes(page)
    expect(page.get_by_role("main")).to_contain_text("passkey, added")

    sign_out(page)
    sign_in(page, "MetaMask")
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.goto("/users/profile/")
    expect(page).not_to_have_url("**/users/profile/")  # a signature alone opens nothing
    page.goto("/accounts/2fa/authenticate/")
    use_passkey(page)
    page.wait_for_url(lambda url: "/2fa/" not in url)

    page.goto("/users/security/")
    page.get_by_role("link", name="Remove Laptop").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("link", name="Remove Laptop")).to_have_count(0)
    sign_out(page)
    sign_in(page, "MetaMask")
    page.goto("/users/security/")
    expect(page.get_by_role("link", name="Add a passkey")).to_be_visible()


def test_a_passkey_confirms_that_it_is_still_the_same_person(arrive):
    page = arrive(123)
    add(page, "Laptop")
    keep_codes(page)
    page.goto("/users/confirm/?next=/users/keys/")

    use_passkey(page)

    page.wait_for_url("**/users/keys/")


def test_a_device_is_added_once(arrive):
    page = arrive(124)
    add(page, "Laptop")
    keep_codes(page)

    add(page, "Again")

    expect(words(page)).to_have_text("This device's passkey is here already.")
    page.goto("/users/security/")
    expect(page.get_by_role("link", name="Rename")).to_have_count(1)


def test_who_does_not_show_the_device_who_they_are_adds_nothing(arrive):
    page = arrive(126, isUserVerified=False)
    add(page, "Laptop")
    expect(words(page)).to_contain_text("Nothing was confirmed on your device.")
    page.goto("/users/security/")
    expect(page.get_by_role("link", name="Rename")).to_have_count(0)


def test_where_browsers_offer_no_passkeys_the_page_says_what_they_need(arrive):
    """At an IP address a name is missing, which no passkey is made without."""
    page = arrive(125, "127.0.0.1")

    add(page, "Laptop")

    expect(words(page)).to_contain_text("they need https:// and a name, or localhost")
