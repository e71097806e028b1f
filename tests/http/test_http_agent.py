"""The page of an agent: whose it is, what it shows, what it is told."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import time, timedelta
from typing import Any

import pytest
from access_kit import add_people, browser_of, browsing
from agent_kit import (
    OTHER,
    PHONE,
    add_agent,
    add_campaign,
    add_past,
    call_view,
    contact_of,
    offer_view,
    show,
)

from callcamp.core.agent_settings import DialMethod
from callcamp.core.agents import AgentSpan, AgentState, PhoneKind
from callcamp.core.campaign_settings import ContactHours
from callcamp.core.states import CampaignEvent
from callcamp.engine.agents.worksheet import Worksheets
from callcamp.engine.clock import utc_now
from callcamp.errors import Conflict, SwitchUnavailable
from callcamp.http import agent_stream

JSON = {"Accept": "application/json"}
EVIL = "<script>alert(1)</script>"
S = AgentState


async def got(client: Any, path: str, **query: str) -> Any:
    answer = await client.get(path, headers=JSON, params=query)
    body = await answer.json()
    assert answer.status == 200, body
    return body


async def refused(client: Any, path: str, status: int, **query: str) -> dict[str, Any]:
    answer = await client.get(path, headers=JSON, params=query)
    assert answer.status == status
    error: dict[str, Any] = (await answer.json())["error"]
    return error


async def test_people_have_the_page_of_the_agent_of_their_name(engine):
    await add_people(engine)
    await add_agent(engine)
    await add_agent(engine, "ada")
    async with browsing(engine) as server, AsyncExitStack() as stack:
        kim, sue = [await stack.enter_async_context(browser_of(server)) for _ in range(2)]
        await kim.log_in("kim")
        await sue.log_in("sue")
        page = await kim.text("/agent")
        assert 'data-name="kim"' in page
        assert "agent.js" in page
        assert 'data-name="kim"' in await kim.text("/agent/kim")
        # Nobody else's page, state, day, contacts or colleagues.
        for path in ("", "/live", "/desk", "/targets", "/calls/x", "/calls/x/callback"):
            answer = await kim.get(f"/agent/ada{path}")
            assert answer.status == 403, path
        missing = await sue.text("/agent")
        assert "There is no agent called sue" in missing
        assert "agent.js" not in missing


async def test_an_agent_begins_on_the_own_page(engine):
    await add_people(engine)
    await add_agent(engine)
    async with browsing(engine) as server, browser_of(server) as kim:
        answer = await kim.log_in("kim")
        assert answer.headers["Location"] == "/agent"
        assert (await kim.get("/")).headers["Location"] == "/agent"


async def test_without_accounts_one_chooses_whose_page_it_is(engine, client):
    assert "There are no agents yet" in await (await client.get("/agent")).text()
    await add_agent(engine)
    page = await (await client.get("/agent")).text()
    assert 'href="/agent/kim"' in page
    assert 'data-name="kim"' in await (await client.get("/agent/kim")).text()
    assert (await client.get("/agent/nobody")).status == 404


async def test_the_page_shows_names_as_they_are(engine, client):
    await engine.store.save_agent(
        "kim",
        phone=(await add_agent(engine)).phone,
        display_name=EVIL,
        now=utc_now(),
    )
    for path in ("/agent", "/agent/kim"):
        page = await (await client.get(path)).text()
        assert EVIL not in page
        assert "&lt;script&gt;" in page


async def test_the_browser_phone_is_on_the_page_of_who_has_one(engine):
    await add_agent(engine, "kim", PhoneKind.BROWSER)
    await add_agent(engine, "bob")
    way = {"phone_ws_url": "wss://pbx.example.com/ws"}
    async with browsing(engine, **way) as server, browser_of(server) as browser:
        page = await browser.text("/agent/kim")
        assert 'data-source="/api/v1/agents/kim/phone"' in page
        assert "/static/phone.js" in page
        other = await browser.text("/agent/bob")
        assert "/static/phone.js" not in other
        assert "bob-phone" in other
    async with browsing(engine) as server, browser_of(server) as browser:
        assert "phone_ws_url" in await browser.text("/agent/kim")


async def test_reasons_for_a_pause_are_a_setting(engine):
    await add_agent(engine)
    reasons = {"agent_pause_reasons": ["Tea <3"]}
    async with browsing(engine, **reasons) as server, browser_of(server) as browser:
        page = await browser.text("/agent/kim")
        assert 'data-reason="Tea &lt;3"' in page
        assert "Lunch" not in page


async def test_the_day_and_the_campaigns_to_choose_from(engine, client):
    kim = await add_agent(engine)
    campaign = await add_campaign(engine, kim)
    unattended = await engine.campaign("Robot")
    draft = await engine.campaign("Draft", agents=campaign.settings.agents)
    await engine.store.add_campaign_agents(unattended.id, [kim.id], now=utc_now())
    await engine.store.add_campaign_agents(draft.id, [kim.id], now=utc_now())
    found = await got(client, "/agent/kim/desk")
    assert found["campaigns"] == [
        {"id": campaign.id, "name": "Renewal", "status": "running", "method": "progressive"}
    ]
    assert found["work"] is None
    began = utc_now() - timedelta(hours=2)
    span = AgentSpan(kim.id, campaign.id, S.PAUSED, began, reason="not ready")
    await engine.store.begin_shift(kim.id, campaign.id, span)
    found = await got(client, "/agent/kim/desk")
    assert 7190 < found["work"]["seconds"]["paused"] < 7300
    since = (utc_now() - timedelta(hours=1)).isoformat()
    found = await got(client, "/agent/kim/desk", since=since)
    assert 3590 < found["work"]["seconds"]["paused"] < 3700
    await engine.store.move_campaign(campaign.id, CampaignEvent.PAUSED, now=utc_now())
    found = await got(client, "/agent/kim/desk")
    assert found["campaigns"][0]["status"] == "paused"


@pytest.mark.parametrize("since", ["yesterday", "2026-11-23", "2026-11-23T00:00", "9" * 99, "\0"])
async def test_a_day_that_is_none_is_refused(engine, client, since):
    await add_agent(engine)
    error = await refused(client, "/agent/kim/desk", 400, since=since)
    assert error["details"]["field"] == "since"


async def test_where_a_contact_can_be_sent(engine, client):
    await add_agent(engine)
    bob = await add_agent(engine, "bob")
    engine.agents.show(bob, S.READY)
    engine.agents.in_asterisk = {"support": None, "accounts": None}
    assert await got(client, "/agent/kim/targets") == {
        "agents": [{"name": "bob", "label": "Bob", "state": "ready"}],
        "queues": ["accounts", "support"],
        "numbers": False,
    }


@pytest.mark.parametrize("entries", [(), ("FR",)])
async def test_whether_numbers_can_be_called_is_what_the_campaign_says(engine, client, entries):
    kim = await add_agent(engine)
    campaign = await add_campaign(engine, kim, transfer_numbers=entries)
    engine.agents.show(kim, S.TALKING, campaign_id=campaign.id)
    engine.agents.in_asterisk = {}
    assert (await got(client, "/agent/kim/targets"))["numbers"] is bool(entries)


async def test_without_asterisk_nobody_can_be_found(engine, client, monkeypatch):
    await add_agent(engine)

    async def queues() -> None:
        raise SwitchUnavailable("There is no link to Asterisk now.")

    monkeypatch.setattr(engine.agents, "queues", queues)
    assert "no link" in (await refused(client, "/agent/kim/targets", 503))["message"]


async def test_the_contact_its_past_and_the_script_are_shown(engine, client):
    kim, bob = await add_agent(engine), await add_agent(engine, "bob")
    campaign = await add_campaign(engine, kim)
    await add_past(engine, campaign, bob, "past-1")
    contact = await contact_of(engine, campaign)
    show(engine, kim, S.TALKING, campaign, call=call_view(contact))
    sheet = await got(client, "/agent/kim/calls/call-1")
    assert (sheet["title"], sheet["campaign"]) == ("Zoë O'Hara", "Renewal")
    assert sheet["numbers"] == [PHONE, OTHER]
    assert sheet["zones"] == ["America/New_York"]
    assert sheet["zone_known"] is True
    assert sheet["outcomes"] == [
        ["sale", "Sale"],
        ["no_interest", "No interest"],
        ["wrong_person", "Wrong person"],
    ]
    first, second = sheet["script"][:2]
    assert first["text"] == "Good morning Zoë, this is Northwind about your contract."
    assert (second["name"], second["options"], second["required"]) == (
        "renew",
        ["yes", "no", "later"],
        True,
    )
    assert sheet["script"][2]["show_if"] == {"name": "renew", "values": ["yes"]}
    (past,) = sheet["history"]
    assert (past["outcome"], past["agent"], past["campaign"]) == ("No interest", "Bob", "Renewal")
    assert past["answers"] == {"renew": "later"}
    assert 280 < past["talk_s"] < 300


async def test_what_is_offered_is_shown_too(engine, client):
    kim = await add_agent(engine)
    campaign = await add_campaign(engine, kim, method=DialMethod.PREVIEW)
    contact = await contact_of(engine, campaign)
    show(engine, kim, S.PREVIEWING, campaign, offer=offer_view(contact, utc_now()))
    assert (await got(client, "/agent/kim/calls/call-1"))["history"] == []


async def test_agents_see_the_contact_that_they_work_on_and_no_other(engine, client):
    kim = await add_agent(engine)
    campaign = await add_campaign(engine, kim)
    await add_past(engine, campaign, kim, "past-1")
    contact = await contact_of(engine, campaign)
    show(engine, kim, S.TALKING, campaign, call=call_view(contact))
    for path in ("/calls/past-1", "/calls/past-1/callback"):
        error = await refused(client, f"/agent/kim{path}", 409, local="2026-12-01T10:00")
        assert "does not work on call past-1" in error["message"]
    show(engine, kim, S.READY, campaign)
    await refused(client, "/agent/kim/calls/call-1", 409)


@pytest.mark.parametrize(
    ("variables", "title"),
    [
        ({"Name": "Ann"}, "Ann"),
        ({"FIRST NAME": "Ann", "surname": "Lee"}, "Ann Lee"),
        ({"last_name": "Lee"}, "Lee"),
        ({"name": "", "first_name": " "}, PHONE),
        ({"city": "Paris"}, PHONE),
    ],
)
async def test_a_contact_is_called_by_its_name(engine, client, variables, title):
    kim = await add_agent(engine)
    campaign = await add_campaign(engine, kim, variables=variables)
    contact = await contact_of(engine, campaign)
    show(engine, kim, S.TALKING, campaign, call=call_view(contact))
    assert (await got(client, "/agent/kim/calls/call-1"))["title"] == title


async def callback_at(engine, client, local: str, **settings: Any) -> dict[str, Any]:
    kim = await add_agent(engine)
    campaign = await add_campaign(engine, kim)
    if settings:
        changed = type(campaign.settings)(**{**_fields(campaign.settings), **settings})
        campaign = await engine.store.change_settings(
            campaign.id, changed, expected_version=campaign.version, now=utc_now()
        )
    contact = await contact_of(engine, campaign)
    show(engine, kim, S.TALKING, campaign, call=call_view(contact))
    found: dict[str, Any] = await got(client, "/agent/kim/calls/call-1/callback", local=local)
    return found


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def tomorrow(hour: int) -> str:
    day = (utc_now() + timedelta(days=2)).date()
    return f"{day.isoformat()}T{hour:02}:00"


async def test_a_callback_is_at_the_contacts_own_time(engine, client):
    found = await callback_at(engine, client, "2026-12-01T10:00")
    # Washington is five hours behind UTC in December.
    assert found["at"] == "2026-12-01T15:00:00+00:00"
    assert (found["zone"], found["shown"]) == ("America/New_York", "Tue 01 Dec 10:00")


async def test_a_callback_in_the_night_is_refused_with_the_next_time(engine, client):
    hours = ContactHours(time(9), time(20))
    found = await callback_at(engine, client, tomorrow(3), contact_hours=hours)
    assert "outside the hours in which this contact may be called" in found["problem"]
    assert found["next_shown"].endswith("09:00")
    assert found["next_at"] > found["at"]


async def test_a_callback_within_the_hours_is_fine(engine, client):
    hours = ContactHours(time(9), time(20))
    found = await callback_at(engine, client, tomorrow(9), contact_hours=hours)
    assert (found["problem"], found["next_at"]) == ("", None)


@pytest.mark.parametrize(
    ("local", "settings", "words"),
    [
        ("2020-01-01T10:00", {}, "its time is past"),
        ("2126-01-01T10:00", {}, "more than 90 days ahead"),
        ("2126-01-01T10:00", {"callbacks": False}, "makes no callbacks"),
    ],
)
async def test_callbacks_that_nobody_makes_are_refused(engine, client, local, settings, words):
    assert words in (await callback_at(engine, client, local, **settings))["problem"]


@pytest.mark.parametrize(
    "local", ["", "soon", "10:00", "2026-12-01T10:00Z", "2026-12-01T10:00+01:00", "1" * 99]
)
async def test_times_that_are_none_are_refused(engine, client, local):
    kim = await add_agent(engine)
    campaign = await add_campaign(engine, kim)
    show(engine, kim, S.TALKING, campaign, call=call_view(await contact_of(engine, campaign)))
    error = await refused(client, "/agent/kim/calls/call-1/callback", 400, local=local)
    assert error["details"]["field"] == "local"
    for edge in ("0001-01-01T00:00", "9999-12-31T23:59"):
        answer = await client.get(
            "/agent/kim/calls/call-1/callback", params={"local": edge}, headers=JSON
        )
        assert answer.status in {200, 400}


async def test_a_campaign_without_agents_has_no_sheet(engine):
    kim = await add_agent(engine)
    sheets = Worksheets(engine.store, engine.commands.rules, utc_now)
    with pytest.raises(Conflict):
        await sheets.call(engine.agents.view("kim"), "x")
    assert await sheets.campaigns(kim.id) == []


async def events(answer: Any, count: int) -> list[Any]:
    """Read pictures out of a stream."""
    found: list[Any] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            line = (await answer.content.readline()).decode()
            if line.startswith("data: {"):
                found.append(json.loads(line.removeprefix("data: ")))
    return found


async def test_the_agents_state_streams(engine, client):
    kim, bob = await add_agent(engine), await add_agent(engine, "bob")
    campaign = await add_campaign(engine, kim, method=DialMethod.AGENT_FIRST)
    async with client.get("/agent/kim/live") as answer:
        assert answer.content_type == "text/event-stream"
        (first,) = await events(answer, 1)
        assert (first["name"], first["state"], first["method"]) == ("kim", "offline", "")
        assert first["now"]
        # What others do is nothing for this page.
        engine.agents.show(bob, S.READY)
        show(engine, kim, S.READY, campaign)
        (second,) = await events(answer, 1)
        assert (second["state"], second["campaign"], second["method"]) == (
            "ready",
            "Renewal",
            "agent_first",
        )
        contact = await contact_of(engine, campaign)
        show(engine, kim, S.TALKING, campaign, call=call_view(contact, muted=True))
        (third,) = await events(answer, 1)
        assert (third["call"]["attempt_id"], third["call"]["muted"]) == ("call-1", True)


async def test_a_quiet_stream_gives_signs_of_life(engine, client, monkeypatch):
    monkeypatch.setattr(agent_stream, "HEARTBEAT_S", 0.05)
    await add_agent(engine)
    async with client.get("/agent/kim/live") as answer:
        async with asyncio.timeout(60):
            lines = [(await answer.content.readline()).decode() for _ in range(8)]
    assert "event: still\n" in lines
    assert (await client.head("/agent/kim/live")).status == 200


async def test_a_stream_of_nobody_is_not_found(engine, client):
    assert (await refused(client, "/agent/nobody/live", 404))["id"] == "not_found"
    assert (await refused(client, "/agent/nobody/desk", 404))["id"] == "not_found"


async def test_a_stream_ends_with_its_session(engine, monkeypatch):
    monkeypatch.setattr(agent_stream, "HEARTBEAT_S", 0.05)
    people = await add_people(engine)
    await add_agent(engine)
    async with browsing(engine) as server, browser_of(server) as kim:
        await kim.log_in("kim")
        async with kim.client.get("/agent/kim/live") as answer:
            await events(answer, 1)
            await engine.access.log_out_everywhere(people["kim"])
            async with asyncio.timeout(60):
                await answer.content.read()


async def test_the_contacts_of_a_campaign_tell_who_talked(engine, client):
    kim = await add_agent(engine)
    campaign = await add_campaign(engine, kim)
    page = await (await client.get(f"/campaigns/{campaign.id}/contacts")).text()
    assert "Kim" not in page
    await add_past(engine, campaign, kim, "past-1")
    for path in ("", "/contacts"):
        page = await (await client.get(f"/campaigns/{campaign.id}{path}")).text()
        assert "no_interest · Kim" in page


async def test_a_stream_ends_when_callcamp_stops(engine):
    await add_agent(engine)
    async with (
        browsing(engine) as server,
        browser_of(server) as browser,
        browser.client.get("/agent/kim/live") as answer,
    ):
        await events(answer, 1)
        async with asyncio.timeout(60):
            stopping = asyncio.create_task(server.close())
            await answer.content.read()
            await stopping
