"""A whole call from the agent's page: the real desk and store, over a switch in memory."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page, expect

sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))

from agents_kit import TALKED, connect, hang_up, reach, staffed, view
from engine_kit import BY_HAND, Bench, bench, until

from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentState
from callcamp.http.app import make_app
from callcamp.ports import CustomOutcome

pytestmark = pytest.mark.browser

S = AgentState


@asynccontextmanager
async def served(b: Bench, port: int = 0, *, leave: Page | None = None) -> AsyncIterator[int]:
    """Serve the pages over the bench's engine; yields the port. ``leave`` goes away before."""
    runner = web.AppRunner(make_app(b.running, b.settings), handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield runner.addresses[0][1]
        if leave is not None:
            await leave.goto("about:blank")
    finally:
        await runner.cleanup()


async def at_work(b: Bench, **settings: Any) -> None:
    await b.start()
    await b.store.save_outcome(CustomOutcome("sale", "Sale"), now=b.clock.now())
    agents = {"wrap_up_s": 600, "outcomes": ("sale",)} | settings.pop("agents", {})
    await staffed(b, DialMethod.PROGRESSIVE, contacts=2, ready=False, agents=agents, **settings)


async def test_a_call_from_log_in_to_result(tmp_path, tab):
    page = tab.page
    async with bench(tmp_path, BY_HAND) as b:
        await at_work(b)
        agent_id = view(b).agent.id
        await b.running.agents.log_out("anna")
        async with served(b, leave=page) as port:
            await page.goto(f"http://127.0.0.1:{port}/agent/anna")
            await page.get_by_role("button", name="progressive").click()
            await expect(page.locator("#a-state-word")).to_have_text("Paused")
            await page.get_by_role("button", name="Ready", exact=True).click()
            await expect(page.locator("#a-state-word")).to_have_text("Ready")
            await b.placed(1)
            attempt_id = b.switch.placed_ids[0]
            reach(b, attempt_id)
            connect(b, attempt_id, agent_id)
            await expect(page.locator("#a-state-word")).to_have_text("Talking")
            await page.get_by_label("Which size?").fill("forty-two")
            await page.get_by_role("button", name="Pause after this").click()
            await page.get_by_role("button", name="Lunch").click()
            await expect(page.locator("#a-reason")).to_have_text("then pause: Lunch")
            hang_up(b, attempt_id, agent_id)
            await expect(page.locator("#a-state-word")).to_have_text("After the call")
            await page.get_by_label("Sale").check()
            await page.reload()
            await expect(page.get_by_label("Which size?")).to_have_value("forty-two")
            await page.keyboard.press("Control+Enter")
            await expect(page.locator("#a-state-word")).to_have_text("Paused")
            await expect(page.locator("#a-reason")).to_have_text("Lunch")
            await expect(page.locator("#a-day")).to_contain_text("Calls1")
            attempt = await b.store.attempt(attempt_id)
            assert (attempt.agent_id, attempt.outcome) == (agent_id, "sale")
            assert attempt.variables == {"size": "forty-two"}


async def test_hanging_up_reaches_the_switch(tmp_path, tab):
    page = tab.page
    async with bench(tmp_path, BY_HAND) as b:
        await at_work(b)
        agent_id = view(b).agent.id
        await b.running.agents.ready("anna")
        async with served(b, leave=page) as port:
            await page.goto(f"http://127.0.0.1:{port}/agent/anna")
            await b.placed(1)
            attempt_id = b.switch.placed_ids[0]
            reach(b, attempt_id)
            connect(b, attempt_id, agent_id)
            await expect(page.get_by_role("button", name="Hang up")).to_be_visible()
            await page.get_by_role("button", name="Hold").click()
            await expect(page.locator("#a-state-word")).to_have_text("On hold")
            await page.get_by_role("button", name="Hang up").click()
            await until(lambda: b.switch.hung_up == [attempt_id])


async def test_a_restart_of_callcamp_loses_neither_call_nor_form(tmp_path, tab):
    page = tab.page
    async with bench(tmp_path, BY_HAND) as b:
        await at_work(b)
        agent_id = view(b).agent.id
        await b.running.agents.ready("anna")
        async with served(b) as port:
            await page.goto(f"http://127.0.0.1:{port}/agent/anna")
            await b.placed(1)
            attempt_id = b.switch.placed_ids[0]
            reach(b, attempt_id)
            connect(b, attempt_id, agent_id)
            await page.get_by_label("Which size?").fill("small")
            # What it says when callcamp is away, and when its form token is an old one.
            tab.foresee("net::ERR_", "status of 403")
        await expect(page.locator("#a-lost")).to_be_visible()
        await page.get_by_label("Which size?").fill("small, in blue")
        await b.kill()
        await b.start()
        async with served(b, port, leave=page):
            await expect(page.locator("#a-lost")).to_be_hidden()
            await expect(page.locator("#a-state-word")).to_have_text("Talking")
            await expect(page.get_by_label("Which size?")).to_have_value("small, in blue")
            hang_up(b, attempt_id, agent_id, TALKED)
            await expect(page.locator("#a-state-word")).to_have_text("After the call")
            # The pages of a new process give new form tokens.
            await page.get_by_role("button", name="Note and go on").click()

            async def noted() -> bool:
                return (await b.store.attempt(attempt_id)).variables == {"size": "small, in blue"}

            await until(noted)
