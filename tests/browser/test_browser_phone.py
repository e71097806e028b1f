"""The browser phone in a real Chromium with a pretend microphone, over a real Asterisk."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from browser_kit import chromium, new_context
from lab_kit import lab_or_skip
from phone_kit import (
    Wire,
    chromium_with_microphone,
    manager,
    packets_flow,
    state_is,
    stats,
)
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from web_fakes import FakeEngine, open_engine

from callcamp.core.agents import AgentPhone, PhoneKind
from callcamp.engine.agents.softphones import Softphones
from callcamp.engine.clock import utc_now
from callcamp.http.app import make_app
from callcamp.lab import LabInfo, lab_down, number_for, set_phones
from callcamp.lab.config import TRUNK
from callcamp.switch.phones import phone_sections

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asterisk,
]

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
AGENTS = ("anna", "berta")


@pytest.fixture(scope="module")
def lab() -> Iterator[LabInfo]:
    name = f"phones-{WORKER}"
    yield lab_or_skip(name)
    lab_down(name)


@dataclass
class Desk:
    """Pages, browser and Asterisk, with a wire between browser and Asterisk."""

    lab: LabInfo
    engine: FakeEngine
    url: str
    wire: Wire
    browser: Browser
    context: BrowserContext
    complaints: list[str]

    async def phones(self, **secrets: str) -> None:
        """Write the agents' phones into Asterisk; what is given is another password."""
        accounts = await Softphones(self.engine.store, self.engine.settings, utc_now).accounts()
        sections = phone_sections(
            (one.agent, secrets.get(one.agent.name, one.secret)) for one in accounts
        )
        await asyncio.to_thread(set_phones, self.lab, sections)

    async def open(self, agent: str = "anna", context: BrowserContext | None = None) -> Page:
        """Open the page of an agent's phone."""
        page = await (context or self.context).new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda m: (
                m.type == "error"
                and "WebSocket connection" not in m.text
                and self.complaints.append(m.text)
            ),
        )
        await page.goto(f"{self.url}/agent/phone?agent={agent}")
        return page

    async def ready(self, agent: str = "anna") -> Page:
        page = await self.open(agent)
        await state_is(page, "ready")
        return page

    async def ask(self, action: str, *variables: str, **fields: str) -> dict[str, str]:
        """Send an action to Asterisk."""

        def send() -> dict[str, str]:
            with manager(self.lab) as ami:
                return ami.action(action, *variables, **fields)

        return await asyncio.to_thread(send)

    async def call(self, channel: str = "PJSIP/anna", channel_id: str = "", **fields: str) -> None:
        fields = fields or {"Application": "Echo"}
        if channel_id:
            fields["ChannelId"] = channel_id
        await self.ask(
            "Originate", Channel=channel, Async="true", CallerID="callcamp <1>", **fields
        )

    async def channels(self) -> list[dict[str, str]]:
        def listed() -> list[dict[str, str]]:
            with manager(self.lab) as ami:
                return ami.listed("CoreShowChannels", "CoreShowChannelsComplete")

        return await asyncio.to_thread(listed)

    async def has_no_calls(self) -> bool:
        return not await self.channels()

    async def talking(self, agent: str = "anna") -> Page:
        page = await self.ready(agent)
        await self.call(f"PJSIP/{agent}")
        await state_is(page, "in_call")
        return page

    async def channel(self, channel_id: str) -> str:
        """Return the name of a channel that is up; empty when there is none."""
        up = {c["Uniqueid"]: c for c in await self.channels() if c["ChannelStateDesc"] == "Up"}
        return up[channel_id]["Channel"] if channel_id in up else ""

    async def together(self, *agents: str) -> list[Page]:
        """Let two agents talk with each other."""
        pages = [await self.ready(agent) for agent in agents]
        for agent, page in zip(agents, pages, strict=True):
            await self.call(f"PJSIP/{agent}", f"phone-{agent}")
            await state_is(page, "in_call")
        one, two = [await self.channel(f"phone-{agent}") for agent in agents]
        await self.ask("Bridge", Channel1=one, Channel2=two)
        for page in pages:
            await packets_flow(page)
        return pages

    async def device_state(self, agent: str = "anna") -> str:
        def found() -> str:
            with manager(self.lab) as ami:
                items = ami.listed("PJSIPShowEndpoint", "EndpointDetailComplete", Endpoint=agent)
            return next(i["DeviceState"] for i in items if i["Event"] == "EndpointDetail")

        return await asyncio.to_thread(found)


