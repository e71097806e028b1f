"""Agents over the API: for administrators, supervisors, and agents themselves."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from access_kit import add_people, browser_of, browsing
from agent_kit import add_agent, add_campaign, add_past, contact_of
from test_http_agents import PREDICTIVE, hire, talking
from web_fakes import COMMANDS, token_in

from callcamp.core.agents import AgentSpan, AgentState
from callcamp.core.outcome import Evidence
from callcamp.engine.agents.views import OfferView, WrapUpNote
from callcamp.engine.clock import utc_now
from callcamp.errors import IllegalTransition, SwitchUnavailable
from callcamp.http.rest.agent_commands import ROUTES as OWN
from callcamp.ports.switchboard import QueueMember, QueueView, SpyMode, TransferTo

V1 = "/api/v1"


async def answered(response: Any, status: int = 200) -> Any:
    """Return the body of an answer of this status."""
    body = await response.json() if response.status != 204 else None
    assert response.status == status, body
    return body


async def failed(response: Any, status: int, field: str | None = None) -> str:
    """Return the message of an error of this status."""
    error = (await answered(response, status))["error"]
    if field is not None:
        assert error["details"]["field"] == field
    return str(error["message"])


async def test_agents_are_kept_over_the_api(client, engine):
    await engine.campaign()
    made = await client.post(f"{V1}/agents", json={"name": "anna", "display_name": "Anna Ö"})
    body = await answered(made, 201)
    assert made.headers["Location"] == f"{V1}/agents/anna"
    assert body == {
        "name": "anna",
        "display_name": "Anna Ö",
        "active": True,
        "phone": {"kind": "browser", "address": "anna", "trunk_id": None},
        "campaigns": [],
        "live": None,
    }
    assert await failed(await client.post(f"{V1}/agents", json={"name": "anna"}), 400, "name")
    far = {"name": "bob", "phone": "external", "address": "202 555 0188", "region": "US"}
    body = await answered(await client.post(f"{V1}/agents", json=far), 201)
    assert body["phone"]["address"] == "+12025550188"
    changed = await client.patch(f"{V1}/agents/bob", json={"phone": "sip", "active": False})
    body = await answered(changed)
    assert (body["phone"], body["active"]) == (
        {"kind": "sip", "address": "bob", "trunk_id": None},
        False,
    )
    listed = await answered(await client.get(f"{V1}/agents"))
    assert [one["name"] for one in listed["items"]] == ["anna", "bob"]
    await failed(await client.patch(f"{V1}/agents/nobody", json={}), 404)
    await answered(await client.delete(f"{V1}/agents/bob"), 204)
    await failed(await client.get(f"{V1}/agents/bob"), 404)
    for wrong in ({"name": "A"}, {"name": ".."}, {"name": "a", "phone": "pigeon"}, {}):
        await failed(await client.post(f"{V1}/agents", json=wrong), 400)
    assert engine.agents.looked == 4


async def test_campaigns_get_agents_over_the_api(client, engine):
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    await hire(engine, "anna", "bob")
    where = f"{V1}/campaigns/{campaign.id}/agents"
    join = {"agents": ["anna", "bob"]}
    assert await answered(await client.post(where, json=join)) == {"added": 2}
    assert await answered(await client.post(where, json=join)) == {"added": 0}
    items = (await answered(await client.get(where)))["items"]
    assert [one["name"] for one in items] == ["anna", "bob"]
    assert items[0]["campaigns"] == [campaign.id]
    await answered(await client.delete(f"{where}/bob"), 204)
    same = await answered(await client.get(f"{V1}/agents?campaign_id={campaign.id}"))
    assert [one["name"] for one in same["items"]] == ["anna"]
    await failed(await client.post(where, json={"agents": ["nobody"]}), 404)
    await failed(await client.post(where, json={"agents": []}), 400)
    await failed(await client.get(f"{V1}/campaigns/999/agents"), 404)
    await failed(await client.delete(f"{where}/nobody"), 404)


async def test_what_an_agent_does_is_told(client, engine):
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", "bob", campaign=campaign.id)
    talking(engine, agents["anna"], campaign, call={"on_hold": True})
    live = await answered(await client.get(f"{V1}/agents/anna/live"))
    assert live["state"] == "talking"
    assert live["since"].endswith("Z")
    assert live["call"]["number"] == "+12025550123"
    assert live["call"]["on_hold"]
    assert "channel_id" not in live["call"]
    shown = await answered(await client.get(f"{V1}/agents/anna"))
    assert shown["live"] == live
    at = datetime(2026, 11, 22, tzinfo=UTC)
    offer = OfferView("a2", 2, "+12025550124", {"city": "Paris"}, at)
    engine.agents.show(agents["bob"], AgentState.PREVIEWING, offer=offer)
    live = await answered(await client.get(f"{V1}/agents/bob/live"))
    assert live["offer"] == {
        "attempt_id": "a2",
        "contact_id": 2,
        "number": "+12025550124",
        "variables": {"city": "Paris"},
        "dial_at": "2026-11-22T00:00:00Z",
    }
    await failed(await client.get(f"{V1}/agents/nobody/live"), 404)


async def test_programs_supervise_with_a_phone_that_they_name(engine):
    people = await add_people(engine)
    token = (await engine.access.create_token(people["ada"], "crm", {"manage"}, None))[0]
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", "sue", campaign=campaign.id)
    talking(engine, agents["anna"], campaign)
    headers = {"Authorization": f"Bearer {token}"}
    where = f"{V1}/agents/anna/live"
    async with browsing(engine) as server, browser_of(server) as browser:
        client = browser.client
        whisper = {"mode": "whisper", "phone_of": "sue"}
        body = await answered(await client.post(f"{where}/spy", json=whisper, headers=headers))
        assert body["name"] == "anna"
        own = {"phone_of": "sue"}
        await answered(await client.post(f"{where}/take-over", json=own, headers=headers))
        lunch = {"reason": "lunch"}
        await answered(await client.post(f"{where}/pause", json=lunch, headers=headers))
        await answered(await client.post(f"{where}/log-out", headers=headers))
        assert engine.agents.asked == [
            ("spy", "anna", SpyMode.WHISPER, "sue"),
            ("take_over", "anna", "sue"),
            ("force_pause", "anna", "lunch"),
            ("force_log_out", "anna"),
        ]
        await failed(await client.post(f"{where}/spy", headers=headers), 400, "phone_of")
        nobody = {"phone_of": "nobody"}
        await failed(await client.post(f"{where}/spy", json=nobody, headers=headers), 404)
        await failed(await client.post(f"{where}/pause", json={}, headers=headers), 400)
        # A token acts as no account: what an agent does itself it may not do.
        await failed(await client.post(f"{V1}/agents/anna/ready", headers=headers), 403)
        engine.agents.refuse = SwitchUnavailable("There is no link to Asterisk.")
        await failed(await client.post(f"{where}/log-out", headers=headers), 503)
    lines = await engine.store.audit(kind="agent", limit=5)
    assert {line.actor for line in lines} == {"token:crm"}


ORDERS: list[tuple[str, Any, tuple[Any, ...]]] = [
    ("log-in", {"campaign_id": 3}, ("log_in", "kim", 3)),
    ("log-out", None, ("log_out", "kim")),
    ("ready", None, ("ready", "kim")),
    ("pause", {"reason": "lunch"}, ("pause", "kim", "lunch")),
    ("accept", None, ("accept", "kim")),
    ("skip", {"reason": "too early"}, ("skip", "kim", "too early")),
    ("hang-up", None, ("hang_up", "kim")),
    ("hold", {"on": True}, ("hold", "kim", True)),
    ("mute", {"on": False}, ("mute", "kim", False)),
    ("keys", {"digits": "12#"}, ("press_keys", "kim", "12#")),
    (
        "transfer",
        {"to": "number", "target": "+12025550188"},
        ("transfer", "kim", TransferTo.NUMBER, "+12025550188"),
    ),
    ("consult", {"to": "agent", "target": "bob"}, ("consult", "kim", TransferTo.AGENT, "bob")),
    ("consult/complete", None, ("complete_consult", "kim")),
    ("consult/cancel", None, ("cancel_consult", "kim")),
    (
        "finish",
        {
            "attempt_id": "a1",
            "outcome": "sold",
            "answers": {"car": "yes"},
            "callback_at": "2026-12-24T09:00:00Z",
            "callback_mine": True,
        },
        (
            "finish",
            "kim",
            "a1",
            WrapUpNote("sold", {"car": "yes"}, datetime(2026, 12, 24, 9, tzinfo=UTC), True),
        ),
    ),
    ("call-phone", None, ("call_phone", "kim")),
    ("test-phone", None, ("test_phone", "kim")),
]


def test_every_command_has_an_address():
    supervisors = {"spy", "take_over", "force_pause", "force_log_out"}
    assert {asked[0] for _, _, asked in ORDERS} == COMMANDS - supervisors
    assert {route.path.partition("}/")[2] for route in OWN} == {path for path, _, _ in ORDERS}


async def test_agents_act_for_themselves_and_nobody_else(engine):
    await add_people(engine)
    await hire(engine, "kim", "anna")
    async with browsing(engine) as server, browser_of(server) as kim:
        await kim.log_in("kim")
        token = token_in(await kim.text("/account"))
        headers = {"X-CSRF-Token": token, "Accept": "application/json"}
        for path, body, asked in ORDERS:
            engine.agents.asked.clear()
            address = f"{V1}/agents/kim/{path}"
            sent = {} if body is None else {"json": body}
            live = await answered(await kim.client.post(address, headers=headers, **sent))
            assert live["name"] == "kim"
            assert engine.agents.asked == [asked]
            other = await kim.client.post(f"{V1}/agents/anna/{path}", headers=headers, **sent)
            assert "acts for nobody else" in await failed(other, 403)
            # A cookie alone is no word of the page.
            await failed(await kim.client.post(address, **sent), 403)
            assert engine.agents.asked == [asked]
        engine.agents.refuse = IllegalTransition("An agent who talks cannot be ready.")
        refused = await kim.client.post(f"{V1}/agents/kim/ready", headers=headers)
        assert "cannot be ready" in await failed(refused, 409)
        # And supervises nobody, not even itself.
        await failed(await kim.client.post(f"{V1}/agents/kim/live/log-out", headers=headers), 403)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("log-in", {"campaign_id": 0}),
        ("log-in", {}),
        ("pause", {"reason": ""}),
        ("pause", {"reason": "a\nb"}),
        ("hold", {"on": "yes"}),
        ("keys", {"digits": "1a"}),
        ("keys", {"digits": ""}),
        ("keys", {"digits": "1" * 33}),
        ("transfer", {"to": "moon", "target": "x"}),
        ("transfer", {"to": "number"}),
        ("finish", {"attempt_id": "a b"}),
        ("finish", {"attempt_id": "a1", "callback_at": "tomorrow"}),
        ("finish", {"attempt_id": "a1", "answers": {"x": 1}}),
        ("finish", {"attempt_id": "a1", "more": 1}),
    ],
)
async def test_what_does_not_fit_reaches_no_desk(client, engine, path, body):
    await hire(engine, "kim")
    await failed(await client.post(f"{V1}/agents/kim/{path}", json=body), 400)
    assert engine.agents.asked == []


async def test_queues_are_shown_as_asterisk_has_them(client, engine):
    agents = await hire(engine, "anna")
    engine.agents.in_asterisk = {
        "renewals": QueueView("renewals", callers=2),
        "callcamp-1": QueueView(
            "callcamp-1",
            (
                QueueMember(agents["anna"].id, "PJSIP/anna", 1, True, "lunch"),
                QueueMember(None, "PJSIP/desk", 6, False),
                QueueMember(999, "PJSIP/gone", 77, False),
            ),
            ("a1",),
            1,
        ),
    }
    first, second = (await answered(await client.get(f"{V1}/queues")))["items"]
    assert first == {
        "name": "callcamp-1",
        "callers": 1,
        "waiting": ["a1"],
        "members": [
            {"agent": "anna", "interface": "PJSIP/anna", "status": "free", "paused": True,
             "reason": "lunch"},
            {"agent": None, "interface": "PJSIP/desk", "status": "ringing", "paused": False,
             "reason": ""},
            {"agent": None, "interface": "PJSIP/gone", "status": "unknown", "paused": False,
             "reason": ""},
        ],
    }  # fmt: skip
    assert (second["name"], second["callers"], second["members"]) == ("renewals", 2, [])


async def test_the_report_is_told_and_sent(client, engine):
    campaign = await engine.campaign("Spring", agents=PREDICTIVE)
    agents = await hire(engine, "anna", "bob", campaign=campaign.id)
    now, number = utc_now(), agents["anna"].id
    spans = [
        AgentSpan(number, campaign.id, AgentState.PAUSED, now - timedelta(hours=3), reason="new"),
        AgentSpan(number, campaign.id, AgentState.TALKING, now - timedelta(hours=2)),
        AgentSpan(number, campaign.id, AgentState.OFFLINE, now - timedelta(hours=1)),
    ]
    await engine.store.begin_shift(number, campaign.id, spans[0])
    await engine.store.note_spans(spans[1:])
    report = await answered(await client.get(f"{V1}/reports/agents"))
    row = next(one for one in report["items"] if one["agent"] == "anna")
    assert row["logged_in_s"] == pytest.approx(7200)
    assert row["seconds"]["talking"] == pytest.approx(3600)
    assert row["pauses"] == {"new": pytest.approx(3600)}
    assert row["occupancy"] == 1.0
    assert row["campaign"] is None
    one = f"{V1}/reports/agents?agent=anna&campaign_id={campaign.id}&per_campaign=true"
    (part,) = (await answered(await client.get(one)))["items"]
    assert part["campaign"] == "Spring"
    sheet = await client.get(f"{V1}/reports/agents.xlsx?agent=anna")
    assert sheet.status == 200
    assert "agents " in sheet.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(await sheet.read()))
    assert book.active["A2"].value == "anna"
    head = await client.head(f"{V1}/reports/agents.csv")
    assert head.status == 200
    for wrong in ("per_campaign=1", "agent=A", "since=x", "since=2020-01-01T00:00:00Z"):
        await failed(await client.get(f"{V1}/reports/agents?{wrong}"), 400)
    await failed(await client.get(f"{V1}/reports/agents?agent=nobody"), 404)


async def test_a_call_names_its_agents_wherever_it_is_shown(client, engine):
    kim, bob = await add_agent(engine), await add_agent(engine, "bob")
    campaign = await add_campaign(engine, kim, bob)
    told = Evidence(agent=kim.member, agents=f"{kim.member} {bob.member}")
    await add_past(engine, campaign, bob, "past-1", evidence=told)
    page = await answered(await client.get(f"{V1}/campaigns/{campaign.id}/attempts"))
    one = await answered(await client.get(f"{V1}/calls/past-1"))
    phone = (await contact_of(engine, campaign)).phone
    past = await answered(await client.get(f"{V1}/directory/contacts/{phone}"))
    for shown in (page["items"][0], one, past["calls"][0]["call"]):
        assert (shown["agent"], shown["agents"]) == ("bob", ["kim", "bob"])
        assert (shown["disposition"], shown["outcome"]) == ("answered_person", "no_interest")
        assert shown["connected_at"] is not None


async def test_a_call_without_an_agent_names_none(client, engine):
    campaign = await add_campaign(engine)
    await add_past(engine, campaign, None, "past-1")
    shown = await answered(await client.get(f"{V1}/calls/past-1"))
    assert (shown["agent"], shown["agents"]) == (None, [])
