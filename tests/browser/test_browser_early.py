"""Who presses a button before the scripts are there, in a real browser."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

sys.path.insert(0, str(Path(__file__).parent.parent / "http"))

from agent_kit import add_agent, show
from test_http_agents import PREDICTIVE

from callcamp.core.agents import AgentState

pytestmark = pytest.mark.browser

LIST = {"name": "list.csv", "mimeType": "text/csv", "buffer": b"phone\n+12025550101\n"}


@asynccontextmanager
async def late(page: Page, script: str) -> AsyncIterator[None]:
    """Load the page again and run the block while one of its scripts is still on its way."""
    asked_for, given = asyncio.Event(), asyncio.Event()

    async def wait(route: Route) -> None:
        asked_for.set()
        await given.wait()
        await route.continue_()

    await page.route(f"**/static/{script}", wait)
    await page.reload(wait_until="commit")
    await asked_for.wait()
    yield
    given.set()
    await page.wait_for_load_state()


async def test_what_asks_first_asks_all_the_same(site, tab):
    page = tab.page
    secret, hook = await site.engine.webhooks.add("https://8.8.8.8/hook")
    await page.goto(f"{site.url}/webhooks/{hook.id}")
    async with late(page, "callcamp.js"):
        await page.get_by_role("button", name="Renew secret").click()
        await expect(page.get_by_role("button", name="Renew secret")).to_be_disabled()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert await site.engine.store.webhook_secret(hook.id) == secret
    await page.get_by_role("dialog").get_by_role("button", name="Renew secret").click()
    await expect(page.locator("#secret")).to_contain_text("whsec_")
    assert await site.engine.store.webhook_secret(hook.id) != secret


async def test_the_link_that_stops_a_campaign_asks_on_its_page(site, tab):
    page = tab.page
    campaign = await site.engine.campaign("Spring", 1)
    await site.engine.commands.start(campaign.id)
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    async with late(page, "callcamp.js"):
        await page.get_by_role("link", name="Stop", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Stop for good").click()
    await expect(page.locator("#status")).to_have_text("Canceled")


async def test_a_button_of_the_page_does_not_leave_it(site, tab):
    page = tab.page
    campaign = await site.engine.campaign("Spring", 1)
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    loads = []
    async with late(page, "callcamp.js"):
        await page.get_by_role("button", name="Start", exact=True).click()
    page.on("load", lambda p: loads.append(p.url))
    await expect(page.locator("#status")).to_have_text("Running")
    assert loads == []


async def test_a_file_is_sent_with_its_progress(site, tab):
    page = tab.page
    campaign = await site.engine.campaign("Spring")
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    async with late(page, "callcamp.js"):
        await page.locator("input[type=file]").set_input_files(LIST)
        await page.get_by_role("button", name="Upload and preview").click()
    await expect(page.locator("h1")).to_have_text("list.csv")
    imported = page.url
    async with late(page, "callcamp.js"):
        await page.get_by_role("button", name="Preview again with these").click()
    await expect(page).not_to_have_url(imported)


async def test_a_choice_that_sends_its_form_sends_it(site, tab):
    page = tab.page
    campaign = await site.engine.campaign("Spring", agents=PREDICTIVE)
    await page.goto(f"{site.url}/board")
    async with late(page, "callcamp.js"):
        await page.locator("select[name=campaign]").select_option("Spring")
    await page.wait_for_url(f"**/board?campaign={campaign.id}")


async def test_an_agent_who_is_ready_at_once_is_ready(site, tab):
    page = tab.page
    kim = await add_agent(site.engine)
    campaign = await site.engine.campaign("Spring")
    show(site.engine, kim, AgentState.PAUSED, campaign)
    await page.goto(f"{site.url}/agent/kim")
    async with late(page, "agent.js"):
        await page.get_by_role("button", name="Ready", exact=True).click()
        assert site.engine.agents.asked == []
    async with asyncio.timeout(60):
        while site.engine.agents.asked != [("ready", "kim")]:
            await page.wait_for_timeout(20)


@pytest.mark.parametrize("yes", [False, True])
async def test_the_browser_asks_where_the_script_never_comes(site, tab, yes):
    page, questions = tab.page, []

    async def answer(dialog):
        questions.append(dialog.message)
        await (dialog.accept() if yes else dialog.dismiss())

    secret, hook = await site.engine.webhooks.add("https://8.8.8.8/hook")
    tab.foresee("ERR_FAILED", "dialog: Renew the secret?")
    page.on("dialog", answer)
    await page.route("**/static/callcamp.js", lambda route: route.abort())
    await page.goto(f"{site.url}/webhooks/{hook.id}")
    await page.get_by_role("button", name="Renew secret").click()
    await expect(page.locator("#secret")).to_have_count(1 if yes else 0)
    assert [question.split("\n")[0] for question in questions] == ["Renew the secret?"]
    assert (await site.engine.store.webhook_secret(hook.id) != secret) is yes


TWICE = """() => {
  const stopped = [];
  window.addEventListener("submit", (event) => {
    stopped.push(event.defaultPrevented);
    event.preventDefault();
  });
  const button = document.querySelector("form[action='/webhooks'] button");
  button.click();
  button.click();
  return [stopped, button.ariaBusy];
}"""


async def test_a_form_whose_button_is_pressed_twice_is_sent_once(site, tab):
    """Until the answer is there; the browser's own ways to prevent it differ."""
    await tab.page.goto(f"{site.url}/webhooks")
    await tab.page.get_by_label("Address").fill("https://8.8.8.8/hook")
    assert await tab.page.evaluate(TWICE) == [[False, True], "true"]