async def until(what: str, condition: Callable[[], Awaitable[Any]]) -> Any:
    """Wait until a condition of Asterisk's holds; returns what it returned."""
    limit = time.monotonic() + 60
    while not (found := await condition()):
        assert time.monotonic() < limit, f"never came true: {what}"
        await asyncio.sleep(0.05)
    return found


@pytest_asyncio.fixture
async def desk(lab: LabInfo, tmp_path: Path) -> AsyncIterator[Desk]:
    async with (
        open_engine(tmp_path) as engine,
        Wire(lab.http_port) as wire,
        chromium_with_microphone(chromium()) as browser,
    ):
        engine.settings.phone_ws_url = f"ws://127.0.0.1:{wire.port}/ws"
        for name in AGENTS:
            phone = AgentPhone(PhoneKind.BROWSER, name)
            await engine.store.save_agent(name, phone=phone, now=utc_now())
        runner = web.AppRunner(make_app(engine, engine.settings), handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        context = await new_context(browser)
        desk = Desk(lab, engine, url, wire, browser, context, [])
        await desk.phones()
        try:
            yield desk
        finally:
            await context.close()
            await until("all calls have ended", desk.has_no_calls)
            await runner.cleanup()
    assert desk.complaints == []


async def loudest(page: Page, which: str, during_ms: int = 2500) -> float:
    """Return the highest level seen; the pretend microphone beeps once a second."""
    found: float = await page.evaluate(
        """async ([which, during]) => {
             let most = 0;
             const until = performance.now() + during;
             while (performance.now() < until) {
               most = Math.max(most, window.callcampPhone.levels()[which]);
               await new Promise((resolve) => setTimeout(resolve, 20));
             }
             return most;
           }""",
        [which, during_ms],
    )
    return found


async def is_heard(page: Page, which: str = "speaker") -> None:
    """Wait until the beep is heard; what is played lags behind on a busy machine."""

    async def loud() -> bool:
        return await loudest(page, which) > 0.3

    await until(f"the {which} is heard", loud)


async def is_silent(page: Page) -> None:
    """Wait until nothing is heard any more; what was said before may still be played."""

    async def quiet() -> bool:
        return await loudest(page, "speaker") < 0.05

    await until("the speaker is silent", quiet)


async def test_a_call_is_answered_by_itself_and_heard_both_ways(desk: Desk) -> None:
    page = await desk.talking()
    found = await packets_flow(page)
    assert found["lost"] <= found["received"] / 20
    [channel] = await desk.channels()

    async def counted() -> bool:
        """Asterisk's own count of what it got and sent."""
        counts = []
        for name in ("rxcount", "txcount"):
            answer = await desk.ask(
                "Getvar", Channel=channel["Channel"], Variable=f"CHANNEL(rtcp,{name},audio)"
            )
            counts.append(int(answer["Value"] or 0))
        return all(count >= 40 for count in counts)

    await until("Asterisk has got and sent sound", counted)
    await is_heard(page, "microphone")
    await is_heard(page)  # the echo of the beep is heard
    await expect(page.locator(".phone-status")).to_have_text("In a call. With callcamp.")
    assert await desk.device_state() == "In use"
    await page.get_by_role("button", name="Hang up").click()
    await state_is(page, "ready")
    await until("the call has ended", desk.has_no_calls)
    assert await stats(page) is None


async def test_a_second_call_finds_the_phone_busy(desk: Desk) -> None:
    page = await desk.talking()
    await desk.call()

    async def one() -> bool:
        return len(await desk.channels()) == 1

    await until("the second call was refused", one)
    assert await page.evaluate("window.callcampPhone.state") == "in_call"
    await packets_flow(page)


async def test_hold_and_mute(desk: Desk) -> None:
    page, other = await desk.together("anna", "berta")
    await is_heard(other)  # the beep of the first is heard by the second
    hold = page.get_by_role("button", name="Hold")
    await hold.click()

    async def agreed(direction: str) -> None:
        """Wait until phone and Asterisk have agreed on which way sound goes."""

        async def so() -> bool:
            return (await stats(page) or {})["direction"] == direction

        await until(f"sound goes {direction}", so)

    await agreed("sendonly")
    await expect(hold).to_have_attribute("aria-pressed", "true")
    await hold.click()
    await agreed("sendrecv")
    await expect(hold).to_have_attribute("aria-pressed", "false")
    await packets_flow(page)
    await is_heard(other)
    mute = page.get_by_role("button", name="Mute")
    await mute.click()
    await expect(mute).to_have_attribute("aria-pressed", "true")
    await packets_flow(page)
    await is_silent(other)
    for direction in ("sendonly", "sendrecv"):
        await hold.click()
        await agreed(direction)
    await packets_flow(page)
    await is_silent(other)  # who was muted before the hold still is
    await mute.click()
    await is_heard(other)
    await mute.click()
    await page.evaluate("window.callcampPhone.hangup()")
    await state_is(page, "ready")
    assert await page.evaluate("window.callcampPhone.muted") is False, "the next call is heard"


async def test_keys_arrive(desk: Desk) -> None:
    page = await desk.ready()

    def heard() -> str:
        with manager(desk.lab) as ami:
            ami.action(
                "Originate",
                "CHANNEL(hangup_handler_push)=callcamp-hangup\\,s\\,1",
                "CC_ATTEMPT=cc-phone-keys",
                f"CC_PROMPT={desk.lab.prompt_sound}",
                Channel="PJSIP/anna",
                Context="callcamp-answered",
                Exten="s",
                Priority="1",
                Async="true",
            )
            event = ami.wait_for("UserEvent", timeout_s=30, UserEvent="CallcampEnded")
            return event["Evidence"]

    ended = asyncio.create_task(asyncio.to_thread(heard))
    await state_is(page, "in_call")
    await packets_flow(page, 10)
    await page.get_by_role("button", name="7", exact=True).click()
    assert "&dtmf=7&" in await ended
    await state_is(page, "ready")
    await desk.ask("DBDel", Family="callcamp", Key="cc-phone-keys")


async def test_a_call_is_handed_from_one_agent_to_another(desk: Desk) -> None:
    """The contact stays; the first agent's phone is free, the second's has the call."""
    anna, berta = await desk.ready("anna"), await desk.ready("berta")
    for name, page in (("anna", anna), ("berta", berta)):
        await desk.call(f"PJSIP/{name}", f"phone-{name}")
        await state_is(page, "in_call")
    await desk.call(f"PJSIP/{number_for('long_talk', 7)}@{TRUNK}", "phone-contact")
    contact = await until("the contact has answered", lambda: desk.channel("phone-contact"))
    for name, page in (("anna", anna), ("berta", berta)):
        other = await desk.channel(f"phone-{name}")
        await desk.ask("Bridge", Channel1=contact, Channel2=other)
        await packets_flow(page)
    await state_is(anna, "ready")
    await is_heard(berta)  # the contact is heard
    await berta.get_by_role("button", name="Hang up").click()


async def test_a_reload_ends_the_call_and_registers_again(desk: Desk) -> None:
    page = await desk.talking()
    await packets_flow(page)
    await page.reload()
    await until("the call has ended", desk.has_no_calls)
    await state_is(page, "ready")
    await desk.call()
    await state_is(page, "in_call")
    await packets_flow(page)
    await page.close()
    await until("a page that is closed ends its call too", desk.has_no_calls)


async def test_a_cut_line_costs_no_call(desk: Desk) -> None:
    page = await desk.talking()
    await packets_flow(page)
    desk.wire.cut()
    await expect(page.locator(".phone-status")).to_contain_text("the call goes on")
    await packets_flow(page)
    desk.wire.mend()
    await page.wait_for_function("() => window.callcampPhone.registered")
    await packets_flow(page)
    await page.get_by_role("button", name="Hang up").click()
    await until("the call has ended", desk.has_no_calls)
    desk.wire.cut()
    await state_is(page, "lost")
    await expect(page.locator(".phone-status")).to_contain_text("tries again by itself")
    desk.wire.mend()
    await state_is(page, "ready")
    await desk.call()
    await state_is(page, "in_call")


async def test_a_wrong_password_is_said(desk: Desk) -> None:
    await desk.phones(anna="another-password")
    page = await desk.open()
    await state_is(page, "refused")
    await expect(page.locator(".phone-status")).to_contain_text("refuses this phone's password")
    await desk.phones()
    await page.get_by_role("button", name="Try again").click()
    await state_is(page, "ready")


async def test_a_renewed_password_is_asked_for_again(desk: Desk) -> None:
    """The page has the old one; Asterisk takes only the new one from the next time on."""
    page = await desk.ready()
    store = desk.engine.store
    await store.renew_phone_secret((await store.agent("anna")).id, now=utc_now())
    await desk.phones()
    desk.wire.cut()
    await state_is(page, "lost")
    desk.wire.mend()
    await state_is(page, "ready")


async def test_a_second_tab_says_so_and_takes_over(desk: Desk) -> None:
    first = await desk.ready()
    second = await desk.open()
    await state_is(second, "elsewhere")
    await expect(second.locator(".phone-status")).to_contain_text("another tab")
    await second.get_by_role("button", name="Use the phone here").click()
    await state_is(second, "ready")
    await state_is(first, "elsewhere")
    await desk.call()
    await state_is(second, "in_call")
    assert await first.evaluate("window.callcampPhone.state") == "elsewhere"
    await second.close()
    await state_is(first, "ready")


async def test_without_a_microphone_it_says_what_to_do(desk: Desk) -> None:
    async with async_playwright() as playwright:
        # Without the switch that says yes to everything, Chromium without a window says no.
        strict = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = await desk.open(context=await new_context(strict))
        await state_is(page, "denied")
        await expect(page.locator(".phone-status")).to_contain_text("microphone")
        await expect(page.get_by_role("button", name="Try again")).to_be_visible()
        await strict.close()


async def test_the_echo_test_tells_whether_sound_comes_back(desk: Desk) -> None:
    page = await desk.ready()
    await page.get_by_role("button", name="Echo test").click()
    await state_is(page, "in_call")
    await expect(page.locator("#phone .sub")).to_contain_text("Sound goes out and comes back")
    await page.get_by_role("button", name="Hang up").click()
    await state_is(page, "ready")


async def test_another_microphone_in_the_middle_of_a_call(desk: Desk) -> None:
    page = await desk.talking()
    choice = page.get_by_label("Microphone")
    await choice.select_option(label="Fake Audio Input 2")
    await page.wait_for_function(
        """async () => (await window.callcampPhone.devices()).some(
             (one) => one.label === "Fake Audio Input 2" && one.chosen)"""
    )
    await packets_flow(page)
    await is_heard(page)
    await page.reload()
    await state_is(page, "ready")
    await expect(choice.locator("option:checked")).to_have_text("Fake Audio Input 2")


async def test_the_phone_reaches_nothing_but_the_echo_test(desk: Desk) -> None:
    """Whoever has an agent's password cannot call the world with it."""
    page = await desk.ready()
    for target in ("+33261911000", "s", "anna", "berta"):
        cause = await page.evaluate(
            """async (target) => {
                 const { Line } = await import("/static/phone/line.js");
                 const settings = await (await fetch("/api/v1/agents/anna/phone")).json();
                 const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
                 return new Promise((resolve) => {
                   const line = new Line(settings, { stream }, (event, data) => {
                     if (event === "registered") line.call(target);
                     if (event === "end") { line.stop(); resolve(data.cause); }
                   });
                   line.start();
                 });
               }""",
            target,
        )
        assert cause == "Not Found", target
