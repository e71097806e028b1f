"""Pages of supervisors: the board, the agents, their report, and a campaign's agents."""

from __future__ import annotations

import asyncio
import html
import json
import re
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from access_kit import add_people, browser_of, browsing

from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import AgentSpan, AgentState, PhoneKind
from callcamp.core.scripts import ElementKind
from callcamp.engine.agents.pace import PacingView
from callcamp.engine.agents.roster import Roster
from callcamp.engine.agents.views import AgentCallView
from callcamp.engine.clock import utc_now
from callcamp.errors import Conflict
from callcamp.ports.switchboard import SpyMode

HOSTILE = "<script>alert(1)</script>"
PREDICTIVE = AgentSettings(method=DialMethod.PREDICTIVE, safe_harbour="sorry")


async def hire(engine, *names: str, campaign: int = 0, **values: Any) -> dict[str, Any]:
    """Add agents, and to a campaign; returns them by name."""
    roster = Roster(engine.store, engine.settings, utc_now)
    made = {name: await roster.save_agent(name, **values) for name in names}
    if campaign:
        await roster.add_to_campaign(campaign, names)
    for agent in made.values():
        engine.agents.show(agent)
    return made


def talking(engine, agent, campaign, **values: Any) -> None:
    call = AgentCallView("a1", campaign.id, 1, "+12025550123", {}, **values.pop("call", {}))
    engine.agents.show(
        agent,
        AgentState.TALKING,
        campaign_id=campaign.id,
        campaign=campaign.settings.name,
        call=call,
        **values,
    )


def pressed(page: str) -> set[str]:
    """Return what the buttons of a board do."""
    return set(re.findall(r'formaction="/board/([a-z.]+/[a-z-]+)"', page))


def rows_of(page: str, part: str) -> str:
    """Return the rows of a part of the board."""
    start = page.index(f'<tbody id="{part}">')
    return page[start : page.index("</tbody>", start)]


async def test_the_board_shows_who_does_what(client, engine):
    campaign = await engine.campaign(HOSTILE, agents=PREDICTIVE)
    agents = await hire(engine, "anna", "bob", campaign=campaign.id, display_name=HOSTILE)
    talking(engine, agents["anna"], campaign, pause_wanted=HOSTILE, phone_up=False)
    engine.agents.show(agents["bob"], AgentState.PAUSED, reason="lunch", campaign_id=campaign.id)
    page = await (await client.get("/board")).text()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") >= 3
    assert "+12025550123" in page
    assert "lunch" in page
    assert "phone not reachable" in page
    assert pressed(page) == {
        "anna/listen", "anna/whisper", "anna/barge", "anna/take-over", "anna/log-out",
        "bob/log-out",
    }  # fmt: skip
    assert page.index("bob") < page.index("</table>")


async def test_the_board_of_one_campaign(client, engine):
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    other = await engine.campaign("Autumn", agents=PREDICTIVE)
    await hire(engine, "anna", campaign=campaign.id)
    agents = await hire(engine, "bob", campaign=other.id)
    page = await (await client.get(f"/board?campaign={campaign.id}")).text()
    assert ">anna<" in page
    assert "bob" not in rows_of(page, "board") + rows_of(page, "board-away")
    # Who works for it belongs there, also when just removed from it.
    engine.agents.show(agents["bob"], AgentState.READY, campaign_id=campaign.id)
    page = await (await client.get(f"/board?campaign={campaign.id}")).text()
    assert "bob" in rows_of(page, "board")
    everybody = await (await client.get("/board?campaign=")).text()
    assert {">anna<", ">bob<"} <= set(re.findall(r">(?:anna|bob)<", everybody))
    # No campaign, and what can be none: never all agents under the name of one.
    for unknown in ("999", "x", "0", "-1", "9" * 30, "%00", "<b>"):
        for path in ("/board", "/board/live"):
            async with client.get(path, params={"campaign": unknown}) as refused:
                assert refused.status == 404, unknown
                text = await refused.text()
                assert "There is no campaign" in html.unescape(text)
                assert "<b>" not in text
                assert ">anna<" not in text


async def test_inactive_agents_are_left_out(client, engine):
    await hire(engine, "anna", active=False)
    await hire(engine, "bob")
    page = await (await client.get("/board")).text()
    rows = rows_of(page, "board-away")
    assert "bob" in rows
    assert "anna" not in rows


