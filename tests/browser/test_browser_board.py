"""The pages of supervisors in a real Chromium: what moves, what is pressed, the script's rows."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from browser_kit import Site, Watched
from playwright.async_api import expect
from test_http_agents import PREDICTIVE, hire, talking

from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentState
from callcamp.core.scripts import ElementKind, ShowIf
from callcamp.engine.agents.pace import PacingView
from callcamp.engine.clock import Clock, utc_now
from callcamp.ports.switchboard import SpyMode

pytestmark = pytest.mark.browser


async def test_the_board_moves_and_its_buttons_work(site: Site, tab: Watched) -> None:
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", "sue", campaign=campaign.id)
    await page.goto(f"{site.url}/board")
    row = page.locator("tr", has=page.get_by_role("rowheader", name="anna"))
    away = page.locator("details.away summary")
    await expect(away).to_have_text("Offline: 2")
    await expect(row).to_be_hidden()
    # By keyboard, as every summary.
    await away.press("Enter")
    await expect(row.locator(".state")).to_have_text("Offline")
    talking(engine, agents["anna"], campaign)
    await expect(away).to_have_text("Offline: 1")
    await expect(row.locator(".state")).to_have_text("Talking")
    await expect(row.get_by_text("+12025550123")).to_be_visible()
    await expect(page.locator("#board-counts .talking dd")).to_have_text("1")

    await page.get_by_label("Phone to listen by").select_option("sue")
    await row.get_by_role("button", name="Listen").click()
    await expect(
        page.get_by_text("Your phone is called; you hear the talk of anna.")
    ).to_be_visible()
    assert engine.agents.asked == [("spy", "anna", SpyMode.LISTEN, "sue")]

    await page.get_by_label("Reason for a pause").fill("training")
    await row.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("anna is paused, or will be")).to_be_visible()
    assert engine.agents.asked[-1] == ("force_pause", "anna", "training")

    # What cannot be taken back is asked first, and nothing happens without a yes.
    await row.get_by_role("button", name="Log out").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading", name="Log anna out?")).to_be_visible()
    await dialog.get_by_role("button", name="Keep it").click()
    await expect(dialog).to_be_hidden()
    assert engine.agents.asked[-1][0] == "force_pause"
    await row.get_by_role("button", name="Log out").click()
    await dialog.get_by_role("button", name="Log out").click()
    await expect(page.get_by_text("anna is logged out.")).to_be_visible()
    assert engine.agents.asked[-1] == ("force_log_out", "anna")

    await hire(engine, "bob", campaign=campaign.id)
    await expect(page.get_by_role("rowheader", name="bob")).to_be_visible()
    await page.get_by_label("Campaign").select_option("Spring")
    await page.wait_for_url(f"**/board?campaign={campaign.id}")


async def test_a_clock_that_runs_faster_is_counted_by(site: Site, tab: Watched) -> None:
    """A sped-up demo: its instants are in the reader's future, and its seconds are short."""
    engine, page = site.engine, tab.page
    engine.clock = Clock(600, utc_now() + timedelta(days=40))
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", campaign=campaign.id)
    since = engine.clock.now() - timedelta(minutes=100)
    engine.agents.show(agents["anna"], AgentState.READY, campaign_id=campaign.id, since=since)
    await page.goto(f"{site.url}/board")
    row = page.locator("tr", has=page.get_by_role("rowheader", name="anna"))
    # Over a hundred minutes, and ten minutes more with every second.
    await expect(row.locator("time")).to_have_text(re.compile(r"^1[0-9][0-9]:[0-5][0-9]$"))

    async def minutes() -> int:
        return int((await row.locator("time").inner_text()).split(":")[0])

    first = await minutes()
    async with asyncio.timeout(60):
        while await minutes() < first + 15:
            await page.wait_for_timeout(50)


async def test_the_first_agent_and_the_first_campaign_appear(site: Site, tab: Watched) -> None:
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring", contacts=2, agents=PREDICTIVE)
    await page.goto(f"{site.url}/board")
    await expect(page.get_by_text("There are no agents yet")).to_be_visible()
    await expect(page.get_by_role("table")).to_be_hidden()
    agents = await hire(engine, "anna", campaign=campaign.id)
    away = page.get_by_text("Offline: 1")
    await expect(away).to_be_visible()
    await expect(page.get_by_text("Nobody is logged in.")).to_be_visible()
    await expect(page.get_by_text("There are no agents yet")).to_be_hidden()
    await away.click()
    await expect(page.get_by_role("rowheader", name="anna")).to_be_visible()

    await page.goto(f"{site.url}/active")
    await expect(page.get_by_text("No campaign is running")).to_be_visible()
    await engine.commands.start(campaign.id)
    await expect(page.get_by_role("heading", name="Spring")).to_be_visible()
    await expect(page.get_by_text("No campaign is running")).to_be_hidden()
    engine.agents.paced[campaign.id] = PacingView(
        DialMethod.PREDICTIVE, 7, "7 fit", {"risk": 0.01}, {}, 12, 1, 412, 9, 0.03
    )
    engine.agents.show(agents["anna"], AgentState.READY, campaign_id=campaign.id)
    await expect(page.get_by_text("dial 7 now")).to_be_visible()
    await expect(page.get_by_text("1 ready")).to_be_visible()


