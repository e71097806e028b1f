"""The JSON side."""

from __future__ import annotations

import pytest


async def test_campaigns_are_listed_and_shown(client, engine):
    campaign = await engine.campaign("Spring", 2)
    listed = await (await client.get("/api/v1/campaigns")).json()
    assert listed["next"] is None
    assert [c["name"] for c in listed["items"]] == ["Spring"]
    one = await (await client.get(f"/api/v1/campaigns/{campaign.id}")).json()
    assert one["settings"]["window"]["zone"] == "UTC"
    assert one["settings"]["retry"]["delay_s"] == 1800
    stats = await (await client.get(f"/api/v1/campaigns/{campaign.id}/stats")).json()
    assert stats["total"] == 2
    assert stats["contacts"]["pending"] == 2
    assert (await (await client.get("/api/v1/campaigns?status=running")).json())["items"] == []


async def test_buttons(client, engine):
    campaign = await engine.campaign(contacts=1)
    for action, status in (
        ("start", "running"),
        ("pause", "paused"),
        ("resume", "running"),
        ("stop", "canceled"),
    ):
        response = await client.post(f"/api/v1/campaigns/{campaign.id}/{action}")
        assert response.status == 200
        assert (await response.json())["status"] == status
    refused = await client.post(f"/api/v1/campaigns/{campaign.id}/start")
    assert refused.status == 409
    error = (await refused.json())["error"]
    assert error["id"] == "illegal_transition"
    assert error["details"]["state"] == "canceled"


async def test_a_draft_is_deleted_and_what_has_run_is_not(client, engine):
    draft, started = await engine.campaign("Autumn", 2), await engine.campaign("Spring", 1)
    await engine.commands.start(started.id)
    gone = await client.delete(f"/api/v1/campaigns/{draft.id}")
    assert (gone.status, await gone.read()) == (204, b"")
    for path in (f"/api/v1/campaigns/{draft.id}", f"/campaigns/{draft.id}"):
        assert (await client.get(path)).status == 404
    assert (await client.delete(f"/api/v1/campaigns/{draft.id}")).status == 404
    assert ">Autumn<" not in await (await client.get("/")).text()
    refused = await client.delete(f"/api/v1/campaigns/{started.id}")
    assert refused.status == 409
    assert "is running and stays on record" in (await refused.json())["error"]["message"]
    assert (await client.get(f"/campaigns/{started.id}")).status == 200


async def test_contacts_go_page_by_page(client, engine):
    campaign = await engine.campaign()
    await engine.add(campaign.id, 5, name="Ada")
    path = f"/api/v1/campaigns/{campaign.id}/contacts"
    seen, cursor = [], None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = await (await client.get(path, params=params)).json()
        seen += [c["phone"] for c in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"+1202555{n:04}" for n in range(5)]
    found = await (await client.get(path, params={"phone": "202 555 0003"})).json()
    assert found["items"][0]["variables"] == {"name": "Ada"}
    assert found["items"][0]["status"] == "pending"


async def test_attempts(client, engine):
    from datetime import timedelta

    from callcamp.core.ruleset import RuleSet
    from callcamp.engine.commands import utc_now

    campaign = await engine.campaign(contacts=2)
    await engine.commands.start(campaign.id)
    now = utc_now()
    ids = ["a-1", "a-2"]
    await engine.store.claim(
        campaign.id,
        ids,
        places=None,
        judge=RuleSet(campaign.settings).judge,
        look_back_s=0,
        now=now,
        lease_until=now + timedelta(seconds=9),
    )
    path = f"/api/v1/campaigns/{campaign.id}/attempts"
    page = await (await client.get(path, params={"limit": "1"})).json()
    assert [a["id"] for a in page["items"]] == ["a-1"]
    rest = await (await client.get(path, params={"cursor": page["next"]})).json()
    assert [a["status"] for a in rest["items"]] == ["claimed"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/campaigns/99", 404, "not_found"),
        ("/campaigns/99/contacts", 404, "not_found"),
        ("/campaigns/99/attempts", 404, "not_found"),
        ("/campaigns?status=no", 400, "invalid_input"),
        ("/campaigns/1/contacts?status=no", 400, "invalid_input"),
        ("/campaigns/1/contacts?limit=0", 400, "invalid_input"),
        ("/campaigns/1/contacts?limit=1001", 400, "invalid_input"),
        ("/campaigns/1/contacts?limit=9999999999", 400, "invalid_input"),
        ("/campaigns/1/contacts?cursor=x", 400, "invalid_input"),
        ("/campaigns/1/contacts?phone=x", 400, "invalid_input"),
        ("/campaigns/1/start", 405, "method_not_allowed"),
        ("/nothing", 404, "not_found"),
    ],
)
async def test_errors_have_one_shape(client, engine, path, status, error):
    await engine.campaign()
    response = await client.get(f"/api/v1{path}")
    assert response.status == status
    body = await response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"id", "message", "details"}
    assert body["error"]["id"] == error
    if status == 405:
        assert response.headers["Allow"] == "POST"


async def test_health(client, engine):
    engine.link_up = False
    response = await client.get("/healthz")
    assert response.status == 200
    assert await response.json() == {"status": "ok", "link_up": False}
