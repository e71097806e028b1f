"""From AMI events to facts, and the queue that holds them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from callcamp.core.events import (
    CallAnswered,
    CallCreated,
    CallEnded,
    CallEvent,
    CallRang,
    EventsLost,
    EvidenceSeen,
    LinkDown,
    LinkUp,
    OriginateEnded,
    SwitchEvent,
)
from callcamp.core.outcome import Evidence
from callcamp.switch.ami import Backoff
from callcamp.switch.event_queue import EventQueue
from callcamp.switch.translate import WANTED_EVENTS, translate

ATTEMPT = "cc-" + "0123456789abcdef" * 2
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "fact"),
    [
        ({"Event": "Newchannel", "Uniqueid": ATTEMPT}, CallCreated(ATTEMPT, NOW)),
        ({"Event": "Newchannel", "Uniqueid": "1700000000.1"}, None),
        ({"Event": "Newchannel"}, None),
        ({"Event": "Newstate", "Uniqueid": ATTEMPT, "ChannelState": "5"}, CallRang(ATTEMPT, NOW)),
        (
            {"Event": "Newstate", "Uniqueid": ATTEMPT, "ChannelState": "6"},
            CallAnswered(ATTEMPT, NOW),
        ),
        ({"Event": "Newstate", "Uniqueid": ATTEMPT, "ChannelState": "4"}, None),
        ({"Event": "Newstate", "Uniqueid": ATTEMPT}, None),
        (
            {"Event": "DialEnd", "DestUniqueid": ATTEMPT, "DialStatus": "BUSY"},
            EvidenceSeen(ATTEMPT, NOW, Evidence(dial_status="BUSY")),
        ),
        ({"Event": "DialEnd", "Uniqueid": ATTEMPT, "DialStatus": "BUSY"}, None),
        ({"Event": "DialEnd", "DestUniqueid": ATTEMPT}, None),
        (
            {"Event": "Hangup", "Uniqueid": ATTEMPT, "Cause": "17", "TechCause": "486"},
            CallEnded(ATTEMPT, NOW, Evidence(cause=17, sip_code=486)),
        ),
        (
            {"Event": "Hangup", "Uniqueid": ATTEMPT, "Cause": "19", "TechCause": "SIP 180 Ringing"},
            CallEnded(ATTEMPT, NOW, Evidence(cause=19)),
        ),
        (
            {
                "Event": "Hangup",
                "Uniqueid": ATTEMPT,
                "Cause": "?",
                "TechCause": "SIP 404 Not Found",
            },
            CallEnded(ATTEMPT, NOW, Evidence(sip_code=404)),
        ),
        ({"Event": "Hangup", "Uniqueid": ATTEMPT}, CallEnded(ATTEMPT, NOW, Evidence())),
        (
            {"Event": "OriginateResponse", "ActionID": f"orig-{ATTEMPT}", "Response": "Success"}
            | {"Reason": "4", "Uniqueid": "another"},
            OriginateEnded(ATTEMPT, NOW, success=True, reason=4),
        ),
        (
            {"Event": "OriginateResponse", "ActionID": f"orig-{ATTEMPT}", "Response": "Failure"},
            OriginateEnded(ATTEMPT, NOW, success=False, reason=0),
        ),
        ({"Event": "OriginateResponse", "ActionID": "other", "Uniqueid": ATTEMPT}, None),
        ({"Event": "OriginateResponse", "Uniqueid": ATTEMPT}, None),
        (
            {"Event": "UserEvent", "UserEvent": "CallcampEnded", "Attempt": ATTEMPT}
            | {"Evidence": "cause=16&answered=1&amd=HUMAN"},
            EvidenceSeen(ATTEMPT, NOW, Evidence(cause=16, answered=True, amd_status="HUMAN")),
        ),
        ({"Event": "UserEvent", "UserEvent": "Other", "Attempt": ATTEMPT}, None),
        ({"Event": "UserEvent", "UserEvent": "CallcampEnded", "Attempt": "x"}, None),
        ({"Event": "Rename", "Uniqueid": ATTEMPT}, None),
        ({}, None),
    ],
)
def test_translate(headers: dict[str, str], fact: CallEvent | None) -> None:
    assert translate(headers, NOW) == fact


def test_every_wanted_event_has_a_meaning() -> None:
    everything = {
        "Uniqueid": ATTEMPT,
        "DestUniqueid": ATTEMPT,
        "Attempt": ATTEMPT,
        "ActionID": f"orig-{ATTEMPT}",
        "ChannelState": "6",
        "DialStatus": "ANSWER",
        "UserEvent": "CallcampEnded",
        "MemberName": "cc-agent-7",
    }
    for name in WANTED_EVENTS:
        assert translate({**everything, "Event": name.decode()}, NOW) is not None


def rang(number: int) -> CallRang:
    return CallRang(f"cc-{number:030d}", NOW)


async def drain(queue: EventQueue) -> list[SwitchEvent]:
    queue.close()
    return [event async for event in queue]


async def test_events_come_in_order() -> None:
    queue = EventQueue(100)
    for number in range(100):
        queue.put(rang(number))
    assert await drain(queue) == [rang(number) for number in range(100)]


async def test_a_full_queue_drops_counts_and_tells_where_the_gap_is() -> None:
    queue = EventQueue(10)
    for number in range(17):
        queue.put(rang(number))
    assert len(queue) == 10
    seen = [await anext(queue) for _ in range(5)]
    queue.put(rang(17))
    seen += await drain(queue)
    assert seen[:10] == [rang(number) for number in range(10)]
    lost = seen[10]
    assert isinstance(lost, EventsLost)
    assert lost.count == 7
    assert seen[11:] == [rang(17)]


async def test_one_gap_not_many() -> None:
    queue = EventQueue(10)
    for number in range(11):
        queue.put(rang(number))
    await anext(queue)
    queue.put(rang(11))  # room for one, but the gap goes on
    seen = await drain(queue)
    assert [event.count for event in seen if isinstance(event, EventsLost)] == [2]


async def test_a_gap_is_told_though_nothing_comes_after_it() -> None:
    queue = EventQueue(1)
    queue.put(rang(0))
    queue.put(rang(1))
    assert await anext(queue) == rang(0)
    assert isinstance(await anext(queue), EventsLost)


async def test_the_link_is_never_dropped() -> None:
    queue = EventQueue(1)
    down, up = LinkDown(NOW, "cut"), LinkUp(NOW)
    queue.put(rang(0))
    queue.put(rang(1))
    queue.put_link(down)
    queue.put_link(up)
    seen = await drain(queue)
    assert [type(event) for event in seen] == [CallRang, EventsLost, LinkDown, LinkUp]


async def test_a_reader_waits_and_a_second_is_refused() -> None:
    queue = EventQueue(10)
    waiting = asyncio.create_task(anext(queue))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        await anext(queue)
    queue.put(rang(1))
    assert await waiting == rang(1)


async def test_a_cancelled_reader_can_be_followed_by_another() -> None:
    queue = EventQueue(10)
    waiting = asyncio.create_task(anext(queue))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    queue.put(rang(1))
    assert await drain(queue) == [rang(1)]


async def test_close_ends_a_waiting_reader() -> None:
    queue = EventQueue(10)
    waiting = asyncio.create_task(anext(queue, None))
    await asyncio.sleep(0)
    queue.close()
    assert await waiting is None


def test_pauses_grow_to_a_cap_and_differ() -> None:
    backoff = Backoff()
    longest = [backoff.pause_s(failures, 0.999_999) for failures in range(1, 12)]
    assert longest[:3] == pytest.approx([0.25, 0.5, 1.0], rel=0.001)
    assert max(longest) <= 15.0
    assert longest[-1] == pytest.approx(15.0, rel=0.001)
    assert backoff.pause_s(10_000, 0.0) == 7.5