async def test_a_script_is_written_row_by_row(site: Site, tab: Watched) -> None:
    engine, page = site.engine, tab.page
    await engine.commands.save_trunk("carrier", dial_string="PJSIP/{number}@c", cps=1)
    await page.goto(f"{site.url}/campaigns/new")
    script = page.locator("#script")
    await expect(script).to_be_hidden()
    await expect(page.get_by_label("Pickup rate (%)")).to_be_hidden()
    await page.get_by_label("How calls and agents come together").select_option("ratio")
    await expect(page.get_by_label("Pickup rate (%)")).to_be_visible()
    await expect(page.get_by_label("Before call work (seconds)")).to_be_hidden()
    await page.get_by_label("Pickup rate (%)").fill("40")

    rows = script.locator("[data-rows] > [data-row]")
    add = script.get_by_role("button", name="Add element")
    await add.click()
    await rows.nth(0).get_by_label("Words").fill("Good morning, {first_name}.")
    await expect(rows.nth(0).get_by_label("Kept as")).to_be_hidden()
    await add.click()
    await rows.nth(1).get_by_label("What it is").select_option("choice")
    await rows.nth(1).get_by_label("Words").fill("Which brand?")
    await rows.nth(1).get_by_label("Kept as").fill("brand")
    await rows.nth(1).get_by_label("Options, one a line").fill("Renault\nOther")
    await rows.nth(1).get_by_label("Only shown if").fill("car")
    await rows.nth(1).get_by_label("is answered with").fill("yes")
    await add.click()
    await rows.nth(2).get_by_label("What it is").select_option("checkbox")
    await rows.nth(2).get_by_label("Words").fill("Has a car")
    await rows.nth(2).get_by_label("Kept as").fill("car")
    await page.get_by_label("Campaign Name").fill("Spring")
    # The browser notes the status of the answer as well.
    tab.foresee("status of 400", "status of 422")
    await page.get_by_role("button", name="Create Campaign").click()

    # The car is asked after the brand, which depends on it: said in words, at the row.
    await expect(page.get_by_role("alert")).to_contain_text("agents.script.elements.1.show_if.name")
    await expect(rows.nth(1).get_by_label("Only shown if")).to_have_attribute(
        "aria-invalid", "true"
    )
    await rows.nth(2).get_by_role("button", name="Move up").click()
    await expect(rows.nth(1).get_by_label("Kept as")).to_have_value("car")
    await add.click()
    await rows.nth(3).get_by_label("Words").fill("gone")
    await rows.nth(3).get_by_role("button", name="Remove").click()
    await expect(rows).to_have_count(3)
    await page.get_by_role("button", name="Create Campaign").click()
    await page.wait_for_url("**/campaigns/1")
    agents = (await engine.store.campaign(1)).settings.agents
    assert agents.pickup_rate == 0.4
    sentence, car, brand = agents.script.elements
    assert sentence.text == "Good morning, {first_name}."
    assert (car.kind, car.name) == (ElementKind.CHECKBOX, "car")
    assert (brand.options, brand.show_if) == (("Renault", "Other"), ShowIf("car", ("yes",)))


async def test_agents_are_added_and_put_to_a_campaign(site: Site, tab: Watched) -> None:
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring", contacts=1, agents=PREDICTIVE)
    await page.goto(f"{site.url}/agents")
    await page.locator('input[name="name"]').fill("anna")
    await page.get_by_label("Name for people").fill("Anna Petit")
    await page.get_by_role("button", name="Add agent").click()
    await expect(page.get_by_role("rowheader", name="Anna Petit")).to_be_visible()
    (agent,) = await engine.store.agents()
    engine.agents.show(agent)
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    part = page.locator("#agents")
    await part.get_by_label("Anna Petit").check()
    await part.get_by_role("button", name="Add").click()
    await expect(part.get_by_role("rowheader", name="Anna Petit")).to_be_visible()
    engine.agents.show(agent, AgentState.READY, campaign_id=campaign.id)
    await expect(part.locator("td .state")).to_have_text("Ready")
    await part.get_by_role("button", name="Remove").click()
    await expect(part.get_by_text("cannot start without")).to_be_visible()


async def test_what_people_write_widens_no_page(site: Site, tab: Watched) -> None:
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring" + "W" * 100, agents=PREDICTIVE)
    anna, bert = (await hire(engine, "anna", "bert", campaign=campaign.id)).values()
    talking(engine, anna, campaign)
    names = {"campaign_id": campaign.id, "campaign": campaign.settings.name}
    engine.agents.show(bert, AgentState.PAUSED, reason="W" * 64, **names)
    # The agent's page asks for a call that only the board has.
    tab.foresee("status of 404")
    for width in (390, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        for path in ("/board", "/agents", f"/campaigns/{campaign.id}", "/agent/anna"):
            await page.goto(f"{site.url}{path}")
            await expect(page.get_by_text("SpringWWWW").first).to_be_attached()
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
    await page.goto(f"{site.url}/board")
    state = page.locator("#board .state.talking")
    lines = "e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).fontSize)"
    assert await state.evaluate(lines) <= 1.7


async def test_what_the_phone_says_fits_a_small_screen(site: Site, tab: Watched) -> None:
    engine, page = site.engine, tab.page
    engine.settings.phone_ws_url = "/ws"
    await hire(engine, "anna")
    await page.set_viewport_size({"width": 390, "height": 900})
    await page.goto(f"{site.url}/agent/anna")
    # This browser has no microphone, and says so in a sentence.
    await expect(page.locator("#phone .phone-status")).to_contain_text("There is no microphone")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
