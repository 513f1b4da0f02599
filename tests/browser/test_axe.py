"""The key pages hold nothing that keeps people with disabilities from using them, as far as axe-core can tell, in both themes."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.wallets import choose, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
AXE = Path(__file__).parent / "vendor/axe-core/axe.min.js"
FOUND = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .flatMap(({id, help, nodes}) => nodes.map(({target}) => `${id} (${help}): ${target.join(" ")}`))"""


def in_the_way(page, *paths: str) -> list[str]:
    """What axe finds on each page in each theme."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # nothing half faded in
        for path in paths:
            page.goto(path)
            page.evaluate(AXE.read_text())
            found += [f"{path}, {theme}: {violation}" for violation in page.evaluate(FOUND)]
    return found


def test_pages_before_a_job_keep_nobody_out(page, drawn):
    page.goto("/rendering/scenes/")
    scene = page.locator("a.row-link").first.get_attribute("href")
    assert in_the_way(page, "/", "/rendering/new/", f"/rendering/jobs/{drawn}/settings/", "/rendering/scenes/", scene) == []


def test_the_pages_of_a_job_keep_nobody_out(page, stage):
    play = stage("1-3")
    play.accepted(1, 2)
    parts = ("", "frames/1/", "frames/3/", "times/", "again/")
    assert in_the_way(page, "/rendering/", *[f"{play.path}{part}" for part in parts]) == []


def test_a_watched_job_keeps_nobody_out(page, stage):
    play = stage("1-2")
    play.accepted(1)
    play.post("share", visibility="unlisted")
    page.goto(play.path)
    watched = page.locator("#watch-url").inner_text()
    assert in_the_way(page, play.path, watched, f"{watched}frames/1/") == []


def test_jobs_that_wait_or_have_ended_keep_nobody_out(page, stage):
    paused, previewed, cancelled = stage("1-2"), stage("1-3", gate_step="2"), stage("1-2")
    paused.post("pause")
    cancelled.post("cancel")
    previewed.accepted(1, 3)
    assert in_the_way(page, *[play.path for play in (paused, previewed, cancelled)]) == []


def test_the_pages_of_an_account_keep_nobody_out(page):
    account = [f"/users/{part}/" for part in ("sign-in", "profile", "security", "keys", "notices/wanted", "data", "confirm")]
    assert in_the_way(page, *account, "/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/") == []


def test_the_pages_of_credit_keep_nobody_out(page):
    parts = ("", "history/", "usage/", "budgets/", "statements/", "billing/", "withdraw/addresses/")
    page.goto("/credit/history/")
    entry = page.locator("a.row-link").first.get_attribute("href")
    assert in_the_way(page, *[f"/credit/{part}" for part in parts], entry) == []


def test_the_pages_of_money_keep_nobody_out(newcomer, stack_paypal):
    page = newcomer(metaMask={"seed": 8})
    sign_in(page, "MetaMask")
    pages = [top_up(page), payment(page, stack_paypal), "/credit/top-up/", payout_address(page), "/credit/withdraw/"]
    assert in_the_way(page, *pages, "/credit/top-up/paypal/?amount=25") == []


def top_up(page) -> str:
    """Where the address is shown, and the wallet offered."""
    page.goto("/credit/top-up/")
    page.get_by_role("radio", name="USDT on Anvil").check()
    page.get_by_role("button", name="Show the address").click()
    expect(page.get_by_role("button", name="Pay with MetaMask")).to_be_visible()
    return page.url


def payment(page, paypal) -> str:
    """Paid there, on a page that the test plays."""
    page.route(f"{paypal.url}/checkoutnow*", lambda route: route.fulfill(body="Approve?"))
    page.goto("/credit/top-up/paypal/?amount=25")
    page.get_by_role("button", name="Go to PayPal").click()
    page.wait_for_url(f"{paypal.url}/**")
    order_id = page.url.partition("token=")[2]
    paypal.approve(order_id)
    page.goto(paypal.orders[order_id]["return_url"])
    page.wait_for_url("**/credit/payments/*/")
    expect(page.get_by_role("main")).to_contain_text("Credited")
    return page.url


def payout_address(page) -> str:
    page.goto("/credit/withdraw/addresses/")
    page.get_by_role("button", name="Sign with your wallet").click()
    choose(page, "MetaMask")
    expect(page.locator(".withdrawals .badge")).to_have_text("New")
    return page.url
