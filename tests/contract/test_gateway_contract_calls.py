"""How a CallGateway tells of each kind of call: all behaviours of the lab, called at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from gateway_fixtures import (
    BACKENDS,
    RING_S,
    Ground,
    asterisk_ground,
    following,
    simulated_ground,
)

from callcamp.core.events import (
    CallAnswered,
    CallCreated,
    CallEnded,
    CallRang,
    EvidenceSeen,
    OriginateEnded,
    SwitchEvent,
)
from callcamp.core.outcome import Disposition, Evidence, classify
from callcamp.lab import ALL_BEHAVIOURS, BEHAVIOURS, Behaviour


@dataclass(frozen=True, slots=True)
class Story:
    """What was learnt of one call."""

    events: list[SwitchEvent]
    evidence: Evidence
    outbox: Evidence | None
    calls: int


async def _call_everybody(ground: Ground) -> dict[str, Story]:
    async with following(ground) as (gateway, follower):
        orders = {one.slug: ground.order(one.slug) for one in ALL_BEHAVIOURS}
        ids = [order.attempt_id for order in orders.values()]
        for order in orders.values():
            await gateway.originate(order)
        await follower.over(*ids)
        outbox = await gateway.outbox()
        await gateway.delete_from_outbox(ids)
        return {
            slug: Story(
                follower.of(order.attempt_id),
                follower.evidence(order.attempt_id),
                outbox.get(order.attempt_id),
                ground.calls_to(order),
            )
            for slug, order in orders.items()
        }


@pytest.fixture(scope="module", params=BACKENDS)
def stories(request: pytest.FixtureRequest) -> dict[str, Story]:
    async def on_simulation() -> dict[str, Story]:
        async with simulated_ground() as ground:
            return await _call_everybody(ground)

    if request.param == "asterisk":
        return asyncio.run(_call_everybody(asterisk_ground(request.getfixturevalue("lab"))))
    return asyncio.run(on_simulation())


SLUGS = [one.slug for one in ALL_BEHAVIOURS]
ANSWERING = {
    *("person", "presses_key", "long_talk", "late_answer", "voicemail"),
    *("hangs_up_at_once", "hangs_up_midway"),
}
RINGING = ANSWERING - {"hangs_up_at_once"} | {"no_answer"}
GIVEN_UP = {"no_answer", "silent_sip"}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_call_is_told_in_order(stories: dict[str, Story], slug: str) -> None:
    events = stories[slug].events
    expected: list[type] = [CallCreated]
    expected += [CallRang] if slug in RINGING else []
    expected += [CallAnswered] if slug in ANSWERING else []
    kinds = [type(one) for one in events if not isinstance(one, OriginateEnded | EvidenceSeen)]
    assert kinds == [*expected, CallEnded]
    (word,) = [one for one in events if isinstance(one, OriginateEnded)]
    reason = 4 if slug in ANSWERING else 3 if slug in GIVEN_UP else 0
    assert (word.success, word.reason) == (slug in ANSWERING, reason)
    end = next(at for at, one in enumerate(events) if isinstance(one, CallEnded))
    written = [
        at
        for at, one in enumerate(events)
        if isinstance(one, EvidenceSeen) and one.evidence.answered is not None
    ]
    assert len(written) == 1
    assert written[0] < end
    assert [one.at for one in events] == sorted(one.at for one in events)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_call_is_one_call(stories: dict[str, Story], slug: str) -> None:
    assert stories[slug].calls == 1


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda one: one.slug)
def test_the_disposition_is_the_same_from_events_and_from_the_outbox_alone(
    stories: dict[str, Story], behaviour: Behaviour
) -> None:
    story = stories[behaviour.slug]
    wanted = Disposition(behaviour.disposition)
    assert classify(story.evidence, ring_timeout_s=RING_S) is wanted
    assert story.outbox is not None
    assert classify(story.outbox, ring_timeout_s=RING_S) is wanted


# Cause, SIP code, and what the dialplan saw. Hangup's SIP code of a call that we gave up is
# Asterisk's own 480; the handler's is the last one that came.
FACTS: dict[str, dict[str, object]] = {
    "person": {"cause": 16, "amd_status": "HUMAN", "played": "prompt", "dtmf": None},
    "presses_key": {"cause": 16, "amd_status": "HUMAN", "played": "prompt", "dtmf": "1"},
    "long_talk": {"cause": 16, "amd_status": "HUMAN", "played": "prompt"},
    "late_answer": {"cause": 16, "amd_status": "HUMAN", "played": "prompt"},
    "hangs_up_at_once": {"cause": 0, "played": None, "dtmf": None},
    "hangs_up_midway": {"cause": 0, "amd_status": "HUMAN", "played": None, "dtmf": None},
    "voicemail": {"cause": 16, "amd_status": "MACHINE", "played": "message"},
    "busy": {"cause": 17, "sip_code": 486, "dial_status": "BUSY"},
    "declined": {"cause": 21, "sip_code": 603, "dial_status": "NOANSWER"},
    "no_answer": {"cause": 19, "sip_code": 480, "dial_status": None, "rang": True},
    "silent_sip": {"cause": 19, "sip_code": 480, "dial_status": None, "rang": False},
    "invalid_number": {"cause": 1, "sip_code": 404, "dial_status": "NOANSWER", "rang": False},
    "unavailable": {"cause": 19, "sip_code": 480, "dial_status": "NOANSWER", "rang": False},
    "congestion": {"cause": 34, "sip_code": 503, "dial_status": "CONGESTION"},
    "early_media_fail": {"cause": 1, "sip_code": 404, "dial_status": "NOANSWER"},
    "sip_403": {"cause": 21, "sip_code": 403},
    "sip_408": {"cause": 18, "sip_code": 408},
    "sip_410": {"cause": 22, "sip_code": 410},
    "sip_484": {"cause": 28, "sip_code": 484},
    "sip_488": {"cause": 58, "sip_code": 488},
    "sip_500": {"cause": 38, "sip_code": 500},
    "sip_600": {"cause": 17, "sip_code": 600, "dial_status": "BUSY"},
    "sip_607": {"cause": 127, "sip_code": 607},
}


@pytest.mark.parametrize("slug", SLUGS)
def test_the_evidence_is_asterisks(stories: dict[str, Story], slug: str) -> None:
    known = {name: getattr(stories[slug].evidence, name) for name in FACTS[slug]}
    assert known == FACTS[slug]
    assert stories[slug].evidence.answered is (slug in ANSWERING)
    # The outbox is what the handler wrote: the same, but for what only events tell.
    outbox = stories[slug].outbox
    assert outbox is not None
    for name in ("cause", "answered", "rang", "amd_status", "amd_cause", "played", "dtmf"):
        assert getattr(outbox, name) == getattr(stories[slug].evidence, name)
