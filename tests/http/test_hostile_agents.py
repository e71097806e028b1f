"""Agents who look where they should not, and texts of agents that want to be code."""

from __future__ import annotations

import pytest
from access_kit import add_people, browser_of, browsing
from agent_kit import add_agent, add_campaign, show
from web_fakes import token_in

from callcamp.core.agents import AgentState

EVIL = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("who", ["ada", "sue", "kim"])
async def test_nobody_looks_at_the_page_of_another_agent(engine, who):
    await add_people(engine)
    await add_agent(engine, "anna")
    async with browsing(engine) as server, browser_of(server) as browser:
        await browser.log_in(who)
        for path in ("", "/live", "/desk", "/targets", "/calls/x", "/calls/x/callback"):
            headers = {"Accept": "application/json"}
            response = await browser.client.get(f"/agent/anna{path}", headers=headers)
            assert response.status == 403, path


async def test_another_sites_page_steers_no_agent(engine):
    await add_people(engine)
    await add_agent(engine)
    async with browsing(engine) as server, browser_of(server) as kim:
        await kim.log_in("kim")
        token = token_in(await kim.text("/account"))
        headers = {"X-CSRF-Token": token, "Origin": "http://evil.example"}
        for path in ("ready", "hang-up", "log-out"):
            response = await kim.client.post(f"/api/v1/agents/kim/{path}", headers=headers)
            assert response.status == 403, path
        assert engine.agents.asked == []


async def test_reasons_of_pauses_are_text_on_the_board(engine):
    await add_people(engine)
    kim = await add_agent(engine)
    campaign = await add_campaign(engine, kim)
    show(engine, kim, AgentState.PAUSED, campaign, reason=EVIL, pause_wanted=EVIL)
    async with browsing(engine) as server, browser_of(server) as sue:
        await sue.log_in("sue")
        for path in ("/board", f"/campaigns/{campaign.id}"):
            page = await sue.text(path)
            assert "&lt;img src=x" in page
            assert "<img src=x" not in page
