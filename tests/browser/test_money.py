"""The way of money, whole: from a payment on a chain to a job, from the job to its node's owner, from there to a wallet on the chain.

Only time is helped along, by rows: hours that a frame took, days that an earning or an address waits.
"""

import re
from decimal import Decimal

import pytest
from celery import Celery
from playwright.sync_api import expect

from common.money import format_credits, format_exact
from tests.browser.conftest import same_document, settled
from tests.browser.puppet import Play
from tests.browser.test_first_job import submit, upload
from tests.browser.wallets import TESTNET, choose, sign_in
from tests.stories.creator import Person, await_that

pytestmark = [
    pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender"), pytest.mark.timeout(1_800),
]  # fmt: skip
HOUR = 3_600.0  # seconds; the longest that is paid for
PAYER_SEED, OWNER = 121, 6  # Petra's; the chain's person to whose address the owner withdraws
WITHDRAWN, FEE = 1_200_000, 100_000  # micros; an operator looks at what is above a credit
SWEPT_MS = 180_000  # what waits for a sweep, or for one after the other


@pytest.fixture
def owner(stack) -> Person:
    """Of the puppet."""
    return Person(stack, "owner")


@pytest.fixture
def no_welcome(owner):
    """New accounts begin with nothing: what promotional credit pays could not be withdrawn."""
    rule = (
        """INSERT INTO credit_creditrule (begins_at, pending_seconds, welcome_micros) VALUES (now(), 259200, 0) RETURNING id"""
    )
    made = owner.ask(rule)[0][0]
    yield
    owner.ask("DELETE FROM credit_creditrule WHERE id = %s RETURNING id", made)


def test_money_goes_the_whole_way(newcomer, stack, stack_evm, puppet, tiny_scene, owner, no_welcome, complaints):
    page = newcomer(petra={"seed": PAYER_SEED, "chainId": TESTNET})
    sign_in(page, "Petra")
    link_google(page)
    paid_micros = top_up(page, stack_evm)

    charged_micros = pay_for_a_job(page, tiny_scene, Play(owner, puppet, 0), paid_micros)

    owners = newcomer(metaMask={"seed": OWNER + 1})
    earn(owners, stack, owner)
    assert charged_micros * 6 // 10 > WITHDRAWN
    withdraw(owners, stack, stack_evm, owner)

    stack.manage("check_ledger")
    assert complaints == []


def sweep(stack, what: str) -> None:
    """Now: the clock of the sweeps comes by as well, in its own time."""
    with Celery(broker=stack.databases.redis_url) as app:
        app.send_task(f"credit.background.sweep_{what}", queue="background")


def pill(page):
    """The credit in the head of every page."""
    return page.locator("#credit-pill b")


def part(page, name: str):
    """A figure of the Credit page."""
    return page.locator("#credit-balance .stat").filter(has_text=name).locator("b").first


# Signing in, and paying in ----------------------------------------------------------------------------------------------


def link_google(page) -> None:
    page.goto("/users/security/")
    page.get_by_role("button", name="Link Google").click()
    expect(page.locator(".account-list").first).to_contain_text("carla@example.org")
    expect(page.locator(".account-list").first).to_contain_text("Aptos wallet")


def top_up(page, chain) -> int:
    """Announced as from an exchange, paid exactly. Returns micros."""
    page.goto("/credit/top-up/")
    page.get_by_label("Amount").first.fill("25")
    page.get_by_role("radio", name="USDT on Anvil").check()
    page.get_by_role("radio", name="An exchange").check()
    page.get_by_role("button", name="Show the address").click()
    page.wait_for_url("**/credit/top-up/*/")
    settled(page)
    amount = Decimal(page.locator("#pay-amount").inner_text())
    units = int(amount * 10**chain.usdt.decimals)
    expect(pill(page)).to_have_text("0.00")

    chain.pay(chain.usdt, page.locator("#pay-address").inner_text(), units)
    badge = page.locator("#top-up-status .badge")
    expect(badge).to_have_text("Confirming", timeout=SWEPT_MS)
    assert pill(page).inner_text() == "0.00"
    chain.finalize()

    expect(badge).to_have_text("Credited", timeout=SWEPT_MS)
    expect(pill(page)).to_have_text(format_credits(units))
    assert same_document(page), "the page was loaded again"
    return units


# Paying for work --------------------------------------------------------------------------------------------------------


