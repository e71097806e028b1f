"""The page of an agent in a real browser, before a desk that is moved by hand."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import time, timedelta

import pytest
from agent_kit import (
    VARIABLES,
    add_agent,
    add_campaign,
    add_past,
    call_view,
    contact_of,
    offer_view,
    show,
)
from browser_kit import new_context
from playwright.async_api import expect

from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentState
from callcamp.core.campaign_settings import ContactHours
from callcamp.engine.agents.views import WrapUpNote
from callcamp.engine.clock import utc_now
from callcamp.errors import Conflict
from callcamp.ports.switchboard import TransferTo

pytestmark = pytest.mark.browser

S = AgentState
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"


class Shift:
    """An agent's page, the desk behind it, and a contact to talk to."""

    def __init__(self, site, tab, agent, campaign, contact) -> None:
        self.engine, self.desk = site.engine, site.engine.agents
        self.site, self.tab, self.page = site, tab, tab.page
        self.agent, self.campaign, self.contact = agent, campaign, contact

    def becomes(self, state: AgentState, **values) -> None:
        show(self.engine, self.agent, state, self.campaign, **values)

    def talks(self, attempt_id: str = "call-1", **values) -> None:
        now = utc_now()
        call = call_view(self.contact, attempt_id, answered_at=now, connected_at=now, **values)
        self.becomes(S.TALKING, call=call)

    def wraps_up(self, seconds: float = 600, attempt_id: str = "call-1", **values) -> None:
        now = utc_now()
        call = call_view(
            self.contact, attempt_id, answered_at=now, connected_at=now, ended_at=now, **values
        )
        until = now + timedelta(seconds=seconds)
        self.becomes(S.WRAP_UP, call=call, wrap_up_until=until)

    async def asked(self, *wanted) -> None:
        """Wait until the desk was asked for this, last."""
        async with asyncio.timeout(60):
            while not self.desk.asked or self.desk.asked[-1] != wanted:
                await self.page.wait_for_timeout(20)

    def button(self, name: str):
        return self.page.get_by_role("button", name=name, exact=True)

    async def opened(self):
        await self.page.goto(f"{self.site.url}/agent/kim")
        return self


async def on_shift(site, tab, *, variables=VARIABLES, past: bool = False, **settings) -> Shift:
    kim = await add_agent(site.engine)
    campaign = await add_campaign(site.engine, kim, variables=variables, **settings)
    if past:
        bob = await add_agent(site.engine, "bob")
        await add_past(site.engine, campaign, bob, "past-1")
    shift = Shift(site, tab, kim, campaign, await contact_of(site.engine, campaign))
    return await shift.opened()


