"""What is asked of Asterisk about agents: bytes on the wire, refusals, facts out of events."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcamp.core.agent_events import (
    AgentCalled,
    AgentConnected,
    AgentFact,
    AgentLeft,
    AgentMissed,
    CallerLeft,
    CallerWaited,
    LegAnswered,
    LegEnded,
    LegRang,
    MemberSeen,
    PersonReached,
)
from callcamp.core.events import CallEvent
from callcamp.errors import Conflict, InvalidInput, NotFound, SwitchRefused, SwitchTimeout
from callcamp.ports.switchboard import LegOrder, SpyMode, TransferTo
from callcamp.switch import leg_id, switchboard
from callcamp.switch.keeper import SessionKeeper
from callcamp.switch.legs import encode_leg
from callcamp.switch.switchboard import AmiSwitchboard
from callcamp.switch.translate import WANTED_EVENTS, translate
from callcamp.switch.wire import Headers

ATTEMPT = "cc-" + "0123456789abcdef" * 2
LEG = leg_id(7, "0123456789abcdef")
CHANNEL = "1700000000.12"
ANNA = "PJSIP/anna"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOSTILE = (
    "",
    "a,b",
    "a&b",
    "a b",
    "a)b",
    "a(b",
    "${X}",
    "a\r\nAction: Logoff",
    "a\nb",
    "a\0b",
    "é",
    "a;b",
    'a"b',
    "a\\b",
    "x" * 300,
)


class FakeSession:
    """Answers as told and remembers what was asked."""

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        self.asked: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self.sent: list[bytes] = []
        self._answers = answers or {}

    async def request(self, action: str, headers: Any = (), *, many: bool = False) -> list[Headers]:
        self.asked.append((action, tuple(headers)))
        answer = self._answers.get(action, {})
        if isinstance(answer, str):
            raise SwitchRefused(f"Asterisk refused {action}: {answer}", answer=answer)
        return answer if many else [answer]

    async def exchange(self, action: str, action_id: str, data: bytes) -> list[Headers]:
        self.sent.append(data)
        answer = self._answers.get(action)
        if answer is not None:
            raise SwitchRefused(f"Asterisk refused {action}: {answer}", answer=answer)
        return [{}]

    def check_usable(self) -> None:
        return


def board(**answers: Any) -> tuple[AmiSwitchboard, FakeSession]:
    session = FakeSession(answers)
    keeper = SimpleNamespace(up=lambda: session)
    return AmiSwitchboard(cast("SessionKeeper", keeper)), session


@pytest.mark.parametrize("bad", HOSTILE)
async def test_nothing_hostile_reaches_asterisk(bad: str) -> None:
    one, session = board(Getvar={"Value": "wait"})
    tries = [
        one.add_member(bad, ANNA, 7, paused=True),
        one.add_member("callcamp-1", bad, 7, paused=True),
        one.remove_member(bad, ANNA),
        one.remove_member("callcamp-1", bad),
        one.pause_member(bad, ANNA, paused=True),
        one.pause_member("callcamp-1", bad, paused=True),
        one.call_agent(LegOrder(LEG, 7, bad, 5)),
        one.call_agent(LegOrder(bad, 7, ANNA, 5)),
        one.call_agent(LegOrder(LEG, 7, ANNA, 5, spy_on=bad, spy_mode=SpyMode.LISTEN)),
        one.call_agent(LegOrder(LEG, 7, ANNA, 5, variables={"CC_LEG_DO": bad})),
        one.call_agent(LegOrder(LEG, 7, ANNA, 5, variables={bad: "echo"})),
        one.hang_up_channel(bad),
        one.is_up(bad),
        one.give_to(bad, ANNA, 7),
        one.give_to(ATTEMPT, bad, 7),
        one.join(bad, LEG),
        one.join(ATTEMPT, bad),
        one.hold(bad, CHANNEL),
        one.hold(ATTEMPT, bad),
        one.unhold(bad, CHANNEL),
        one.unhold(ATTEMPT, bad),
        one.mute(bad, muted=True),
        one.press_keys(ATTEMPT, bad),
        one.press_keys(bad, "1"),
        *(one.transfer(ATTEMPT, to, bad) for to in TransferTo),
        one.transfer(bad, TransferTo.QUEUE, "q"),
        *(one.consult(ATTEMPT, CHANNEL, to, bad) for to in TransferTo),
        one.consult(ATTEMPT, bad, TransferTo.QUEUE, "q"),
        one.complete_consult(bad, CHANNEL),
        one.complete_consult(ATTEMPT, bad),
        one.cancel_consult(ATTEMPT, bad),
        one.phone_states([bad]),
    ]
    for attempt in tries:
        with pytest.raises(InvalidInput):
            await attempt
    assert session.asked == []
    assert session.sent == []


@given(st.text())
def test_whatever_an_order_says_it_stays_one_action(text: str) -> None:
    order = LegOrder(LEG, 7, ANNA, 5, caller_id=text)
    try:
        data = encode_leg(order)
    except InvalidInput:
        return
    lines = data.decode().split("\r\n")
    assert [line for line in lines if line.startswith("Action:")] == ["Action: Originate"]
    assert lines.count("") == 2


@given(st.text(max_size=100))
def test_a_reason_cannot_break_what_asterisk_keeps_of_members(reason: str) -> None:
    one, session = board()

    async def pause() -> None:
        await one.pause_member("callcamp-1", ANNA, paused=True, reason=reason)

    try:
        asyncio.run(pause())
    except InvalidInput:
        assert session.asked == []
        return
    sent = dict(session.asked[0][1])["Reason"]
    assert len(sent) == len(reason)
    assert not set(sent) & set(';|,"\\\r\n\0')


async def test_a_leg_is_sent_once_even_when_nobody_knows_what_became_of_it() -> None:
    one, session = board()
    await one.call_agent(LegOrder(LEG, 7, ANNA, 5))
    with pytest.raises(SwitchTimeout):
        await one.call_agent(LegOrder(LEG, 7, ANNA, 5))
    assert len(session.sent) == 1
    text = session.sent[0].decode()
    assert f"ChannelId: {LEG}\r\n" in text
    assert "Timeout: 5000\r\n" in text
    assert "Variable: CC_LEG_DO=wait\r\n" in text
    assert "answer-after=0" in text


async def test_a_leg_that_was_refused_may_be_ordered_again() -> None:
    one, session = board(Originate="Originate failed")
    for _ in range(2):
        with pytest.raises(SwitchRefused):
            await one.call_agent(LegOrder(LEG, 7, ANNA, 5))
    assert len(session.sent) == 2


async def test_a_leg_needs_time_to_ring_and_a_mode_to_listen() -> None:
    one, session = board()
    with pytest.raises(InvalidInput):
        await one.call_agent(LegOrder(LEG, 7, ANNA, 0))
    with pytest.raises(InvalidInput):
        await one.call_agent(LegOrder(LEG, 7, ANNA, 5, spy_on=CHANNEL))
    await one.call_agent(LegOrder(LEG, 7, ANNA, 5, spy_on=CHANNEL, spy_mode=SpyMode.BARGE))
    assert f"CC_SPY_ON={CHANNEL}".encode() in session.sent[0]


async def test_a_number_behind_a_trunk_has_a_state_of_its_own() -> None:
    one, session = board()
    await one.add_member("callcamp-1", "PJSIP/+33199000000@carrier", 7, paused=False)
    await one.add_member("callcamp-1", ANNA, 8, paused=True, reason="lunch")
    outside, inside = (dict(headers) for _, headers in session.asked)
    assert outside["StateInterface"] == "Custom:cc-agent-7"
    assert "StateInterface" not in inside
    assert (inside["MemberName"], inside["Paused"], inside["Reason"]) == (
        "cc-agent-8",
        "true",
        "lunch",
    )


@pytest.mark.parametrize(
    ("answer", "error"), [("No such queue", NotFound), ("Out of memory", SwitchRefused)]
)
async def test_who_cannot_be_added(answer: str, error: type[Exception]) -> None:
    one, _ = board(QueueAdd=f"Unable to add interface to queue: {answer}")
    with pytest.raises(error):
        await one.add_member("callcamp-1", ANNA, 7, paused=False)


async def test_who_is_a_member_already_is_paused_as_asked() -> None:
    one, session = board(QueueAdd="Unable to add interface: Already there")
    await one.add_member("callcamp-1", ANNA, 7, paused=True, reason="x")
    assert [action for action, _ in session.asked] == ["QueueAdd", "QueuePause"]


@pytest.mark.parametrize("answer", ["Not there", "No such queue"])
async def test_who_is_no_member_cannot_be_removed(answer: str) -> None:
    one, _ = board(QueueRemove=f"Unable to remove interface from queue: {answer}")
    assert not await one.remove_member("callcamp-1", ANNA)
    one, _ = board(QueueRemove="Out of memory")
    with pytest.raises(SwitchRefused):
        await one.remove_member("callcamp-1", ANNA)


@pytest.mark.parametrize("stage", ["", "ring", "talk"])
async def test_only_who_waits_is_handed_over(stage: str) -> None:
    one, session = board(Getvar={"Value": stage})
    assert not await one.give_to(ATTEMPT, ANNA, 7)
    assert _claims(session) == ["asks", ""]
    assert "Redirect" not in [action for action, _ in session.asked]


def _claims(session: FakeSession) -> list[str]:
    return [
        dict(headers)["Value"]
        for _, headers in session.asked
        if dict(headers).get("Variable") == "SHARED(CC_CLAIM)"
    ]


async def test_a_hand_over_is_claimed_before_the_stage_is_read() -> None:
    one, session = board(Getvar={"Value": "wait"})
    assert await one.give_to(ATTEMPT, ANNA, 7)
    assert [action for action, _ in session.asked][:3] == ["Setvar", "Getvar", "Setvar"]
    assert _claims(session) == ["asks", "comes"]


async def test_who_was_asked_for_too_long_is_not_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(switchboard, "_CLAIM_HOLDS_S", -1.0)
    one, session = board(Getvar={"Value": "wait"})
    assert not await one.give_to(ATTEMPT, ANNA, 7)
    assert _claims(session) == ["asks", ""]


async def test_a_call_that_is_gone_is_no_error_of_asterisk() -> None:
    gone = "No such channel"
    one, _ = board(
        Getvar=gone, Hangup=gone, Redirect=gone, Setvar=gone, MuteAudio=gone, PlayDTMF=gone
    )
    assert not await one.hang_up_channel(CHANNEL)
    assert not await one.is_up(CHANNEL)
    assert not await one.give_to(ATTEMPT, ANNA, 7)
    assert not await one.join(ATTEMPT, LEG)
    for attempt in (
        one.hold(ATTEMPT, CHANNEL),
        one.unhold(ATTEMPT, CHANNEL),
        one.mute(CHANNEL, muted=True),
        one.press_keys(ATTEMPT, "1"),
        one.transfer(ATTEMPT, TransferTo.QUEUE, "q"),
        one.consult(ATTEMPT, CHANNEL, TransferTo.QUEUE, "q"),
        one.complete_consult(ATTEMPT, CHANNEL),
        one.cancel_consult(ATTEMPT, CHANNEL),
    ):
        with pytest.raises(Conflict):
            await attempt


async def test_who_is_still_on_the_way_is_moved_once_there() -> None:
    one, session = board(Getvar={"Value": ""})
    refusals = iter(["Redirect failed, channel not up.", "Redirect failed, channel not up."])
    held = iter(["", "1"])

    async def request(action: str, headers: Any = (), *, many: bool = False) -> list[Headers]:
        session.asked.append((action, tuple(headers)))
        if action == "Redirect" and (refusal := next(refusals, None)):
            raise SwitchRefused(refusal, answer=refusal)
        return [{"Value": next(held)}] if action == "Getvar" else [{}]

    session.request = request  # type: ignore[method-assign]
    await one.hold(ATTEMPT, CHANNEL)
    assert [action for action, _ in session.asked] == ["Getvar", *["Redirect"] * 3, "Getvar"]


async def test_two_orders_never_move_a_call_at_once() -> None:
    one, session = board()
    at_work = most = 0

    async def request(action: str, headers: Any = (), *, many: bool = False) -> list[Headers]:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0)
        at_work -= 1
        return [{"Value": "wait"}]

    session.request = request  # type: ignore[method-assign]
    await asyncio.gather(
        one.hold(ATTEMPT, CHANNEL),
        one.transfer(ATTEMPT, TransferTo.QUEUE, "q"),
        one.give_to(ATTEMPT, ANNA, 7),
        one.complete_consult(ATTEMPT, CHANNEL),
        one.consult(ATTEMPT, CHANNEL, TransferTo.QUEUE, "q"),
        return_exceptions=True,
    )
    assert most == 1


async def test_who_never_arrives_is_gone() -> None:
    one, _ = board(Getvar={"Value": "1"}, Redirect="Redirect failed, channel not up.")
    with pytest.raises(Conflict):
        await one.unhold(ATTEMPT, CHANNEL)


async def test_other_refusals_are_told_as_they_are() -> None:
    one, _ = board(Hangup="Permission denied", Getvar="Permission denied")
    with pytest.raises(SwitchRefused):
        await one.hang_up_channel(CHANNEL)
    with pytest.raises(SwitchRefused):
        await one.is_up(CHANNEL)


async def test_queues_with_members_of_ours_and_of_others() -> None:
    one, _ = board(
        QueueStatus=[
            {"Event": "QueueParams", "Queue": "q"},
            {
                "Event": "QueueMember",
                "Queue": "q",
                "Name": "cc-agent-7",
                "Location": ANNA,
                "Status": "1",
                "Paused": "1",
                "PausedReason": "lunch",
            },
            {"Event": "QueueMember", "Queue": "q", "Name": "Bob", "Location": "PJSIP/bob"},
            {"Event": "QueueEntry", "Queue": "q", "Position": "2", "Uniqueid": ATTEMPT},
            {"Event": "QueueEntry", "Queue": "q", "Position": "1", "Uniqueid": "1700000000.1"},
            {"Event": "QueueParams", "Queue": "empty"},
        ]
    )
    views = await one.queues()
    assert set(views) == {"q", "empty"}
    assert views["q"].waiting == (ATTEMPT,)
    assert views["q"].callers == 2
    anna, bob = views["q"].members
    assert (anna.agent_id, anna.interface, anna.status, anna.paused, anna.reason) == (
        7,
        ANNA,
        1,
        True,
        "lunch",
    )
    assert bob.agent_id is None


@pytest.mark.parametrize(
    ("state", "there"), [("NOT_INUSE", True), ("INUSE", True), ("UNAVAILABLE", False), ("", False)]
)
async def test_phones_and_trunks_are_asked_for_by_their_endpoint(state: str, there: bool) -> None:
    one, session = board(Getvar={"Value": state})
    outside = "PJSIP/+33199000000@carrier"
    assert await one.phone_states([ANNA, outside]) == {ANNA: there, outside: there}
    assert [dict(headers)["Variable"] for _, headers in session.asked] == [
        "DEVICE_STATE(PJSIP/anna)",
        "DEVICE_STATE(PJSIP/carrier)",
    ]


MEMBER = {"Queue": "q", "MemberName": "cc-agent-7", "Interface": ANNA, "Status": "6"}
TOLD = {"Event": "UserEvent", "Attempt": ATTEMPT, "AgentChannel": CHANNEL, "Channel": "PJSIP/x-1"}


@pytest.mark.parametrize(
    ("headers", "fact"),
    [
        (
            {"Event": "QueueMemberPause", **MEMBER, "Paused": "1"},
            MemberSeen(7, NOW, "q", ANNA, 6, True),
        ),
        (
            {"Event": "QueueMemberRemoved", **MEMBER, "Paused": "0"},
            MemberSeen(7, NOW, "q", ANNA, 6, False, False),
        ),
        ({"Event": "QueueMemberStatus", **MEMBER, "MemberName": "Bob"}, None),
        ({"Event": "QueueMemberStatus", **MEMBER, "MemberName": "cc-agent-x"}, None),
        (
            {"Event": "QueueCallerJoin", "Uniqueid": ATTEMPT, "Queue": "q"},
            CallerWaited(ATTEMPT, NOW, "q"),
        ),
        (
            {"Event": "QueueCallerLeave", "Uniqueid": ATTEMPT, "Queue": "q"},
            CallerLeft(ATTEMPT, NOW, "q"),
        ),
        ({"Event": "QueueCallerJoin", "Uniqueid": "1700000000.1", "Queue": "q"}, None),
        (
            {
                "Event": "AgentCalled",
                "Uniqueid": ATTEMPT,
                "DestUniqueid": CHANNEL,
                "MemberName": "cc-agent-7",
            },
            AgentCalled(ATTEMPT, 7, NOW, CHANNEL),
        ),
        ({"Event": "AgentCalled", "Uniqueid": ATTEMPT, "MemberName": "Bob"}, None),
        (
            {
                "Event": "AgentConnect",
                "Uniqueid": ATTEMPT,
                "DestUniqueid": CHANNEL,
                "MemberName": "cc-agent-7",
            },
            AgentConnected(ATTEMPT, 7, NOW, CHANNEL),
        ),
        (
            {
                "Event": "AgentRingNoAnswer",
                "Uniqueid": ATTEMPT,
                "MemberName": "cc-agent-7",
                "RingTime": "1500",
            },
            AgentMissed(ATTEMPT, 7, NOW, 1.5),
        ),
        ({"Event": "Newstate", "Uniqueid": LEG, "ChannelState": "5"}, LegRang(LEG, NOW)),
        ({"Event": "Newstate", "Uniqueid": LEG, "ChannelState": "6"}, None),
        ({"Event": "Hangup", "Uniqueid": LEG}, LegEnded(LEG, NOW)),
        (
            {"Event": "OriginateResponse", "ActionID": f"orig-{LEG}", "Response": "Failure"},
            LegEnded(LEG, NOW),
        ),
        (
            {"Event": "OriginateResponse", "ActionID": f"orig-{LEG}", "Response": "Success"},
            None,
        ),
        (
            {"Event": "UserEvent", "UserEvent": "CallcampLegAnswered", "Leg": LEG},
            LegAnswered(LEG, NOW),
        ),
        ({"Event": "UserEvent", "UserEvent": "CallcampLegAnswered", "Leg": "x"}, None),
        ({**TOLD, "UserEvent": "CallcampPerson"}, PersonReached(ATTEMPT, NOW)),
        ({**TOLD, "UserEvent": "CallcampPerson", "Attempt": "x"}, None),
        (
            {**TOLD, "UserEvent": "CallcampAgentCalled", "Member": "cc-agent-7"},
            AgentCalled(ATTEMPT, 7, NOW, CHANNEL),
        ),
        ({**TOLD, "UserEvent": "CallcampAgentCalled", "Member": ""}, None),
        (
            {**TOLD, "UserEvent": "CallcampAgentConnected", "Member": ""},
            AgentConnected(ATTEMPT, None, NOW, CHANNEL),
        ),
        ({**TOLD, "UserEvent": "CallcampAgentConnected", "AgentChannel": ""}, None),
        (
            {
                **TOLD,
                "UserEvent": "CallcampAgentMissed",
                "Member": "cc-agent-7",
                "Status": "NOANSWER",
                "RingMs": "900",
            },
            AgentMissed(ATTEMPT, 7, NOW, 0.9),
        ),
        (
            {
                **TOLD,
                "UserEvent": "CallcampAgentMissed",
                "Member": "cc-agent-7",
                "Status": "BUSY",
                "RingMs": "9",
            },
            AgentMissed(ATTEMPT, 7, NOW, 0.0),
        ),
        ({**TOLD, "UserEvent": "CallcampAgentMissed", "Member": "x"}, None),
        (
            {**TOLD, "UserEvent": "CallcampAgentLeft", "Member": "cc-agent-7"},
            AgentLeft(ATTEMPT, 7, NOW, CHANNEL),
        ),
        (
            {**TOLD, "UserEvent": "CallcampAgentLeft", "AgentChannel": LEG},
            AgentLeft(ATTEMPT, 7, NOW, LEG),
        ),
    ],
)
def test_facts_about_agents(headers: Headers, fact: AgentFact | CallEvent | None) -> None:
    assert headers["Event"].encode() in WANTED_EVENTS
    assert translate(headers, NOW) == fact
