"""The administrators' pages on webhooks."""

from __future__ import annotations

import html
import re

import pytest
from access_kit import add_people, browser_of, browsing
from aiohttp import web
from aiohttp.test_utils import TestServer

from callcamp.core.states import CampaignEvent
from callcamp.core.webhooks import EventType, Health
from callcamp.engine.clock import utc_now
from callcamp.engine.webhooks import Webhooks
from callcamp.ports import DeliveryStatus, Tried, Try

PUBLIC = "https://8.8.8.8/hooks?key=a-secret-path"


@pytest.fixture
async def browser(engine):
    await add_people(engine)
    async with browsing(engine) as server, browser_of(server) as browser:
        await browser.log_in("ada")
        yield browser


@pytest.fixture
async def receiver(engine):
    """Somebody else's server on this machine, which settings allow."""
    answers = {"status": 200}

    async def take(_request: web.Request) -> web.Response:
        return web.Response(status=answers["status"])

    app = web.Application()
    app.router.add_post("/hook", take)
    allowed = engine.settings.model_copy(update={"webhook_allow_private": True})
    engine.webhooks = Webhooks(engine.store, allowed, utc_now)
    async with TestServer(app) as server:
        answers["url"] = str(server.make_url("/hook"))
        yield answers


def secret_in(text: str) -> str:
    found = re.search(r'id="secret">(whsec_[\w-]{43})<', text)
    assert found, text
    return found[1]


async def test_a_webhook_from_first_to_last(engine, browser):
    campaign = await engine.campaign("Spring")
    assert "No webhooks yet" in await browser.text("/webhooks")
    fields = {"url": f" {PUBLIC} ", "event": "campaign.started", "campaign": campaign.id}
    made = await browser.post("/webhooks", fields, on="/webhooks")
    assert made.status == 200
    first = secret_in(await made.text())
    assert await engine.store.webhook_secret(1) == first
    webhook = await engine.store.webhook(1)
    assert (webhook.url, webhook.campaign_id) == (PUBLIC, campaign.id)
    assert webhook.events == {EventType.CAMPAIGN_STARTED}
    for path in ("/webhooks", "/webhooks/1"):
        assert "whsec_" not in await browser.text(path)
    assert "of Spring" in await browser.text("/webhooks")
    renewed = await browser.post("/webhooks/1/secret", on="/webhooks")
    second = secret_in(await renewed.text())
    assert second != first
    assert await engine.store.webhook_secret(1) == second
    saved = await browser.post("/webhooks/1", {"url": PUBLIC, "active": "1"}, on="/webhooks")
    assert (saved.status, saved.headers["Location"]) == (303, "/webhooks/1")
    assert (await engine.store.webhook(1)).events == frozenset(EventType)
    assert "all events" in await browser.text("/webhooks")
    await browser.post("/webhooks/1", {"url": PUBLIC}, on="/webhooks")
    assert not (await engine.store.webhook(1)).active
    assert ">Off<" in await browser.text("/webhooks")
    gone = await browser.post("/webhooks/1/remove", on="/webhooks")
    assert gone.headers["Location"] == "/webhooks"
    assert await engine.store.webhooks() == []
    assert (await browser.get("/webhooks/1")).status == 404
    assert (await browser.post("/webhooks/1/secret", on="/webhooks")).status == 404
    actors = {(e.action, e.actor) for e in await engine.store.audit(kind="webhook")}
    assert ("webhook.secret_renewed", "user:ada") in actors


