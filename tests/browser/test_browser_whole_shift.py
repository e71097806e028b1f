"""Whole shifts of agents in Chromium, with browser phones, over a real Asterisk.

Nothing is made up: engine, pages with accounts, Asterisk, and SIPp for the people who are called.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from browser_kit import chromium, new_context
from lab_kit import lab_or_skip, lab_settings
from phone_kit import chromium_with_microphone, packets_flow, state_is
from playwright.async_api import Browser, Page, expect
from promise_kit import promised

from callcamp.app import run_engine
from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import AgentState, PhoneKind
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    DailyWindow,
    RetryPolicy,
)
from callcamp.core.model import Attempt, Campaign
from callcamp.core.outcome import Disposition
from callcamp.core.permissions import Role
from callcamp.core.scripts import CallScript, Element, ElementKind
from callcamp.core.states import AttemptStatus, ContactStatus
from callcamp.engine import Engine
from callcamp.engine.agents.roster import Roster
from callcamp.engine.agents.softphones import Softphones
from callcamp.engine.contact_commands import RawContact
from callcamp.http.app import make_app
from callcamp.lab import LabInfo, lab_down, number_for, set_phones, witness, witness_mark
from callcamp.store import migrate
from callcamp.switch.phones import phone_sections

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asterisk,
    pytest.mark.timeout(290),
]

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
PASSWORD = "correct horse battery staple"
ALL_WEEK = DailyWindow(start=time(0), end=time(0), weekdays=frozenset(range(7)))
CALLS_EACH = 2
SCRIPT = CallScript(
    (
        Element(ElementKind.SENTENCE, "Good morning, {first_name}."),
        Element(ElementKind.TEXT, "Which size?", "size", required=True),
    )
)


@pytest.fixture(scope="module")
def lab() -> Iterator[LabInfo]:
    name = f"shift-{WORKER}"
    yield lab_or_skip(name)
    lab_down(name)


async def until(what: str, condition: Callable[[], Awaitable[Any]]) -> None:
    for _ in range(1200):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never came true: {what}")


@dataclass
class Person:
    """An agent in front of a browser of their own."""

    name: str
    page: Page
    complaints: list[str]

    async def begin(self, url: str, campaign: str) -> None:
        """Log in with name and password, and begin the shift."""
        page = self.page
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        await page.goto(f"{url}/agent")
        await page.get_by_label("Name").fill(self.name)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        await state_is(page, "ready")
        await self.is_in("Off shift")
        await page.get_by_role("button", name=campaign).click()
        await self.is_in("Paused")

    async def is_in(self, state: str) -> None:
        await expect(self.page.locator("#a-state-word")).to_have_text(state)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def talks(self) -> str:
        """Wait for a call in which sound flows both ways; returns who is on the line."""
        await self.is_in("Talking")
        await state_is(self.page, "in_call")
        await packets_flow(self.page)
        await expect(self.page.locator("#a-script")).to_contain_text("Good morning, Ada.")
        return (await self.page.locator("#a-number").inner_text()).strip()

    async def fill_in(self, size: str) -> None:
        """Fill in the script and choose the result."""
        await self.page.get_by_label("Which size?").fill(size)
        await self.page.get_by_text("Interested", exact=True).click()

    async def holds_and_mutes(self) -> None:
        """Leave the contact with music, come back, and be silent for a moment."""
        await self.press("Hold")
        await self.is_in("On hold")
        await self.press("Take back")
        await self.is_in("Talking")
        await packets_flow(self.page)
        await self.press("Mute")
        await self.press("Unmute")
        await expect(self.page.locator("#a-mute")).to_have_text("Mute")
        await packets_flow(self.page)

    async def ends_shift(self) -> None:
        await self.press("End shift")
        await self.is_in("Off shift")
        assert self.complaints == []


@dataclass
class House:
    """The whole of callcamp, and a browser."""

    lab: LabInfo
    engine: Engine
    roster: Roster
    url: str
    browser: Browser
    mark: int

    def called_once(self, phones: list[str]) -> None:
        """Check that the callees got one call each, and nobody else got any."""
        calls = Counter(witness(self.lab, self.mark))
        promised(calls == Counter(phones), calls)

    async def campaign(self, method: DialMethod, phones: list[str]) -> Campaign:
        """Make a campaign with both agents, and start it."""
        commands = self.engine.commands
        trunk = await commands.save_trunk(
            "callees", dial_string=f"PJSIP/{{number}}@{self.lab.trunk}", cps=20
        )
        await commands.lists.save_outcome("interested")
        agents = AgentSettings(
            method=method,
            safe_harbour=self.lab.prompt_sound,
            # How soon sound flows is up to the machine; who waits is not what is looked at here.
            connect_limit_s=10.0,
            agent_ring_timeout_s=40,
            before_call_work_s=60,
            wrap_up_s=300,
            script=SCRIPT,
            outcomes=("interested",),
            outcome_required=True,
        )
        settings = CampaignSettings(
            name="Spring",
            trunk_id=trunk.id,
            ring_timeout_s=8,
            window=ALL_WEEK,
            # One that is complete sends its agents home: this one goes on.
            mode=CampaignMode.ALWAYS_ON,
            detect_machines=False,
            default_region="FR",
            retry=RetryPolicy(max_attempts=1),
            agents=agents,
        )
        campaign = await commands.create_campaign(settings)
        await commands.add_contacts(
            campaign.id, [RawContact(phone, {"first_name": "Ada"}) for phone in phones]
        )
        for name in ("anna", "berta"):
            await self.roster.save_agent(name, kind=PhoneKind.BROWSER)
            await self.engine.access.add_user(name, PASSWORD, role=Role.AGENT)
        await self.roster.add_to_campaign(campaign.id, ["anna", "berta"])
        softphones = Softphones(self.engine.store, self.engine.settings, self.engine.clock.now)
        sections = phone_sections((one.agent, one.secret) for one in await softphones.accounts())
        await asyncio.to_thread(set_phones, self.lab, sections)
        self.engine.agents.changed()
        return await commands.start(campaign.id)

    async def person(self, name: str) -> Person:
        """Return an agent with a browser window of their own."""
        context = await new_context(self.browser)
        return Person(name, await context.new_page(), [])

    async def attempts(self, campaign: Campaign) -> list[Attempt]:
        return await self.engine.store.attempts(campaign.id, limit=1000)

    async def idle(self) -> None:
        async def over() -> bool:
            return not await self.engine.store.live_attempts()

        await until("all calls have ended", over)


@pytest_asyncio.fixture
async def house(lab: LabInfo, tmp_path: Path) -> AsyncIterator[House]:
    settings = lab_settings(lab, tmp_path, phone_ws_url=lab.phone_ws_url)
    await asyncio.to_thread(migrate, settings.database_url)
    mark = witness_mark(lab)
    async with run_engine(settings) as engine:
        runner = web.AppRunner(make_app(engine, settings), handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        roster = Roster(engine.store, settings, engine.clock.now, engine.agents.changed)
        try:
            async with chromium_with_microphone(chromium()) as browser:
                yield House(lab, engine, roster, url, browser, mark)
        finally:
            await runner.cleanup()


async def works(person: Person) -> None:
    """Two calls with all that belongs to them, and a pause after the second."""
    await person.press("Ready")
    for turn in range(CALLS_EACH):
        await person.talks()
        if turn == 0:
            await person.holds_and_mutes()
        else:
            await person.press("Pause after this")
            await person.press("Lunch")
            await expect(person.page.locator("#a-reason")).to_contain_text("Lunch")
        await person.press("Hang up")
        await person.is_in("After the call")
        await state_is(person.page, "ready")
        await person.fill_in(f"{person.name} {turn}")
        await person.press("Note and go on")
    await person.is_in("Paused")
    await expect(person.page.locator("#a-reason")).to_have_text("Lunch")


async def test_a_shift_of_two_agents(house: House) -> None:
    phones = [number_for("person", 20 + n) for n in range(2 * CALLS_EACH + 1)]
    campaign = await house.campaign(DialMethod.PROGRESSIVE, phones)
    anna, berta = people = [await house.person(name) for name in ("anna", "berta")]
    await asyncio.gather(*(person.begin(house.url, "Spring") for person in people))
    await asyncio.gather(*(works(person) for person in people))

    # The last contact is handed from one to the other, who is at lunch and helps out.
    await anna.press("Ready")
    await anna.talks()
    await anna.press("Transfer")
    await anna.page.get_by_label("Which", exact=True).fill("berta")
    await anna.press("Send the contact at once")
    await anna.is_in("After the call")
    await state_is(anna.page, "ready")
    await anna.fill_in("anna 2")
    await anna.press("Note and go on")
    await anna.is_in("Ready")
    await berta.talks()
    await berta.fill_in("berta 2")
    await berta.press("Hang up")
    await berta.is_in("After the call")
    await berta.press("Note and go on")
    await berta.is_in("Paused")
    await asyncio.gather(*(person.ends_shift() for person in people))

    await house.idle()
    attempts = await house.attempts(campaign)
    house.called_once(phones)
    assert {a.number for a in attempts} == set(phones)
    assert {a.status for a in attempts} == {AttemptStatus.ENDED}
    assert {a.disposition for a in attempts} == {Disposition.ANSWERED_PERSON}
    assert {a.outcome for a in attempts} == {"interested"}
    names = {agent.id: agent.name for agent in await house.roster.agents()}
    whose = Counter(names[a.agent_id or 0] for a in attempts)
    assert whose == {"anna": 2, "berta": 3}, "a call is whose it was last"
    for attempt in attempts:
        assert attempt.connected_at is not None
        assert attempt.answered_at is not None
        assert attempt.variables["size"].startswith(names[attempt.agent_id or 0])
    sizes = {a.variables["size"] for a in attempts}
    assert sizes == {"anna 0", "anna 1", "berta 0", "berta 1", "berta 2"}
    contacts = await house.engine.store.contacts(campaign.id, limit=100)
    assert {contact.status for contact in contacts} == {ContactStatus.COMPLETED}
    _begin, _end, rows = await house.roster.work()
    for row in rows:
        work = row.work
        assert work.calls == whose[row.agent.name]
        assert work.outcomes == {"interested": work.calls}
        assert work.pauses["Lunch"] > 0
        assert work.seconds[AgentState.TALKING] > 0
        assert work.seconds[AgentState.WRAP_UP] > 0


async def test_a_shift_with_previews_on_one_long_phone_call(house: House) -> None:
    """The phone is called once; contacts come one after another while it stays connected."""
    phones = [number_for("person", 40 + n) for n in range(3)]
    campaign = await house.campaign(DialMethod.PREVIEW, phones)
    anna = await house.person("anna")
    await anna.begin(house.url, "Spring")
    await anna.press("Ready")
    offered = anna.page.locator("#a-number")
    for turn in range(2):
        await anna.is_in("Preview")
        await expect(offered).to_have_text(phones[turn])
        await anna.press("Call now")
        assert await anna.talks() == phones[turn]
        await anna.fill_in(f"anna {turn}")
        await anna.press("Hang up")
        await anna.is_in("After the call")
        await anna.press("Note and go on")
        assert await anna.page.evaluate("window.callcampPhone.state") == "in_call", "on the line"
    await anna.is_in("Preview")
    await anna.press("Skip")
    await anna.page.locator("#a-skip-text").fill("called an hour ago")
    await anna.press("Skip this contact")
    await anna.is_in("Ready")
    await anna.ends_shift()
    await state_is(anna.page, "ready")
    await house.idle()
    house.called_once(phones[:2])
    ended = [a for a in await house.attempts(campaign) if a.status is AttemptStatus.ENDED]
    assert [a.variables["size"] for a in sorted(ended, key=lambda a: a.claimed_at)] == [
        "anna 0",
        "anna 1",
    ]


async def test_a_reload_in_the_middle_keeps_what_was_written(house: House) -> None:
    """The call ends with the page, and the result is still to be noted: nothing is lost."""
    phone = number_for("person", 60)
    campaign = await house.campaign(DialMethod.PROGRESSIVE, [phone])
    anna = await house.person("anna")
    await anna.begin(house.url, "Spring")
    await anna.press("Ready")
    await anna.talks()
    await anna.fill_in("written before")
    await anna.page.reload()
    await anna.is_in("After the call")
    await state_is(anna.page, "ready")
    await expect(anna.page.get_by_label("Which size?")).to_have_value("written before")
    await anna.press("Note and go on")
    await anna.is_in("Ready")
    await anna.ends_shift()
    [attempt] = await house.attempts(campaign)
    assert attempt.variables["size"] == "written before"
    assert (attempt.outcome, attempt.disposition) == ("interested", Disposition.ANSWERED_PERSON)