async def test_who_is_offline_is_under_a_heading_that_counts_them(client, engine):
    agents = await hire(engine, "anna", "bob", "cleo")
    engine.agents.show(agents["bob"], AgentState.READY)
    page = await (await client.get("/board")).text()
    assert "bob" in rows_of(page, "board")
    assert all(name not in rows_of(page, "board") for name in ("anna", "cleo"))
    assert all(name in rows_of(page, "board-away") for name in ("anna", "cleo"))
    closed = page[page.index('<details class="away">') : page.index("</details>")]
    assert re.search(r'<summary>Offline: <span id="board-away-count">2</span></summary>', closed)
    assert 'id="board-away"' in closed
    async with client.get("/board/live") as stream:
        await frames(stream)
        engine.agents.show(agents["anna"], AgentState.PAUSED)
        moved = await frames(stream)
        assert moved["board-away-count"] == "1"
        assert "anna" in moved["board"]
        assert "anna" not in moved["board-away"]


async def frames(stream) -> dict[str, str]:
    """Return the next regions of a stream."""
    async with asyncio.timeout(60):
        await stream.content.readuntil(b"data: ")
        return json.loads(await stream.content.readuntil(b"\n\n"))


async def test_the_board_moves_by_itself(client, engine):
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", campaign=campaign.id)
    row = f"g{agents['anna'].id}"
    async with client.get(f"/board/live?campaign={campaign.id}") as stream:
        first = await frames(stream)
        assert "Offline" in first[f"{row}-state"]
        assert "/board/anna/" not in first[f"{row}-supervise"]
        assert "banner" in first
        talking(engine, agents["anna"], campaign)
        second = await frames(stream)
        assert "Talking" in second[f"{row}-state"]
        assert "/board/anna/listen" in second[f"{row}-supervise"]
        # Logged in, the row has moved to those who are on shift; from then on it stays.
        assert "anna" in second["board"]
        engine.agents.show(agents["anna"], AgentState.WRAP_UP, campaign_id=campaign.id)
        third = await frames(stream)
        assert "Wrap-up" in third[f"{row}-state"]
        assert "board" not in third
        await hire(engine, "bob", campaign=campaign.id)
        assert "bob" in (await frames(stream))["board-away"]


async def test_work_of_the_last_day_is_on_the_board(client, engine):
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", campaign=campaign.id)
    now = utc_now()
    begun = AgentSpan(agents["anna"].id, campaign.id, AgentState.READY, now - timedelta(hours=2))
    await engine.store.begin_shift(agents["anna"].id, campaign.id, begun)
    page = await (await client.get("/board")).text()
    assert "0 calls" in page
    assert "0.0 % occupied" in page


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("listen", ("spy", "anna", SpyMode.LISTEN, "sue")),
        ("whisper", ("spy", "anna", SpyMode.WHISPER, "sue")),
        ("barge", ("spy", "anna", SpyMode.BARGE, "sue")),
        ("take-over", ("take_over", "anna", "sue")),
        ("pause", ("force_pause", "anna", "training")),
        ("log-out", ("force_log_out", "anna")),
    ],
)
async def test_buttons_do_what_they_say_and_leave_a_line(engine, action, asked):
    await add_people(engine)
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", "sue", campaign=campaign.id)
    talking(engine, agents["anna"], campaign)
    async with browsing(engine) as server, browser_of(server) as sue:
        await sue.log_in("sue")
        fields = {"reason": "training"}
        answer = await sue.post(f"/board/anna/{action}", fields, on="/board")
        assert answer.status == 303
        assert answer.headers["Location"] == "/board"
        assert engine.agents.asked == [asked]
        (line,) = await engine.store.audit(kind="agent", limit=1)
        assert line.actor == "user:sue"
        assert line.subject == "anna"
        engine.agents.refuse = Conflict("The agent does not talk.")
        said = await sue.post(
            f"/board/anna/{action}", fields, on="/board", headers={"Accept": "application/json"}
        )
        assert said.status == 409
        assert (await said.json())["error"]["message"] == "The agent does not talk."


