"""Pages that move by themselves, in a real browser."""

from __future__ import annotations

import pytest
from browser_kit import new_context
from playwright.async_api import expect

from callcamp.core.states import AttemptStatus
from callcamp.engine.clock import utc_now
from callcamp.engine.live import LiveCallView

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"


async def test_the_list_moves_by_itself(site, tab):
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring", 3)
    await page.goto(site.url)
    row = page.locator("#campaigns tr", has_text="Spring")
    await expect(row.locator(".badge")).to_have_text("Draft")
    await engine.commands.start(campaign.id)
    await expect(row.locator(".badge")).to_have_text("Running")
    await expect(row.get_by_role("button", name="Pause")).to_be_visible()
    await engine.campaign("Autumn")
    engine.live.touch()
    await expect(page.locator("#campaigns tr")).to_have_count(2)
    await expect(page.locator("#campaigns tr").first).to_contain_text("Autumn")
    await expect(page.locator("#cards")).to_contain_text("Running now1")


async def test_the_first_campaign_appears_on_an_empty_list(site, tab):
    await tab.page.goto(site.url)
    await expect(tab.page.get_by_text("No campaigns yet")).to_be_visible()
    await site.engine.campaign("Spring")
    site.engine.live.touch()
    await expect(tab.page.get_by_role("link", name="Spring")).to_be_visible()
    await expect(tab.page.get_by_text("No campaigns yet")).to_be_hidden()


async def test_a_campaign_is_started_paused_resumed_and_stopped(site, tab):
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring", 3)
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    loads = []
    page.on("load", lambda p: loads.append(p.url))
    for button, status in (("Start", "Running"), ("Pause", "Paused"), ("Resume", "Running")):
        await page.get_by_role("button", name=button, exact=True).click()
        await expect(page.locator("#status")).to_have_text(status)
    await page.get_by_role("link", name="Stop", exact=True).click()
    await expect(page.get_by_role("dialog")).to_contain_text("final")
    await page.get_by_role("button", name="Keep it").click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.locator("#status")).to_have_text("Running")
    await page.get_by_role("link", name="Stop", exact=True).click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await page.get_by_role("link", name="Stop", exact=True).click()
    await page.get_by_role("button", name="Stop for good").click()
    await expect(page.locator("#status")).to_have_text("Canceled")
    await expect(page.locator("#actions")).to_be_empty()
    await expect(page.locator("#contact-counts")).to_contain_text("called3")
    assert loads == []


async def test_a_refused_start_says_why_without_leaving_the_page(site, tab):
    campaign = await site.engine.campaign("Spring", prompt=None)
    await tab.page.goto(f"{site.url}/campaigns/{campaign.id}")
    # The browser notes the refused request itself; that line is no fault of the page.
    tab.foresee("status of 409")
    await tab.page.get_by_role("button", name="Start", exact=True).click()
    await expect(tab.page.locator("#toast")).to_contain_text("it has no prompt")


async def test_calls_in_progress_come_tick_and_go(site, tab):
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring", 3)
    await engine.commands.start(campaign.id)
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    await expect(page.locator("#calls")).to_contain_text("No calls in progress")
    view = LiveCallView("a", campaign.id, 1, "+12025550000", AttemptStatus.RINGING, utc_now())
    engine.live.put(view)
    call = page.locator("#calls tbody tr")
    await expect(call).to_contain_text("+12025550000")
    await expect(call).to_contain_text("Ringing")
    first = await call.locator("time").text_content()
    await expect(call.locator("time")).not_to_have_text(first or "")
    engine.live.drop(campaign.id, "a")
    await expect(page.locator("#calls")).to_contain_text("No calls in progress")


async def test_the_contacts_table_follows(site, tab):
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring", 2)
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    await expect(page.locator("#contacts tbody tr")).to_have_count(2)
    await expect(page.locator("#figures .card")).to_have_count(8)
    await engine.add(campaign.id, 5)
    engine.live.touch()
    await expect(page.locator("#contacts tbody tr")).to_have_count(5)


async def test_a_lost_link_shows_and_goes(site, tab):
    engine, page = site.engine, tab.page
    await page.goto(site.url)
    await expect(page.locator("#cards")).to_be_visible()
    engine.link_up, engine.link_problem = False, "Connection refused"
    engine.live.touch()
    await expect(page.locator("#banner")).to_contain_text("Connection refused")
    engine.link_up, engine.link_problem = True, None
    engine.live.touch()
    await expect(page.locator("#banner")).to_be_empty()