async def test_a_shift_begins_pauses_and_ends(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page
    await expect(page.locator("#a-state-word")).to_have_text("Off shift")
    await page.get_by_role("button", name="Renewal").click()
    await shift.asked("log_in", "kim", shift.campaign.id)
    shift.becomes(S.PAUSED, reason="not ready")
    await expect(page.locator("#a-state-word")).to_have_text("Paused")
    await expect(page.locator("#a-reason")).to_have_text("not ready")
    await expect(page.locator("#a-offline")).to_be_hidden()
    await shift.button("Ready").click()
    await shift.asked("ready", "kim")
    shift.becomes(S.READY)
    await expect(page.get_by_text("Contacts come by themselves")).to_be_visible()
    await shift.button("Pause").click()
    await shift.button("Lunch").click()
    await shift.asked("pause", "kim", "Lunch")
    await expect(page.locator("#a-pause-panel")).to_be_hidden()
    await shift.button("Pause").click()
    await page.get_by_placeholder("Another reason").fill("dentist")
    await page.keyboard.press("Enter")
    await shift.asked("pause", "kim", "dentist")
    await shift.button("End shift").click()
    await shift.asked("log_out", "kim")


async def test_a_phone_shows_what_can_be_pressed_only(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page

    async def shows(*wanted: str) -> None:
        """Wait until the buttons of the state are these; a wide screen keeps all in their place."""
        shown = page.locator("#a-actions button:visible")
        await page.set_viewport_size({"width": 390, "height": 844})
        await expect(shown).to_have_text(wanted)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.set_viewport_size({"width": 1280, "height": 844})
        await expect(shown).to_have_count(3)

    shift.becomes(S.PAUSED, reason="not ready")
    await shows("Ready", "Pause", "End shift")
    shift.becomes(S.READY)
    await shows("Pause", "End shift")
    shift.talks()
    await shows("Pause after this")
    shift.wraps_up()
    await shows("Next call", "Pause after this", "End shift")
    shift.becomes(S.PREVIEWING, offer=offer_view(shift.contact, utc_now() + timedelta(minutes=5)))
    await shows("Pause", "End shift")


async def test_what_the_desk_refuses_is_said_in_its_words(site, tab):
    shift = await on_shift(site, tab)
    shift.becomes(S.PAUSED)
    shift.desk.refuse = Conflict("Note the outcome of the call first.")
    tab.foresee("status of 409")
    await shift.button("Ready").click()
    await expect(shift.page.locator("#toast")).to_have_text("Note the outcome of the call first.")


async def test_the_contact_the_past_and_the_script_come_with_the_call(site, tab):
    shift = await on_shift(site, tab, past=True)
    page = shift.page
    shift.talks()
    await expect(page.locator("#a-title")).to_have_text("Zoë O'Hara")
    await expect(page.locator("#a-variables")).to_contain_text("Washington")
    await expect(page.locator("#a-there")).to_contain_text("New York")
    await expect(page.locator("#a-history li")).to_contain_text("No interest")
    await expect(page.locator("#a-history li")).to_contain_text("Bob")
    await expect(page.locator("#a-script")).to_contain_text("Good morning Zoë, this is Northwind")
    # What is asked follows the answers.
    await expect(page.get_by_text("What for?")).to_be_hidden()
    await page.get_by_label("yes").check()
    await expect(page.get_by_text("What for?")).to_be_visible()
    await page.get_by_label("gas").check()
    await page.get_by_label("no", exact=True).check()
    await expect(page.get_by_text("What for?")).to_be_hidden()
    await expect(page.get_by_label("Why not?")).to_be_visible()
    # What is needed is asked for, and nothing was sent.
    await page.get_by_label("Sale").check()
    await page.get_by_role("button", name="Note the result").click()
    await expect(page.locator("#a-form-problem")).to_contain_text("Why not?")
    await expect(page.get_by_label("Why not?")).to_be_focused()
    assert shift.desk.asked == []
    await page.get_by_label("Why not?").fill("Too dear")
    await page.get_by_label("Notes").fill("first line\n\nsecond line")
    await page.keyboard.press("Control+Enter")
    note = WrapUpNote(
        "sale",
        {"renew": "no", "why": "Too dear", "terms": "no", "notes": "first line / second line"},
    )
    await shift.asked("finish", "kim", "call-1", note)
    await expect(page.locator("#a-noted")).to_contain_text("Noted")


async def test_a_reload_loses_neither_the_call_nor_the_form(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page
    shift.talks()
    await page.get_by_label("later").check()
    await page.get_by_label("Notes").fill("call her mobile")
    await page.get_by_label("Wrong person").check()
    await page.reload()
    await expect(page.locator("#a-state-word")).to_have_text("Talking")
    await expect(page.get_by_label("later")).to_be_checked()
    await expect(page.get_by_label("Notes")).to_have_value("call her mobile")
    await expect(page.get_by_label("Wrong person")).to_be_checked()
    # The next call of the same contact begins with an empty form.
    shift.becomes(S.READY)
    await expect(page.locator("#a-form")).to_be_hidden()
    shift.talks("call-2")
    await expect(page.get_by_label("Notes")).to_have_value("")
    await expect(page.get_by_label("later")).not_to_be_checked()


async def test_a_lost_connection_is_told_and_the_result_arrives_later(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page
    shift.wraps_up()
    await page.get_by_label("later").check()
    tab.foresee("net::ERR_")
    await tab.context.set_offline(True)
    await expect(page.locator("#a-lost")).to_be_visible()
    await page.get_by_label("Notes").fill("written without a net")
    await page.get_by_role("button", name="Note and go on").click()
    await expect(page.locator("#a-unsent")).to_contain_text("is sent as soon as")
    assert shift.desk.asked == []
    await tab.context.set_offline(False)
    note = WrapUpNote(None, {"renew": "later", "terms": "no", "notes": "written without a net"})
    await shift.asked("finish", "kim", "call-1", note)
    await expect(page.locator("#a-lost")).to_be_hidden()
    await expect(page.locator("#a-unsent")).to_be_hidden()
    assert len(shift.desk.asked) == 1


async def test_a_result_arrives_also_when_the_time_for_it_is_over(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page
    shift.wraps_up()
    await page.get_by_label("later").check()
    tab.foresee("net::ERR_")
    await tab.context.set_offline(True)
    await page.get_by_role("button", name="Note and go on").click()
    await expect(page.locator("#a-unsent")).to_be_visible()
    shift.becomes(S.READY)
    await tab.context.set_offline(False)
    note = WrapUpNote(None, {"renew": "later", "terms": "no"})
    await shift.asked("finish", "kim", "call-1", note)
    await expect(page.locator("#toast")).to_contain_text("has arrived")
    await expect(page.locator("#a-unsent")).to_be_hidden()
    assert len(shift.desk.asked) == 1


async def test_orders_of_a_lost_moment_are_not_repeated(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page
    shift.talks()
    await expect(page.locator("#a-title")).to_have_text("Zoë O'Hara")
    tab.foresee("net::ERR_")
    await tab.context.set_offline(True)
    await shift.button("Hang up").click()
    await expect(page.locator("#toast")).to_contain_text("nobody knows whether that was done")
    await tab.context.set_offline(False)
    await expect(page.locator("#a-lost")).to_be_hidden()
    await shift.button("Hold").click()
    await shift.asked("hold", "kim", True)
    assert [one[0] for one in shift.desk.asked] == ["hold"]


async def test_a_result_that_did_arrive_is_not_sent_again(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page
    shift.wraps_up()
    await page.get_by_label("later").check()
    tab.foresee("net::ERR_")
    await tab.context.set_offline(True)
    await page.get_by_role("button", name="Note and go on").click()
    await expect(page.locator("#a-unsent")).to_be_visible()
    shift.wraps_up(noted=True)
    await tab.context.set_offline(False)
    await expect(page.locator("#a-unsent")).to_be_hidden()
    assert shift.desk.asked == []


async def test_the_time_for_the_result_ends_with_what_is_filled_in(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page
    shift.wraps_up()
    await page.get_by_label("later").check()
    await page.get_by_label("No interest").check()
    shift.wraps_up(seconds=3)
    note = WrapUpNote("no_interest", {"renew": "later", "terms": "no"})
    await shift.asked("finish", "kim", "call-1", note)
    await expect(page.locator("#a-wrap")).to_be_visible()
    assert len(shift.desk.asked) == 1


async def test_the_next_call_waits_for_what_was_filled_in(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page
    shift.wraps_up()
    await shift.button("Next call").click()
    await shift.asked("ready", "kim")
    await page.get_by_label("later").check()
    await page.keyboard.press("Alt+r")
    await shift.asked(
        "finish", "kim", "call-1", WrapUpNote(None, {"renew": "later", "terms": "no"})
    )


async def test_a_campaign_that_wants_a_result_gets_one(site, tab):
    shift = await on_shift(site, tab, outcome_required=True)
    page = shift.page
    shift.wraps_up()
    await page.get_by_label("later").check()
    await page.get_by_role("button", name="Note and go on").click()
    await expect(page.locator("#a-form-problem")).to_have_text("Choose the result of the call.")
    assert shift.desk.asked == []


async def test_hold_mute_and_keys(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page
    shift.talks()
    await expect(shift.button("Hold")).to_be_enabled()
    await page.keyboard.press("Alt+o")
    await shift.asked("hold", "kim", True)
    shift.talks(on_hold=True)
    await expect(page.locator("#a-state-word")).to_have_text("On hold")
    await shift.button("Take back").click()
    await shift.asked("hold", "kim", False)
    shift.talks()
    await expect(shift.button("Hold")).to_be_enabled()
    await page.keyboard.press("Alt+m")
    await shift.asked("mute", "kim", True)
    await page.keyboard.press("Alt+k")
    await page.get_by_role("group", name="Keypad").get_by_role("button", name="#").click()
    await shift.asked("press_keys", "kim", "#")
    await page.keyboard.press("5")
    await shift.asked("press_keys", "kim", "5")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("group", name="Keypad")).to_be_hidden()
    await page.keyboard.press("Alt+x")
    await shift.asked("hang_up", "kim")


async def test_transfers_blind_and_attended(site, tab):
    shift = await on_shift(site, tab, past=True)
    page = shift.page
    shift.desk.in_asterisk = {"support": None}
    shift.talks()
    await shift.button("Transfer").click()
    await expect(page.locator("#a-targets option")).to_have_count(1)
    await page.locator("#a-target").fill("bob")
    await shift.button("Speak to them first").click()
    await shift.asked("consult", "kim", TransferTo.AGENT, "bob")
    # The panel is open until the page has the answer.
    await expect(page.locator("#a-transfer-panel")).to_be_hidden()
    shift.talks(consulting="bob")
    await expect(page.locator("#a-consulting")).to_contain_text("You talk to bob")
    await expect(shift.button("Transfer")).to_be_disabled()
    await shift.button("Back to the contact").click()
    await shift.asked("cancel_consult", "kim")
    await shift.button("Connect them").click()
    await shift.asked("complete_consult", "kim")
    shift.talks()
    await shift.button("Transfer").click()
    await page.locator("#a-to").select_option("queue")
    await expect(page.locator("#a-targets option")).to_have_attribute("value", "support")
    await page.locator("#a-target").fill("support")
    await shift.button("Send the contact at once").click()
    await shift.asked("transfer", "kim", TransferTo.QUEUE, "support")


async def test_a_preview_counts_down_and_is_taken_or_passed_on(site, tab):
    shift = await on_shift(site, tab, method=DialMethod.PREVIEW)
    page = shift.page
    offer = offer_view(shift.contact, utc_now() + timedelta(seconds=500))
    shift.becomes(S.PREVIEWING, offer=offer)
    left = page.locator("#a-offer-left")
    await expect(left).to_have_text(re.compile("^4[0-9][0-9]$"))
    await expect(left).not_to_have_text(await left.inner_text())
    await expect(page.locator("#a-title")).to_have_text("Zoë O'Hara")
    await expect(page.locator("#a-result")).to_be_hidden()
    await page.keyboard.press("Alt+j")
    await page.get_by_placeholder("Why?").fill("called an hour ago")
    await page.keyboard.press("Enter")
    await shift.asked("skip", "kim", "called an hour ago")
    shift.becomes(S.READY)
    await expect(page.locator("#a-offer")).to_be_hidden()
    shift.becomes(S.PREVIEWING, offer=replace(offer, attempt_id="call-2"))
    await expect(shift.button("Call now")).to_be_visible()
    await page.keyboard.press("Alt+a")
    await shift.asked("accept", "kim")


async def test_on_the_line_the_phone_can_be_called(site, tab):
    shift = await on_shift(site, tab, method=DialMethod.AGENT_FIRST)
    shift.becomes(S.READY)
    await shift.button("Call my phone").click()
    await shift.asked("call_phone", "kim")
    shift.becomes(S.READY, on_line=True)
    await expect(shift.button("Call my phone")).to_be_hidden()
    await expect(shift.page.locator("#a-phone-state")).to_contain_text("on the line")
    await shift.button("Echo test").click()
    await shift.asked("test_phone", "kim")


async def test_a_callback_in_the_contacts_night_gets_the_next_time(site, tab):
    shift = await on_shift(site, tab)
    campaign = await shift.engine.store.campaign(shift.campaign.id)
    hours = replace(campaign.settings, contact_hours=ContactHours(time(9), time(20)))
    await shift.engine.store.change_settings(
        campaign.id, hours, expected_version=campaign.version, now=utc_now()
    )
    page, day = shift.page, (utc_now() + timedelta(days=3)).date().isoformat()
    shift.wraps_up()
    await page.get_by_label("later").check()
    await page.get_by_label("Call back").check()
    await page.get_by_label("Day", exact=True).fill(day)
    await page.get_by_label("Time there").fill("03:00")
    await expect(page.locator("#a-callback-said")).to_contain_text("outside the hours")
    await page.get_by_role("button", name="Note and go on").click()
    await expect(page.locator("#a-form-problem")).to_contain_text("outside the hours")
    assert shift.desk.asked == []
    await page.get_by_role("button", name="Take ").click()
    await expect(page.get_by_label("Time there")).to_have_value("09:00")
    await expect(page.locator("#a-callback-said")).to_contain_text("09:00 there (America/New_York)")
    await page.get_by_label("Who calls").select_option("mine")
    await page.get_by_role("button", name="Note and go on").click()
    await expect(page.locator("#a-noted")).to_have_text("Noted.")
    ((command, _name, attempt_id, note),) = shift.desk.asked
    assert (command, attempt_id, note.callback_mine) == ("finish", "call-1", True)
    assert (note.callback_at.minute, note.callback_at.hour) in {(0, 13), (0, 14)}


async def test_what_contacts_are_called_is_never_markup(site, tab):
    variables = {"name": EVIL, EVIL: EVIL, "first_name": EVIL}
    shift = await on_shift(site, tab, variables=variables)
    shift.talks()
    await expect(shift.page.locator("#a-title")).to_have_text(EVIL)
    await expect(shift.page.locator("#a-script")).to_contain_text(EVIL)
    await expect(shift.page.locator("#a-variables")).to_contain_text(EVIL)
    assert await shift.page.locator("#agent img").count() == 0


async def test_two_agents_see_each_their_own(site, tab, browser):
    shift = await on_shift(site, tab)
    bob = await add_agent(site.engine, "bob")
    context = await new_context(browser)
    other = await context.new_page()
    await other.goto(f"{site.url}/agent/bob")
    shift.talks()
    show(site.engine, bob, S.PAUSED, shift.campaign, reason="Lunch")
    await expect(other.locator("#a-reason")).to_have_text("Lunch")
    await expect(shift.page.locator("#a-title")).to_have_text("Zoë O'Hara")
    await expect(other.locator("#a-work")).to_be_hidden()
    await context.close()


async def test_what_is_filled_in_when_the_time_ends_is_noted_though_some_is_missing(site, tab):
    shift = await on_shift(site, tab)
    page = shift.page
    shift.wraps_up()
    await page.get_by_label("no", exact=True).check()
    await page.get_by_label("No interest").check()
    await page.get_by_role("button", name="Note and go on").click()
    await expect(page.locator("#a-form-problem")).to_contain_text("needs an answer")
    assert shift.desk.asked == []
    shift.wraps_up(seconds=1)
    await expect(page.locator("#toast")).to_contain_text("some of it was missing")
    ((_, _, _, note),) = shift.desk.asked
    assert (note.outcome, note.answers["renew"], note.unfinished) == ("no_interest", "no", True)
