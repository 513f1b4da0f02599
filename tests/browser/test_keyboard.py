"""Signing in and topping up with the keyboard alone."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, VIEW

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
SEEN = """() => {
    const style = getComputedStyle(document.activeElement);
    return document.activeElement.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""


def tab_to(page, target, steps: int = 30) -> None:
    """Press Tab until `target` has the focus; every stop on the way shows where one is."""
    for _ in range(steps):
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN), page.evaluate("() => document.activeElement.outerHTML")
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{target} is not reached in {steps} steps")


def test_signing_in(chromium, stack, complaints):
    context = chromium.new_context(base_url=stack.url, **VIEW)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints.follow(page)
    page.goto("/users/sign-in/")
    opener = page.locator("[data-wallet-open]")
    tab_to(page, page.get_by_role("button", name="Continue with Google"))
    tab_to(page, opener)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()
    tab_to(page, page.locator("button[value=creator]"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/rendering/")
    assert complaints == []
    context.close()


def test_topping_up(page):
    page.goto("/credit/top-up/")
    page.locator("#main").focus()
    tab_to(page, page.get_by_role("link", name="Withdraw"))
    amount = page.get_by_role("textbox", name="Amount").first
    tab_to(page, amount)
    page.keyboard.press("Control+a")
    page.keyboard.type("1")
    tab_to(page, page.get_by_role("radio", checked=True).first)
    tab_to(page, page.get_by_role("button", name="Show the address"))
    page.keyboard.press("Enter")
    expect(page.locator(".field-errors").first).to_be_visible()  # too little: said, and nothing is begun