async def test_what_came_of_events_is_shown_and_sent_again(engine, browser):
    campaign = await engine.campaign()
    now = engine.clock.now()
    await engine.store.add_webhook(PUBLIC, "whsec_x", EventType, now=now)
    await engine.store.move_campaign(campaign.id, CampaignEvent.STARTED, now=now)
    await engine.store.move_campaign(campaign.id, CampaignEvent.PAUSED, now=now)
    second, first = await engine.store.deliveries(1)
    taken, refused = Try(now, 7, 204), Try(now, 9, 503, "<b>no</b>", "answered <b>503</b>")
    tried = [Tried(first.id, taken, None), Tried(second.id, refused, now)]
    await engine.store.note_tries(1, tried, Health(1, now), now=now)
    assert ">Fails<" in await browser.text("/webhooks")
    text = await browser.text("/webhooks/1")
    assert "answered 204" in text
    assert "<b>" not in text
    assert "answered <b>503" in html.unescape(text)
    assert f"/webhooks/deliveries/{first.id}/redeliver" in text
    assert f"/webhooks/deliveries/{second.id}/redeliver" not in text
    again = f"/webhooks/deliveries/{first.id}/redeliver"
    assert (await browser.post(again, on="/webhooks")).headers["Location"] == "/webhooks/1"
    assert len(await engine.store.deliveries(1, status=DeliveryStatus.PENDING)) == 2
    late = now.replace(year=now.year + 1)
    given_up = [Tried(second.id, refused, None)]
    await engine.store.note_tries(1, given_up, Health(9, now), now=late)
    assert "switched off" in await browser.text("/webhooks/1")
    assert "it failed for days" in await browser.text("/webhooks")
    assert (await browser.post(again, on="/webhooks")).status == 409


async def test_a_ping_tells_what_came_of_it(browser, receiver):
    await browser.post("/webhooks", {"url": receiver["url"]}, on="/webhooks")
    sent = await (await browser.post("/webhooks/1/test", on="/webhooks")).text()
    assert "Ping: answered 200 in" in sent
    receiver["status"] = 500
    sent = await (await browser.post("/webhooks/1/test", on="/webhooks")).text()
    assert re.search(r'notice warn"[^>]*id="tested">Ping: ', sent)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "http://127.0.0.1:9/"}, "webhook_allow_private"),
        ({"url": "http://169.254.169.254/latest"}, "webhook_allow_private"),
        ({"url": "javascript:alert(1)"}, "url is"),
        ({"url": ""}, "url is"),
        ({"url": PUBLIC, "event": "<script>alert(1)</script>"}, "events has"),
        ({"url": PUBLIC, "campaign": "1; DROP TABLE webhook"}, "campaign is"),
        ({"url": PUBLIC, "campaign": "\u0663"}, "campaign is"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(engine, browser, fields, words):
    refused = await browser.post("/webhooks", fields, on="/webhooks")
    text = await refused.text()
    assert refused.status == 400
    assert words in html.unescape(text)
    assert "<script>alert" not in text
    assert await engine.store.webhooks() == []
    await browser.post("/webhooks", {"url": PUBLIC}, on="/webhooks")
    if "campaign" not in fields:
        changed = await browser.post("/webhooks/1", fields, on="/webhooks")
        assert changed.status == 400
        assert (await engine.store.webhook(1)).url == PUBLIC


async def test_a_campaign_that_is_not_there_has_no_webhook(engine, browser):
    fields = {"url": PUBLIC, "campaign": "999"}
    assert (await browser.post("/webhooks", fields, on="/webhooks")).status == 404
    assert await engine.store.webhooks() == []


@pytest.mark.parametrize(
    "odd",
    [
        "https://8.8.8.8/?a=<script>alert(1)</script>",
        "https://8.8.8.8/?b='onclick='x",
        'https://8.8.8.8/?b="onclick="x',
        "https://8.8.8.8/{{7*7}}",
    ],
)
async def test_addresses_are_text_whether_they_are_taken_or_not(browser, odd):
    answer = await browser.post("/webhooks", {"url": odd}, on="/webhooks")
    pages = [await answer.text(), await browser.text("/webhooks")]
    if answer.status == 200:
        pages.append(await browser.text("/webhooks/1"))
    assert html.escape(odd)[:20] in pages[0]
    for text in pages:
        assert "<script>alert" not in text
        assert "'onclick='" not in text
        assert '"onclick="' not in text
        assert "/49" not in text
