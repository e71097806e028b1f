"""Log-in, log-out and one's own account, in a real browser."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from browser_kit import new_context
from playwright.async_api import expect

sys.path.insert(0, str(Path(__file__).parent.parent / "http"))

from access_kit import PASSWORD, add_people

from callcamp.core import totp
from callcamp.core.permissions import TokenScope
from callcamp.engine.clock import utc_now
from callcamp.http import stream

pytestmark = pytest.mark.browser

WRONG = "not the password at all"


@pytest_asyncio.fixture(loop_scope="session")
async def people(engine):
    return await add_people(engine)


@pytest.fixture
def verbose(tab):
    """What the browser would like better about the pages: it says so in the quietest voice."""
    said = []
    tab.page.on("console", lambda m: m.type in {"verbose", "debug", "warning"} and said.append(m))
    return said


async def log_in(page, name="ada", password=PASSWORD, code=""):
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password)
    if code:
        await page.get_by_label("One-time code").fill(code)
    await page.get_by_role("button", name="Log in").click()


def is_at(site, path):
    return re.compile(re.escape(site.url + path) + "$")


def at_log_in(site, path):
    """Match the log-in that leads back to ``path``: what is escaped in it is up to who wrote it."""
    following = "".join(f"(?:{re.escape(c)}|{quote(c, safe='')})" for c in path)
    return re.compile(re.escape(f"{site.url}/login?next=") + following + "$")


@pytest.fixture
def refusals(tab):
    """What the server refused. The browser complains of each as well, whenever it likes."""
    tab.foresee(*(f"status of {status}" for status in (400, 401, 403, 429)))
    statuses = []
    tab.page.on("response", lambda r: r.status >= 400 and statuses.append(r.status))
    return statuses


async def code_now(engine, secret, *, after_s=0):
    plain = totp.decoded(secret)
    assert plain is not None
    return totp.code_at(plain, int(utc_now().timestamp() + after_s) // totp.STEP_S)


async def test_a_wrong_password_and_then_the_right_one(site, tab, people, refusals, verbose):
    page, campaign = tab.page, await site.engine.campaign("Spring")
    # A page that was asked for before the log-in is what comes after it.
    path = f"/campaigns/{campaign.id}?status=pending"
    await page.goto(site.url + path)
    await expect(page).to_have_url(at_log_in(site, path))
    await expect(page.get_by_label("Name")).to_be_focused()
    await log_in(page, password=WRONG)
    await expect(page.locator("#problem")).to_contain_text("check name, password")
    await expect(page.get_by_label("Name")).to_have_value("ada")
    await expect(page.get_by_label("Password")).to_have_value("")
    await expect(page.get_by_label("Password")).to_be_focused()
    assert refusals == [403]
    await log_in(page)
    await expect(page).to_have_url(is_at(site, path))
    await expect(page.locator("h1")).to_contain_text("Spring")
    cookies = {one["name"]: one for one in await tab.context.cookies()}
    session = cookies["callcamp"]
    assert (session["httpOnly"], session["sameSite"], session["expires"]) == (True, "Lax", -1)
    assert await page.evaluate("document.cookie") == ""
    # Out again: the page is gone, for the button "back" as well.
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("status").filter(has_text="logged out")).to_be_visible()
    await page.goto(site.url + path)
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await page.goto(f"{site.url}/account")
    await log_in(page)
    await expect(page.get_by_role("heading", name="ada")).to_be_visible()
    await page.goto(f"{site.url}/users")
    await expect(page.get_by_role("heading", name="Users", exact=True)).to_be_visible()
    assert [m.text for m in verbose if "assword" in m.text or "autocomplete" in m.text] == []


async def test_too_many_wrong_passwords_make_one_wait(site, tab, people, refusals):
    page = tab.page
    await page.goto(f"{site.url}/login")
    for _ in range(5):
        await log_in(page, password=WRONG)
        await expect(page.locator("#problem")).to_contain_text("check name, password")
    await log_in(page)
    await expect(page.locator("#problem")).to_contain_text("try again in 5 seconds")
    assert len(refusals) == 6


@pytest.mark.usefixtures("people")
async def test_log_out_everywhere_reaches_the_other_browser(
    site, tab, browser, refusals, monkeypatch
):
    monkeypatch.setattr(stream, "CHECK_S", 0.0)
    page = tab.page
    await page.goto(f"{site.url}/login")
    await log_in(page)
    await expect(page.get_by_role("heading", name="Call Campaigns")).to_be_visible()
    elsewhere = await new_context(browser)
    other = await elsewhere.new_page()
    await other.goto(f"{site.url}/login?next=/account")
    await log_in(other)
    await expect(other.locator("table tbody tr", has_text="127.0.0.1")).to_have_count(2)
    await other.get_by_role("button", name="Log out everywhere").click()
    dialog = other.get_by_role("dialog")
    await dialog.get_by_role("button", name="Keep it").click()
    await expect(other).to_have_url(is_at(site, "/account"))
    await other.get_by_role("button", name="Log out everywhere").click()
    await dialog.get_by_role("button", name="Log out everywhere").click()
    await expect(other.get_by_role("status").filter(has_text="everywhere else")).to_be_visible()
    # The page that was left open hears of it by its stream, and goes to the log-in by itself.
    site.engine.live.touch()
    await expect(page).to_have_url(at_log_in(site, "/"))
    assert refusals
    await log_in(page)
    await expect(page).to_have_url(is_at(site, "/"))
    await elsewhere.close()


async def test_a_session_that_ends_leads_back_to_where_one_was(site, tab, people, refusals):
    engine, page = site.engine, tab.page
    campaign = await engine.campaign("Spring", 3)
    await page.goto(f"{site.url}/campaigns/{campaign.id}")
    # A page whose stream is refused from the start goes to the log-in by itself.
    async with page.expect_response(f"**/campaigns/{campaign.id}/live"):
        await log_in(page)
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    await engine.access.log_out_everywhere(people["ada"])
    # A button asks by script, and a link by a page: both end at the log-in.
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page).to_have_url(at_log_in(site, f"/campaigns/{campaign.id}"))
    assert (await engine.store.campaign(campaign.id)).status.value == "draft"
    await log_in(page)
    await expect(page).to_have_url(is_at(site, f"/campaigns/{campaign.id}"))
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator("#status")).to_have_text("Running")
    await engine.access.log_out_everywhere(people["ada"])
    await page.get_by_role("link", name="Users").click()
    await expect(page).to_have_url(at_log_in(site, "/users"))
    await log_in(page)
    await expect(page).to_have_url(is_at(site, "/users"))


async def test_one_time_codes_on_and_off(site, tab, people, refusals):
    engine, page = site.engine, tab.page
    await page.goto(f"{site.url}/login?next=/account")
    await log_in(page)
    await page.get_by_role("button", name="Set up one-time codes").click()
    secret = await page.locator("#totp-secret").text_content()
    # A code that is wrong is no reason to begin again with another secret.
    await page.get_by_label("Code").fill("abcdef")
    await page.get_by_role("button", name="Ask for codes from now on").click()
    await expect(page.get_by_role("alert")).to_contain_text("code is not")
    await expect(page.locator("#totp-secret")).to_have_text(secret)
    await page.get_by_label("Code").fill(await code_now(engine, secret))
    await page.get_by_role("button", name="Ask for codes from now on").click()
    await expect(page.get_by_text("A code is asked for whenever you log in.")).to_be_visible()
    await page.get_by_role("button", name="Log out", exact=True).click()
    # The password alone is not enough now.
    await log_in(page)
    await expect(page.locator("#problem")).to_contain_text("one-time code")
    await log_in(page, code="000 000")
    await expect(page.locator("#problem")).to_contain_text("check name, password")
    # The code that turned them on is used up; the next one is early by a step at most.
    await log_in(page, code=await code_now(engine, secret, after_s=totp.STEP_S))
    await expect(page.get_by_role("heading", name="Call Campaigns")).to_be_visible()
    # Off again: a page left open is not enough for that.
    await page.get_by_role("link", name="ada", exact=True).click()
    codes = page.locator("form[action='/account/codes/disable']")
    for password, words in ((WRONG, "not your password"), (PASSWORD, "Set up one-time codes")):
        await codes.get_by_label("Password").fill(password)
        await codes.get_by_role("button").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Ask for codes no more").click()
        await expect(page.locator("main")).to_contain_text(words)
    assert not (await engine.store.user(people["ada"])).has_totp
    await page.get_by_role("button", name="Log out", exact=True).click()
    await log_in(page)
    await expect(page.get_by_role("heading", name="Call Campaigns")).to_be_visible()


async def test_another_password_ends_the_session(site, tab, people, refusals):
    page, new = tab.page, "another battery staple horse"
    await page.goto(f"{site.url}/login?next=/account")
    await log_in(page)
    await page.get_by_label("Password now").fill(PASSWORD)
    await page.get_by_label("New password", exact=False).first.fill(new)
    await page.get_by_label("New password again").fill(new)
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_role("status").filter(has_text="was changed")).to_be_visible()
    await log_in(page)
    await expect(page.locator("#problem")).to_contain_text("check name, password")
    await log_in(page, password=new)
    await expect(page.get_by_role("heading", name="Call Campaigns")).to_be_visible()


async def test_an_agent_sees_nothing_of_campaigns(site, tab, people, refusals):
    page = tab.page
    await page.goto(f"{site.url}/login")
    await log_in(page, "kim")
    await expect(page.get_by_role("link", name="kim", exact=True)).to_be_visible()
    assert not re.search(r"/(login)?$", page.url)
    header = page.get_by_role("banner")
    for name in ("Campaigns", "Trunks", "Users", "Webhooks"):
        await expect(header.get_by_role("link", name=name, exact=True)).to_have_count(0)
    await page.goto(site.url)
    assert not page.url.endswith(site.url + "/")


async def test_a_webhooks_secret_is_shown_once_and_renewed(site, tab, people):
    page = tab.page
    await page.goto(f"{site.url}/login?next=/webhooks")
    await log_in(page)
    await page.get_by_label("Address").fill("https://8.8.8.8/hook")
    await page.get_by_label("attempt.ended").check()
    await page.get_by_role("button", name="Add webhook").click()
    first = await page.locator("#secret").text_content()
    await page.get_by_role("link", name="← Webhooks").click()
    await page.get_by_role("link", name="https://8.8.8.8/hook").click()
    await expect(page.locator("#secret")).to_have_count(0)
    await page.get_by_role("button", name="Renew secret").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Renew secret").click()
    await expect(page.locator("#secret")).to_contain_text("whsec_")
    second = await page.locator("#secret").text_content()
    assert second != first
    assert await site.engine.store.webhook_secret(1) == second


@pytest.mark.parametrize("width", [390, 1280])
async def test_no_page_of_accounts_is_wider_than_the_screen(site, tab, people, width):
    page = tab.page
    await page.set_viewport_size({"width": width, "height": 844})
    await site.engine.access.create_token(people["ada"], "a token", {TokenScope.READ}, None)
    await site.engine.webhooks.add("https://8.8.8.8/hook?" + "a-long-address" * 20)
    await page.goto(f"{site.url}/login")
    wide = "document.documentElement.scrollWidth - window.innerWidth"
    assert await page.evaluate(wide) <= 0
    await log_in(page)
    await expect(page.locator("#cards")).to_be_visible()
    for path in ("/", "/account", "/users", "/webhooks", "/webhooks/1", "/trunks"):
        await page.goto(site.url + path)
        assert await page.evaluate(wide) <= 0, path
