"""The forecast on the campaign's page and over the API."""

from __future__ import annotations

from callcamp.core.campaign_settings import RetryPolicy
from callcamp.core.states import CampaignEvent
from callcamp.errors import TooBusy


async def test_the_api_forecasts_a_draft(client, engine):
    await engine.campaign(contacts=20, concurrency=2, retry=RetryPolicy(max_attempts=1))
    response = await client.get("/api/v1/campaigns/1/forecast?answer_rate=0.5&seed=3")
    told = await response.json()
    assert response.status == 200, told
    assert (told["contacts"], told["to_call"], told["excluded"]) == (20, 20, {})
    assert told["calls"] == {"low": 20, "likely": 20, "high": 20}
    assert told["rests_on"]["answer_rate"] == {"value": 0.5, "basis": "given"}
    assert told["begins_at"] <= told["ends_at"]["earliest"] <= told["ends_at"]["latest"]
    assert (told["seeds"], told["scaled"], told["agents"]) == ([3, 4, 5], 1, None)
    again = await client.get("/api/v1/campaigns/1/forecast?answer_rate=0.5&seed=3")
    assert (await again.json())["calls_per_hour"] == told["calls_per_hour"]


async def test_the_api_refuses_what_cannot_be(client, engine):
    await engine.campaign(contacts=1)
    for query in ("agents=0", "agents=x", "answer_rate=2", "answer_rate=nan", "seed=-1", "x=1"):
        response = await client.get(f"/api/v1/campaigns/1/forecast?{query}")
        assert response.status == 400, query
        assert (await response.json())["error"]["details"]["field"] == query.partition("=")[0]
    assert (await client.get("/api/v1/campaigns/9/forecast")).status == 404


async def test_one_that_is_over_has_none(client, engine):
    campaign = await engine.campaign(contacts=1)
    await engine.store.move_campaign(campaign.id, CampaignEvent.STARTED, now=engine.clock.now())
    await engine.store.move_campaign(campaign.id, CampaignEvent.STOPPED, now=engine.clock.now())
    assert (await client.get("/api/v1/campaigns/1/forecast")).status == 409
    assert "forecast-part" not in await (await client.get("/campaigns/1")).text()


async def test_the_page_shows_it_when_asked(client, engine):
    await engine.campaign(contacts=3)
    shown = await (await client.get("/campaigns/1")).text()
    assert 'action="/campaigns/1/forecast"' in shown
    page = await (await client.get("/campaigns/1/forecast?answer_rate=40")).text()
    assert "Would be called" in page
    assert "40.0 %" in page
    assert "Given" in page
    # Each figure is a line of its own, as the sheet of styles draws them.
    assert page.count("<dt>") == page.count("<div><dt>") > 4


async def test_the_page_says_what_is_wrong(client, engine, monkeypatch):
    await engine.campaign(contacts=1)
    response = await client.get("/campaigns/1/forecast?answer_rate=%3Cb%3E")
    assert response.status == 400
    assert "give a percentage" in await response.text()
    response = await client.get("/campaigns/1/forecast?answer_rate=200")
    assert "a percentage from 1 to 100" in await response.text()
    response = await client.get("/campaigns/1/forecast?agents=ten")
    assert "give a whole number" in await response.text()

    async def busy(*_args, **_values):
        raise TooBusy("Another forecast is being made; ask again.", retry_after_s=15)

    monkeypatch.setattr(engine.commands.forecasts, "forecast", busy)
    response = await client.get("/campaigns/1/forecast")
    assert "Another forecast is being made" in await response.text()
    assert (response.status, response.headers["Retry-After"]) == (503, "15")
    response = await client.get("/api/v1/campaigns/1/forecast")
    assert (response.status, response.headers["Retry-After"]) == (503, "15")
    assert (await response.json())["error"]["id"] == "too_busy"
