"""Who lets no script run, in a real browser: what asks first wants a tick instead."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from browser_kit import Site, new_context
from playwright.async_api import Browser, expect

sys.path.insert(0, str(Path(__file__).parent.parent / "http"))

from agent_kit import add_agent

pytestmark = pytest.mark.browser


async def test_a_press_alone_does_nothing_that_cannot_be_taken_back(
    site: Site, browser: Browser
) -> None:
    secret, hook = await site.engine.webhooks.add("https://8.8.8.8/hook")
    context = await new_context(browser, java_script_enabled=False)
    try:
        page = await context.new_page()
        await page.goto(f"{site.url}/webhooks/{hook.id}")
        form = page.locator("form", has=page.get_by_role("button", name="Renew secret"))
        await form.get_by_role("button").click()
        assert await site.engine.store.webhook_secret(hook.id) == secret
        await form.get_by_role("checkbox", name="Yes, I am sure").check()
        await form.get_by_role("button").click()
        await expect(page.locator("#secret")).to_contain_text("whsec_")
        assert await site.engine.store.webhook_secret(hook.id) != secret
    finally:
        await context.close()


async def test_the_agents_page_says_that_it_cannot_work(site: Site, browser: Browser) -> None:
    await add_agent(site.engine)
    context = await new_context(browser, java_script_enabled=False)
    try:
        page = await context.new_page()
        await page.goto(f"{site.url}/agent/kim")
        await expect(page.locator("noscript .notice")).to_contain_text("needs JavaScript")
    finally:
        await context.close()


def test_every_form_that_asks_first_has_the_tick() -> None:
    asking = [
        (page.name, form)
        for page in Path("web/templates").glob("*.html")
        for form in re.findall(r"<form[^>]*data-confirm=.*?</form>", page.read_text(), re.DOTALL)
    ]
    assert len(asking) > 9
    assert [name for name, form in asking if "sure()" not in form] == []