def pay_for_a_job(page, scene, strings: Play, paid_micros: int) -> int:
    """Four frames of an hour each, on the puppet. Returns micros."""
    job = upload(page, scene)
    page.locator("[name=tier][value=priority]").check()
    page.locator("[name=cap]").fill("5")
    submit(page)
    settled(page)
    play = Play(strings.creator, strings.node, job)
    for frame in range(1, 5):
        play.start(frame)
        an_hour_ago(play, frame)
        play.node.deliver(play.held(frame), seconds=HOUR)
    expect(page.locator("#job-head")).to_contain_text("Completed", timeout=SWEPT_MS)
    charged_micros = play.creator.ask("SELECT charged_micros FROM rendering_job WHERE id = %s", job)[0][0]
    expect(pill(page)).to_have_text(format_credits(paid_micros - charged_micros))
    assert same_document(page), "the page was loaded again"
    return charged_micros


def an_hour_ago(play: Play, frame: int) -> None:
    """It was begun then: pay is for no more than the time that went by."""
    query = """UPDATE rendering_attempt attempt SET started_at = attempt.started_at - interval '2 hours',
                      leased_at = attempt.leased_at - interval '2 hours'
               FROM rendering_task task WHERE task.id = attempt.task_id AND task.job_id = %s AND task.frame = %s
                 AND attempt.started_at IS NOT NULL RETURNING attempt.id"""
    await_that(lambda: play.creator.ask(query, play.job, frame), f"frame {frame} begun")


# Paying out -------------------------------------------------------------------------------------------------------------


def earn(page, stack, owner: Person) -> None:
    """What the puppet earned is pending, then the owner's to withdraw."""
    page.goto("/users/sign-in/")
    page.click("button[name=persona][value=owner]")
    page.wait_for_url("**/workers/")
    page.goto("/credit/")
    settled(page)
    before = part(page, "Withdrawable").inner_text()
    expect(part(page, "Pending")).not_to_have_text(re.compile(r"^[0.]+$"))
    owner.ask("UPDATE credit_earning SET matures_at = now() WHERE matures_at > now() RETURNING transfer_id")
    sweep(stack, "matured_earnings")
    expect(part(page, "Withdrawable")).not_to_have_text(before, timeout=SWEPT_MS)
    assert same_document(page), "the page was loaded again"


def withdraw(page, stack, chain, owner: Person) -> None:
    """Address, request, approval, and the chain: each on the page that the owner looks at."""
    to = chain.people[OWNER].address
    held = chain.usdt.balance(to)
    verify_address(page, owner, to)
    page.goto("/credit/withdraw/")
    page.get_by_label("Amount").fill(format_exact(WITHDRAWN))
    page.get_by_role("radio", name=re.compile("USDT on Anvil")).check()
    page.get_by_role("button", name="Look at it first").click()
    expect(page.locator("#confirm-address")).to_have_text(to)
    page.get_by_role("button", name=re.compile("^Withdraw")).click()
    page.wait_for_url("**/credit/withdraw/")
    settled(page)
    payout = owner.ask("UPDATE credit_payout SET due_at = now() WHERE address = %s RETURNING id", to)[0][0]

    sweep(stack, "payouts")
    newest = page.locator("#withdraw-list .withdrawals > li").first
    expect(newest).to_contain_text("An operator looks at withdrawals of this size", timeout=SWEPT_MS)
    assert chain.usdt.balance(to) == held
    stack.manage("payouts", "approve", str(payout), "--operator=demo:operator")
    for _ in range(2):  # signed and sent, then seen
        sweep(stack, "payouts")
    expect(newest).to_contain_text("The chain shows the transaction.", timeout=SWEPT_MS)
    chain.finalize()
    sweep(stack, "payouts")
    expect(newest).to_contain_text("It has arrived, for good.", timeout=SWEPT_MS)
    assert chain.usdt.balance(to) - held == WITHDRAWN - FEE
    assert same_document(page), "the page was loaded again"


def verify_address(page, owner: Person, address: str) -> None:
    """By a fresh signature; its day of waiting is over."""
    page.goto("/credit/withdraw/addresses/")
    page.get_by_role("button", name="Sign with your wallet").click()
    choose(page, "MetaMask")
    expect(page.locator(".withdrawals")).to_contain_text(address)
    expect(page.locator(".withdrawals .badge")).to_have_text("New")
    owner.ask("UPDATE credit_payoutaddress SET usable_at = now() WHERE address = %s RETURNING id", address)