async def test_a_person_uses_no_phone_but_the_own(engine):
    await add_people(engine)
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", "bob", campaign=campaign.id)
    talking(engine, agents["anna"], campaign)
    async with browsing(engine) as server, browser_of(server) as sue:
        await sue.log_in("sue")
        answer = await sue.post("/board/anna/listen", {"phone_of": "bob"}, on="/board")
        assert answer.status == 403
        # Without an agent of that name there is no phone to call.
        answer = await sue.post("/board/anna/listen", on="/board")
        assert answer.status == 404
        assert "you need a phone" in await sue.text("/board")
    assert engine.agents.asked == []


async def test_on_this_machine_the_phone_is_chosen(client, engine, post):
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", "bob", campaign=campaign.id)
    talking(engine, agents["anna"], campaign)
    assert (await post("/board/anna/listen")).status == 400
    assert (await post("/board/anna/listen", {"phone_of": "bob"})).status == 303
    assert engine.agents.asked == [("spy", "anna", SpyMode.LISTEN, "bob")]
    assert 'name="phone_of"' in await (await client.get("/board")).text()
    assert (await post("/board/nobody/pause")).status == 404


async def test_who_may_not_supervise_sees_no_buttons(engine):
    people = await add_people(engine)
    token = (await engine.access.create_token(people["ada"], "r", {"read"}, None))[0]
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", campaign=campaign.id)
    talking(engine, agents["anna"], campaign)
    async with browsing(engine) as server, AsyncExitStack() as stack:
        reader, sue = [await stack.enter_async_context(browser_of(server)) for _ in range(2)]
        await sue.log_in("sue")
        assert "anna/listen" in pressed(await sue.text("/board"))
        headers = {"Authorization": f"Bearer {token}"}
        page = await (await reader.get("/board", headers=headers)).text()
        assert "anna" in page
        assert pressed(page) == set()
        for browser, extra, shown in ((sue, {}, True), (reader, headers, False)):
            async with browser.client.get("/board/live", headers=extra) as live:
                buttons = (await frames(live))[f"g{agents['anna'].id}-supervise"]
                assert ("/board/anna/listen" in buttons) is shown


async def test_active_campaigns_show_what_paces_them(client, engine):
    campaign = await engine.campaign(HOSTILE, contacts=3, agents=PREDICTIVE)
    preview = AgentSettings(method=DialMethod.PREVIEW)
    calm = await engine.campaign("Calm", contacts=1, agents=preview)
    agents = await hire(engine, "anna", "bob", campaign=campaign.id)
    await hire(engine, "cid", campaign=calm.id)
    page = await (await client.get("/active")).text()
    assert "No campaign is running" in page
    await engine.commands.start(campaign.id)
    await engine.commands.start(calm.id)
    engine.agents.paced[campaign.id] = PacingView(
        DialMethod.PREDICTIVE, 7, f"7 fit {HOSTILE}", {"risk": 0.0078, "again_s": 1234.5}, {},
        12, 1, 412, 9, 0.03, 0.9,
    )  # fmt: skip
    talking(engine, agents["anna"], campaign)
    engine.agents.show(agents["bob"], AgentState.READY, campaign_id=campaign.id)
    page = await (await client.get("/active")).text()
    assert "<script>alert" not in page
    assert "dial 7 now" in page
    assert "9 of 412" in page
    assert "2.2 %; at most 3.0 %, and 2.7 % is aimed at" in page
    assert "0.0078" in page
    assert "<dt>again</dt><dd>1,234 s</dd>" in page
    assert "1 talking" in page
    assert "1 ready" in page
    assert "Preview." in page
    assert "No agent is logged in" in page
    async with client.get("/active/live") as stream:
        regions = await frames(stream)
        assert "dial 7 now" in regions[f"p{campaign.id}-pacing"]
        engine.agents.show(agents["bob"], AgentState.PAUSED, campaign_id=campaign.id)
        assert "1 paused" in (await frames(stream))[f"p{campaign.id}-pacing"]


