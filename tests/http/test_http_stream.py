"""The live streams: what they send, to whom, and how they end."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from datetime import datetime, timedelta

import pytest
from aiohttp import ClientConnectionResetError
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import StreamResponse

from callcamp.core.states import AttemptStatus
from callcamp.engine.clock import Clock
from callcamp.engine.commands import utc_now
from callcamp.engine.live import LiveCallView, LiveFeed
from callcamp.errors import NotFound, TooBusy
from callcamp.http import hub as hub_module
from callcamp.http.context import HUB
from callcamp.http.hub import LIST, Frame, Hub
from callcamp.http.stream import stream_topic


class Reader:
    """Reads server-sent events off an open response."""

    def __init__(self, response):
        self.response = response

    async def event(self):
        """Return the regions of the next event."""
        data = None
        while True:
            line = (await self.response.content.readline()).decode()
            assert line, "the stream ended"
            if line.startswith("data: "):
                data = json.loads(line[6:])
            elif line == "\n" and data is not None:
                return data

    async def until(self, wanted):
        """Read events until one fits."""
        while True:
            regions = await self.event()
            if wanted(regions):
                return regions


async def test_the_first_event_is_the_whole_page(client, engine):
    campaign = await engine.campaign("Spring", 3)
    async with client.get("/live", headers={"Last-Event-ID": "<7>"}) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        regions = await Reader(response).event()
    key = f"c{campaign.id}"
    assert {"banner", "cards", "campaigns", f"{key}-status", f"{key}-progress"} <= set(regions)
    assert "Spring" in regions["campaigns"]
    assert "0 of 3" in regions[f"{key}-progress"]


async def test_pages_are_told_the_engines_clock_and_how_fast_it_runs(client, engine):
    campaign = await engine.campaign("Spring", 3)
    ahead = utc_now() + timedelta(days=1)
    for clock, speed in ((Clock(), "1"), (Clock(60, ahead), "60"), (Clock(2.5), "2.5")):
        engine.clock = clock
        for path in ("/live", f"/campaigns/{campaign.id}/live", "/board/live", "/active/live"):
            before = clock.now() - timedelta(milliseconds=1)
            async with client.get(path) as response:
                told = (await Reader(response).event())["clock"].split(" ")
            assert before <= datetime.fromisoformat(told[0]) <= clock.now()
            assert told[1] == speed


async def test_a_page_opened_later_is_told_a_later_instant(client, engine):
    campaign = await engine.campaign("Spring", 3)
    engine.clock = Clock(600)
    path = f"/campaigns/{campaign.id}/live"
    async with client.get(path) as first, client.get(path) as second:
        whole = await Reader(first).event()
        await asyncio.sleep(0.05)
        opened = engine.clock.now() - timedelta(milliseconds=1)
        async with client.get(path) as third:
            same = await Reader(third).event()
        assert opened <= datetime.fromisoformat(same["clock"].split(" ")[0])
        for regions in (whole, same, await Reader(second).event()):
            regions.pop("clock")
        assert same == whole


async def test_a_change_sends_only_what_changed(client, engine):
    one = await engine.campaign("One", 3)
    two = await engine.campaign("Two", 3)
    async with client.get("/live") as response:
        reader = Reader(response)
        await reader.event()
        await engine.commands.start(one.id)
        regions = await reader.until(lambda r: f"c{one.id}-status" in r)
    assert "Running" in regions[f"c{one.id}-status"]
    assert "pause" in regions[f"c{one.id}-row_actions"]
    assert not any(key.startswith(f"c{two.id}-") for key in regions)
    assert "campaigns" not in regions


async def test_a_new_campaign_appears(client, engine):
    await engine.campaign("One")
    async with client.get("/live") as response:
        reader = Reader(response)
        await reader.event()
        two = await engine.campaign("<b>Two</b>")
        engine.live.touch()
        regions = await reader.until(lambda r: "campaigns" in r)
    assert next(iter(regions)) == "campaigns"
    assert "&lt;b&gt;Two" in regions["campaigns"]
    assert f"c{two.id}-status" in regions


async def test_a_campaign_shows_its_calls_and_the_link(client, engine):
    campaign = await engine.campaign("One", 3)
    async with client.get(f"/campaigns/{campaign.id}/live") as response:
        reader = Reader(response)
        first = await reader.event()
        assert "No calls in progress" in first["calls"]
        view = LiveCallView("a", campaign.id, 1, "+12025550000", AttemptStatus.RINGING, utc_now())
        engine.live.put(view)
        regions = await reader.until(lambda r: "calls" in r)
        assert "+12025550000" in regions["calls"]
        engine.link_up, engine.link_problem = False, "refused"
        engine.live.touch()
        regions = await reader.until(lambda r: "banner" in r)
        assert "refused" in regions["banner"]


async def test_regions_hold_no_form_token(client, engine):
    campaign = await engine.campaign("One", 3)
    for path in ("/live", f"/campaigns/{campaign.id}/live"):
        async with client.get(path) as response:
            assert "csrf" not in json.dumps(await Reader(response).event())


async def test_a_shutdown_ends_open_streams(client, engine):
    async with client.get("/live") as response:
        await Reader(response).event()
        await client.app[HUB].close()
        rest = await response.content.read()
    assert b"data:" not in rest


async def test_a_stream_that_cannot_begin_says_why(client, engine, monkeypatch):
    monkeypatch.setattr(hub_module, "MAX_WATCHERS", 0)
    response = await client.get("/live", headers={"Accept": "application/json"})
    assert response.status == 503
    assert (await response.json())["error"]["id"] == "too_busy"


async def test_a_closed_hub_refuses(client):
    await client.app[HUB].close()
    assert (await client.get("/live")).status == 503


def counting(frames=None):
    """Return a draw function that counts its calls per topic."""
    drawn: dict[int, int] = {}

    async def draw(topic):
        drawn[topic] = drawn.get(topic, 0) + 1
        return Frame({"n": str(drawn[topic])})

    return draw, drawn


async def test_watchers_share_one_drawing():
    draw, drawn = counting()
    live = LiveFeed()
    hub = Hub(live, draw, min_pause_s=0, refresh_s=1000, heartbeat_s=1000)
    streams = [hub.watch(1) for _ in range(5)]
    assert [await anext(s) for s in streams] == [{"n": "1"}] * 5
    assert drawn == {1: 1}
    live.touch()
    assert [await anext(s) for s in streams] == [{"n": "2"}] * 5
    assert drawn == {1: 2}
    assert hub.watchers == 5
    for stream in streams:
        await stream.aclose()
    assert hub.watchers == 0


async def test_nobody_watches_nothing_is_drawn():
    draw, drawn = counting()
    live = LiveFeed()
    hub = Hub(live, draw, min_pause_s=0, refresh_s=1000, heartbeat_s=1000)
    async with aclosing(hub.watch(1)) as stream:
        await anext(stream)
    live.touch()
    for _ in range(10):
        await asyncio.sleep(0)
    assert drawn == {1: 1}
    async with aclosing(hub.watch(1)) as stream:
        assert await anext(stream) == {"n": "2"}


async def test_a_quiet_stream_beats():
    async def draw(_topic):
        return Frame({"n": "same"})

    hub = Hub(LiveFeed(), draw, min_pause_s=0, refresh_s=1000, heartbeat_s=0.01)
    async with aclosing(hub.watch(1)) as stream:
        assert await anext(stream) == {"n": "same"}
        assert await anext(stream) is None
        assert await anext(stream) is None


async def test_what_is_the_same_is_not_sent_again():
    n = 0

    async def draw(_topic):
        nonlocal n
        n += 1
        return Frame({"same": "x", "moves": str(n // 3)})

    live = LiveFeed()
    hub = Hub(live, draw, min_pause_s=0, refresh_s=0.001, heartbeat_s=1000)
    async with aclosing(hub.watch(1)) as stream:
        assert await anext(stream) == {"same": "x", "moves": "0"}
        assert await anext(stream) == {"moves": "1"}


async def test_a_topic_that_goes_away_ends_its_streams():
    gone = False

    async def draw(_topic):
        if gone:
            raise NotFound("There is no campaign 1.", kind="campaign", key=1)
        return Frame({"n": "1"})

    live = LiveFeed()
    hub = Hub(live, draw, min_pause_s=0)
    stream = hub.watch(1)
    await anext(stream)
    gone = True
    live.touch()
    with pytest.raises(NotFound):
        await anext(stream)


async def test_a_frame_that_crashes_does_not_end_the_topic():
    crash = True

    async def draw(_topic):
        if crash:
            raise RuntimeError("boom")
        return Frame({"n": "1"})

    live = LiveFeed()
    hub = Hub(live, draw, min_pause_s=0)
    with pytest.raises(Exception, match="could not be drawn"):
        await anext(hub.watch(1))
    crash = False
    async with aclosing(hub.watch(1)) as stream:
        assert await anext(stream) == {"n": "1"}


async def test_there_is_an_end_to_watchers(monkeypatch):
    monkeypatch.setattr(hub_module, "MAX_WATCHERS", 1)
    draw, _ = counting()
    hub = Hub(LiveFeed(), draw)
    async with aclosing(hub.watch(1)) as stream:
        await anext(stream)
        with pytest.raises(TooBusy) as refused:
            await anext(hub.watch(1))
        assert refused.value.details["retry_after_s"] > 0
    await hub.close()


async def test_a_heartbeat_comes_also_between_frames_that_are_all_alike():
    async def draw(topic):
        return Frame({"a": "same"})

    hub = Hub(LiveFeed(), draw, min_pause_s=0, refresh_s=0.001, heartbeat_s=0.002)
    changes = hub.watch(1)
    assert await anext(changes) == {"a": "same"}
    assert await anext(changes) is None
    assert await anext(changes) is None
    await changes.aclose()
    await hub.close()


async def test_who_leaves_before_the_head_of_a_stream_is_no_crash(monkeypatch):
    async def gone(_self, _request):
        raise ClientConnectionResetError("Cannot write to closing transport")

    monkeypatch.setattr(StreamResponse, "prepare", gone)
    request = make_mocked_request("HEAD", "/live")
    response = await stream_topic(request, LIST)
    assert response.status == 200
    assert not response.prepared