async def test_a_button_keeps_the_focus_when_it_is_replaced(site, tab):
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring", 3)
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    await page.get_by_role("button", name="Start", exact=True).focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#status")).to_have_text("Running")
    await expect(page.get_by_role("button", name="Pause")).to_be_focused()


async def test_hostile_names_stay_text(site, tab):
    engine, page = site.engine, tab.page
    campaign = await engine.campaign(EVIL, description=EVIL)
    await engine.add(campaign.id, 1, name=EVIL)
    for path in ("/", f"/campaigns/{campaign.id}", f"/campaigns/{campaign.id}/stop"):
        await page.goto(site.url + path)
        await expect(page.get_by_text(EVIL).first).to_be_visible()
    await page.goto(site.url)
    await expect(page.locator(".badge")).to_have_text("Draft")
    await engine.campaign(EVIL + " again")
    engine.live.touch()
    await expect(page.get_by_role("link", name="again")).to_be_visible()
    assert await page.locator("#campaigns img").count() == 0


async def test_a_hidden_page_gives_its_connection_back(site, tab):
    from callcamp.http.context import HUB

    hub = site.app[HUB]
    await tab.page.goto(site.url)
    await expect(tab.page.locator("#cards")).to_be_visible()
    async with tab.page.expect_response("**/live") as seen:
        await tab.page.reload()
    assert (await seen.value).status == 200
    await tab.page.goto(f"{site.url}/trunks")
    await expect(tab.page.get_by_role("heading", name="Trunks")).to_be_visible()
    await wait_until(lambda: hub.watchers == 0)


async def wait_until(condition):
    """Wait for something on our side of the browser."""
    import asyncio

    while not condition():  # noqa: ASYNC110 - nothing tells when it changes
        await asyncio.sleep(0.01)


async def test_a_campaign_is_made_in_the_form(site, tab):
    page = tab.page
    await page.goto(f"{site.url}/trunks")
    await page.get_by_label("Name").fill("carrier")
    await page.get_by_label("Dial string").fill("PJSIP/{number}@carrier")
    await page.get_by_role("button", name="Save trunk").click()
    await expect(page.locator("tbody")).to_contain_text("carrier")
    await page.get_by_role("link", name="Campaigns").click()
    await page.get_by_role("link", name="Create Campaign").click()
    await page.get_by_label("Campaign Name").fill("Spring")
    await page.get_by_label("Prompt sound").fill("hello-world")
    await page.get_by_label("Timezone").fill("Europe/Paris")
    await page.get_by_label("Sun").uncheck()
    await page.get_by_role("button", name="Create Campaign").click()
    await expect(page.locator("h1")).to_contain_text("Spring")
    [campaign] = await site.engine.store.campaigns()
    assert campaign.settings.window.zone == "Europe/Paris"
    assert campaign.settings.window.weekdays == frozenset(range(6))


async def test_without_scripts_the_buttons_still_work(site, browser):
    campaign = await site.engine.campaign("Spring", 3)
    context = await new_context(browser, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(site.url)
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator("#status")).to_have_text("Running")
    await page.get_by_role("link", name="Stop", exact=True).click()
    await expect(page.locator("h1")).to_contain_text("Stop")
    await page.get_by_role("button", name="Stop for good").click()
    await expect(page.locator("#status")).to_have_text("Canceled")
    assert (await site.engine.store.campaign(campaign.id)).status.value == "canceled"
    await context.close()


async def test_a_stream_that_was_refused_for_a_moment_is_asked_for_again(site, tab, monkeypatch):
    from callcamp.http import hub

    tab.foresee("status of 503")
    monkeypatch.setattr(hub, "MAX_WATCHERS", 0)
    await tab.page.goto(site.url)
    await expect(tab.page.locator("#stream")).to_be_visible()
    monkeypatch.setattr(hub, "MAX_WATCHERS", 500)
    await expect(tab.page.locator("#stream")).to_be_hidden()


async def test_the_server_closes_under_an_open_page(site, tab):
    await tab.page.goto(site.url)
    await expect(tab.page.locator("#cards")).to_be_visible()
    tab.foresee("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")
    await site.runner.cleanup()
    await expect(tab.page.locator("#stream")).to_be_visible()
