"""An owner sets a node's hours with the keyboard, announces maintenance, and pauses many nodes after a question."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import opened
from tests.browser.test_axe import in_the_way
from tests.browser.test_keyboard import tab_to
from tests.stories.creator import Person

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
NODE = "this-machine"


@pytest.fixture
def settings(owners_page) -> str:
    """The address of the settings page of the stack's own node."""
    owners_page.goto("/workers/")
    owners_page.get_by_role("link", name=NODE).click()
    owners_page.get_by_role("link", name="Settings").click()
    return owners_page.url


def choose(page, select, letter: str) -> None:
    """With the keyboard: the option that begins with this letter or key."""
    tab_to(page, select, steps=60)
    page.keyboard.press(letter)


def test_hours_are_set_and_copied_with_the_keyboard(owners_page, settings, complaints):
    page = owners_page
    page.locator("#main").focus()
    choose(page, page.get_by_label("Monday", exact=True), "ArrowDown")
    expect(page.get_by_label("Monday", exact=True)).to_have_value("hours")
    tab_to(page, page.get_by_label("Monday, open from"))
    page.keyboard.type("18:00")
    tab_to(page, page.get_by_label("Monday, open until"))
    page.keyboard.type("7:30")
    tab_to(page, page.get_by_role("button", name=re.compile("Copy to all days.*Monday")))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Copied to every day, not saved yet.")).to_be_visible()
    expect(page.get_by_label("Sunday, open until")).to_have_value("7:30")
    tab_to(page, page.get_by_label("Monday", exact=True), steps=60)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # in a field: saves, and copies nothing
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(page.get_by_text("Now: every day 18:00 to 07:30")).to_be_visible()
    for day in range(7):
        page.locator(f"#id_mode_{day}").select_option("all")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Now: always open.")).to_be_visible()
    assert complaints == []


def test_a_mistake_is_marked_and_nothing_is_saved(owners_page, settings):
    page = owners_page
    page.get_by_label("Hottest GPU").fill("300")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_text("Write 40 to 110, or nothing.")).to_be_visible()
    expect(page.get_by_label("Hottest GPU")).to_be_focused()
    page.goto(settings)
    expect(page.get_by_label("Hottest GPU")).to_have_value("")


def test_maintenance_is_announced_and_called_off_without_scripts(chromium, stack, signed_in_as_owner, settings, complaints):
    with opened(chromium, stack, signed_in_as_owner, complaints, java_script_enabled=False) as page:
        page.goto(settings)
        page.get_by_label("From", exact=True).fill("2099-01-01T08:00")
        page.get_by_label("Until", exact=True).fill("2099-01-01T10:00")
        page.get_by_role("button", name="Announce it").click()
        expect(page.get_by_text("At most 90 days ahead.")).to_be_visible()
        page.get_by_label("From", exact=True).fill("2020-01-01T08:00")
        page.get_by_label("Until", exact=True).fill("2020-01-01T10:00")
        page.get_by_role("button", name="Announce it").click()
        expect(page.get_by_text("one that is not over")).to_be_visible()


def test_many_nodes_are_paused_and_resumed_after_a_question(owners_page, complaints):
    page = owners_page
    page.goto("/workers/")
    tick = page.get_by_label(f"Tick {NODE}")
    tick.focus()
    page.keyboard.press("Space")
    expect(tick).to_be_checked()
    page.get_by_role("button", name="Go on…").click()
    expect(page.get_by_role("heading", name="Pause 1 node?")).to_be_visible()
    page.get_by_role("button", name="Pause 1 node").click()
    row = page.get_by_role("row", name=NODE)
    expect(row.get_by_text("Paused by its owner.")).to_be_visible()
    page.get_by_label("Search by name").fill(NODE)
    page.get_by_role("button", name="Show").click()
    page.get_by_label("Many at once").select_option("all")
    page.get_by_label("What to do").select_option("resume")
    page.get_by_role("button", name="Go on…").click()
    page.get_by_role("button", name="Resume 1 node").click()
    expect(row.get_by_text("Online")).to_be_visible()
    assert complaints == []


def test_the_pages_of_an_owner_keep_nobody_out(owners_page, settings):
    owners_page.locator("#id_mode_2").select_option("hours")
    around = [f"/workers/{part}/" for part in ("summary", "calculator", "fleet-tokens", "agent", "new")]
    assert in_the_way(owners_page, "/workers/", settings, *around) == []


def test_the_pages_of_a_node_keep_nobody_out(owners_page, settings):
    node = settings.removesuffix("settings/")
    assert in_the_way(owners_page, *[node + part for part in ("", "tasks/", "events/", "reliability/", "benchmark/")]) == []


def test_somebody_is_asked_into_the_team_and_accepts_without_scripts(
    chromium, stack, signed_in_as_owner, signed_in_as_creator, settings, complaints
):
    [[address]] = Person(stack, "owner").ask("SELECT email FROM users_user WHERE username = 'demo:creator'")
    owner = opened(chromium, stack, signed_in_as_owner, complaints, java_script_enabled=False)
    creator = opened(chromium, stack, signed_in_as_creator, complaints, java_script_enabled=False)
    with owner as owners, creator as creators:
        owners.goto(settings)
        owners.get_by_label("Me first, then my team, then everybody").check()
        owners.get_by_role("textbox", name="Team").fill(f"{address}\nsomebody@example.net")
        owners.get_by_role("button", name="Save").first.click()
        team = owners.get_by_role("list", name="Who is in the team")
        expect(team.get_by_text("Invited")).to_have_count(2)
        creators.goto("/workers/teams/")
        creators.get_by_role("button", name="Accept").click()
        expect(creators.get_by_text("You are in the team")).to_be_visible()
        owners.goto(settings)
        expect(team.get_by_text("Accepted")).to_have_count(1)
        creators.get_by_role("button", name="Leave").click()
        expect(creators.get_by_text("You are not in that team.")).to_be_visible()
    assert complaints == []


def test_the_page_of_teams_keeps_nobody_out(page):
    assert in_the_way(page, "/workers/teams/") == []
