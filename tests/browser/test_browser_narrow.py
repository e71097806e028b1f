"""The page of an agent on a phone: what is needed in a call is near."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from browser_kit import Site, Watched
from playwright.async_api import expect

sys.path.insert(0, str(Path(__file__).parent.parent / "http"))

from agent_kit import add_agent, add_campaign, call_view, contact_of, show

from callcamp.core.agents import AgentState

pytestmark = pytest.mark.browser

HEIGHT = 844


async def test_the_script_is_near_however_much_is_known_of_the_contact(
    site: Site, tab: Watched
) -> None:
    kim = await add_agent(site.engine)
    known = {f"field_{n}": f"value {n} " * 5 for n in range(40)}
    campaign = await add_campaign(site.engine, kim, variables=known)
    call = call_view(await contact_of(site.engine, campaign))
    show(site.engine, kim, AgentState.TALKING, campaign, call=call)
    await tab.page.set_viewport_size({"width": 390, "height": HEIGHT})
    await tab.page.goto(f"{site.url}/agent/kim")
    data = tab.page.locator("#a-variables")
    await expect(data).to_contain_text("value 39")
    box = await data.bounding_box()
    assert box is not None
    assert box["height"] < HEIGHT / 2
    last = data.get_by_text("value 39")
    await last.scroll_into_view_if_needed()
    await expect(last).to_be_in_viewport()