async def test_agents_are_added_and_changed_on_their_page(client, engine, post):
    await engine.campaign()
    assert "No agents yet" in await (await client.get("/agents")).text()
    new = {"name": "anna", "display_name": HOSTILE, "phone": "browser"}
    assert (await post("/agents", new)).status == 303
    page = await (await client.get("/agents")).text()
    assert "&lt;script&gt;" in page
    again = await post("/agents", {**new, "display_name": "Kept"})
    assert again.status == 400
    text = await again.text()
    assert "already" in text
    assert 'value="Kept"' in text
    away = {"phone": "external", "address": "+12025550188", "trunk": "carrier", "active": "1"}
    assert (await post("/agents/anna", away)).status == 303
    (agent,) = await engine.store.agents()
    assert (agent.phone.kind, agent.phone.address) == (PhoneKind.EXTERNAL, "+12025550188")
    assert agent.display_name == ""
    assert agent.active
    assert (await post("/agents/anna", {"phone": "sip", "address": "desk-1"})).status == 303
    (agent,) = await engine.store.agents()
    assert (agent.phone.address, agent.active) == ("desk-1", False)
    for wrong in ({"phone": "pigeon"}, {"phone": "sip", "address": "a b"}, {}):
        assert (await post("/agents/anna", wrong)).status == 400
    assert (await post("/agents/nobody", {"phone": "sip"})).status == 404
    assert engine.agents.looked == 3
    assert (await post("/agents/anna/delete")).status == 303
    assert await engine.store.agents() == []


async def test_agents_without_an_account_are_told(engine):
    await add_people(engine)
    await hire(engine, "kim", "anna")
    async with browsing(engine) as server, browser_of(server) as ada:
        await ada.log_in("ada")
        page = await ada.text("/agents")
        assert page.count("no account of this name") == 1


async def test_a_campaign_gets_and_loses_agents_while_it_runs(client, engine, post):
    campaign = await engine.campaign("Spring", contacts=1, agents=PREDICTIVE)
    where = f"/campaigns/{campaign.id}"
    assert "cannot start without" in await (await client.get(where)).text()
    assert (await post(f"{where}/start")).status == 409
    agents = await hire(engine, "anna", "bob", "cid")
    answer = await post(f"{where}/agents", {"agent": ["anna", "bob"]})
    assert answer.headers["Location"] == f"{where}#agents"
    assert (await post(f"{where}/start")).status == 303
    talking(engine, agents["anna"], campaign)
    page = await (await client.get(where)).text()
    assert "+12025550123" in page
    assert f"{where}/agents/bob/remove" in page
    assert 'value="cid"' in page
    async with client.get(f"{where}/live") as stream:
        regions = await frames(stream)
        assert "Talking" in regions[f"g{agents['anna'].id}-state"]
        assert "1 talking" in regions["pacing"]
    assert (await post(f"{where}/agents/bob/remove")).status == 303
    members = await engine.store.campaign_agents(campaign.id)
    assert [agent.name for agent in members] == ["anna"]
    assert (await post(f"{where}/agents", {})).status == 400
    assert (await post(f"{where}/agents", {"agent": "nobody"})).status == 404
    assert "Nothing is decided yet." in await (await client.get(where)).text()
    await engine.commands.stop(campaign.id)
    assert "The campaign is over: nobody is dialled" in await (await client.get(where)).text()


async def test_a_campaign_without_agents_shows_none(client, engine):
    campaign = await engine.campaign("Plain")
    page = await (await client.get(f"/campaigns/{campaign.id}")).text()
    assert 'id="agents"' not in page
    assert 'id="pacing"' not in page


async def test_the_report_is_of_whole_days(client, engine):
    campaign = await engine.campaign(HOSTILE, agents=PREDICTIVE)
    agents = await hire(engine, "anna", campaign=campaign.id, display_name=HOSTILE)
    now, number = utc_now(), agents["anna"].id
    at = now - timedelta(minutes=30)
    await engine.store.begin_shift(
        number, campaign.id, AgentSpan(number, campaign.id, AgentState.PAUSED, at, reason=HOSTILE)
    )
    later = now - timedelta(minutes=10)
    await engine.store.note_spans([AgentSpan(number, campaign.id, AgentState.READY, later)])
    page = await (await client.get(f"/agents/report?since={at:%Y-%m-%d}&per_campaign=1")).text()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;") >= 3
    assert "0:20:00" in page
    query = re.search(r'/api/v1/reports/agents\.csv\?([^"]+)', page)
    assert query
    address = f"/api/v1/reports/agents.csv?{query[1].replace('&amp;', '&')}"
    file = await client.get(address)
    assert file.status == 200, await file.text()
    assert "attachment" in file.headers["Content-Disposition"]
    assert "anna" in await file.text()
    assert (await client.get("/agents/report?since=2020-01-01&until=2020-01-02")).status == 200
    for wrong in ("since=x", "since=2026-02-30", "until=1000-01-01", "since=2020-01-01"):
        answer = await client.get(f"/agents/report?{wrong}")
        assert answer.status == 400, wrong
        assert 'role="alert"' in await answer.text()
    assert (await client.get("/agents/report?campaign=999")).status == 404


def script_fields(*rows: dict[str, str]) -> dict[str, list[str]]:
    blank = {
        "kind": ElementKind.SENTENCE.value, "text": "", "name": "", "options": "",
        "required": "", "show_if": "", "show_values": "",
    }  # fmt: skip
    return {f"script.{name}": [{**blank, **row}[name] for row in rows] for name in blank}


FIELDS: dict[str, Any] = {
    "name": "Spring", "trunk_id": "1", "concurrency": "5", "ring_timeout_s": "30",
    "default_region": "US", "start": "09:00", "end": "18:00", "zone": "UTC", "weekday": ["0"],
    "mode": "single_day", "max_attempts": "3", "retry_delay": "30",
    "agents.method": "ratio", "agents.queue": "renewals", "agents.pickup_rate": "40",
    "agents.abandon_cap": "2.5", "agents.connect_limit_s": "1.5", "agents.abandon_from": "answer",
    "agents.safe_harbour": "callcamp/sorry", "agents.announcement": "",
    "agents.no_agent_message": "", "agents.wait_most_s": "60", "agents.callback_after_s": "600",
    "agents.music": "default", "agents.before_call_work_s": "15",
    "agents.agent_ring_timeout_s": "20", "agents.wrap_up_s": "30", "agents.outcomes": ["sold"],
    "agents.outcome_required": "1",
}  # fmt: skip


async def test_the_form_makes_a_campaign_with_agents_and_a_script(client, engine, post):
    await engine.commands.save_trunk("carrier", dial_string="PJSIP/{number}@c", cps=1)
    await engine.commands.lists.save_outcome("sold", label=HOSTILE)
    rows = script_fields(
        {"text": f"Hello {HOSTILE}"},
        {"kind": "checkbox", "text": "Has a car", "name": "car", "required": "1"},
        {},
        {"kind": "choice", "text": "Which?", "name": "brand", "options": "Renault\r\n\r\nOther ",
         "show_if": "car", "show_values": "yes"},
    )  # fmt: skip
    answer = await post("/campaigns/new", {**FIELDS, **rows})
    assert answer.status == 303, await answer.text()
    (campaign,) = await engine.store.campaigns()
    agents = campaign.settings.agents
    assert (agents.method, agents.queue) == (DialMethod.RATIO, "renewals")
    assert (agents.pickup_rate, agents.abandon_cap, agents.connect_limit_s) == (0.4, 0.025, 1.5)
    assert (agents.outcomes, agents.outcome_required) == (("sold",), True)
    assert [one.name for one in agents.script.elements] == ["", "car", "brand"]
    assert agents.script.elements[2].options == ("Renault", "Other")
    page = await (await client.get(f"/campaigns/{campaign.id}/edit")).text()
    assert "<script>alert" not in page
    assert 'value="ratio" selected' in page
    assert "Renault\nOther" in page.replace("\r", "")


async def test_the_form_names_the_row_that_is_wrong(engine, post):
    await engine.commands.save_trunk("carrier", dial_string="PJSIP/{number}@c", cps=1)
    await engine.commands.lists.save_outcome("sold")
    rows = script_fields({"text": "Hello"}, {"kind": "text", "text": "Who?", "name": "9"})
    answer = await post("/campaigns/new", {**FIELDS, **rows})
    assert answer.status == 400
    page = await answer.text()
    assert "agents.script.elements.1.name is &#39;9&#39;" in page
    assert re.search(r'name="script.name" value="9"[^>]*aria-invalid="true"', page)
    answer = await post("/campaigns/new", {**FIELDS, "agents.outcomes": ["gone"]})
    assert "no such disposition" in await answer.text()
    answer = await post("/campaigns/new", {**FIELDS, "agents.wrap_up_s": "soon"})
    assert re.search(r'name="agents.wrap_up_s"[^>]*aria-invalid', await answer.text())
