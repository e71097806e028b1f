"""Queues and agents' phones of the simulated switch, as any AMI client sees them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from simulated_client import HANDLER, Client

from callcamp.core.outcome import Evidence, parse_evidence
from callcamp.switch.contexts import OWN_QUEUES
from callcamp.switch.simulated import CalleeModel, CalleeScript, PhoneScript, SimulatedSwitch
from callcamp.switch.simulated.asked import MODULES
from callcamp.switch.simulated.dialplan import CONTEXTS, NO_INCOMING

ROOT = Path(__file__).parents[2]
QUEUE = "callcamp-1"
CALLEES = {
    "stays": CalleeScript(after_s=0.5),
    "talks": CalleeScript(after_s=0.5, conversation_s=30.0),
    "impatient": CalleeScript(after_s=0.5, talk_s=4.0, conversation_s=60.0),
    "hears": CalleeScript(after_s=0.5, hears_s=2.5),
    "presses": CalleeScript(after_s=0.5, keys="9"),
}
PHONES = {
    "PJSIP/anna": PhoneScript(after_s=0.1),
    "PJSIP/bert": PhoneScript(after_s=0.1),
    "PJSIP/mute": PhoneScript(after_s=None),
    "PJSIP/gone": PhoneScript(registered=False),
    "PJSIP/short": PhoneScript(after_s=0.0, talk_s=5.0),
}


def by_name(number: str) -> CalleeScript | None:
    return CALLEES.get(number.partition(".")[0])


@pytest.fixture
async def switch() -> AsyncIterator[SimulatedSwitch]:
    async with SimulatedSwitch(by_number=by_name, phones=PHONES, speed=100, trunks=["lab"]) as one:
        yield one


@pytest.fixture
async def client(switch: SimulatedSwitch) -> AsyncIterator[Client]:
    one = await Client.connect(switch)
    yield one
    await one.close()


async def add(client: Client, phone: str, number: int, *, paused: bool = False) -> None:
    answer = await client.ask(
        "QueueAdd",
        f"Queue: {QUEUE}",
        f"Interface: PJSIP/{phone}",
        f"MemberName: cc-agent-{number}",
        f"Paused: {str(paused).lower()}",
    )
    assert answer["Message"] == "Added interface to queue"


def queued(
    client: Client, name: str, callee: str, wait_s: int = 20, sound: str = "sorry", **more: str
) -> None:
    client.order(
        name,
        callee,
        HANDLER,
        "CC_ROUTE=queue",
        f"CC_QUEUE={QUEUE}",
        f"CC_QUEUE_WAIT_S={wait_s}",
        "CC_ABANDON_FROM=greeting",
        f"CC_NO_AGENT={sound}",
        *(f"{key}={value}" for key, value in more.items()),
    )


async def end_of(client: Client, name: str) -> Evidence:
    told = await client.event("UserEvent", UserEvent="CallcampEnded", Attempt=name)
    return parse_evidence(told["Evidence"])


def test_contexts_modules_and_queues_are_those_of_the_files_for_admins() -> None:
    dialplan = (ROOT / "dialplan/extensions_callcamp.conf").read_text()
    modules = (ROOT / "asterisk/modules_callcamp.conf").read_text()
    queues = (ROOT / "asterisk/queues_callcamp.conf").read_text()
    assert set(re.findall(r"^\[(.+?)\]", dialplan, re.MULTILINE)) == CONTEXTS - {NO_INCOMING}
    assert set(re.findall(r"^load = (\w+)\.so", modules, re.MULTILINE)) == MODULES
    assert tuple(re.findall(r"^\[(callcamp-\d+)\]", queues, re.MULTILINE)) == OWN_QUEUES


async def test_a_queue_tells_its_story_in_asterisks_order(
    switch: SimulatedSwitch, client: Client
) -> None:
    await add(client, "anna", 7)
    queued(client, "x1", "talks")
    complete = await client.event("AgentComplete", Uniqueid="x1")
    agent = complete["DestUniqueid"]
    assert (complete["MemberName"], complete["TalkTime"], complete["Reason"]) == (
        "cc-agent-7",
        "30",
        "caller",
    )
    await client.event("Hangup", Uniqueid=agent)
    told = [
        e["Event"]
        for e in client.events
        if e.get("Queue") or (e.get("Event") == "Newchannel" and e["Uniqueid"] == agent)
    ]
    assert [name for name in told if name != "QueueMemberStatus"] == [
        "QueueMemberAdded",
        "QueueCallerJoin",
        "Newchannel",
        "AgentCalled",
        "QueueCallerLeave",
        "AgentConnect",
    ]
    states = [e["Status"] for e in client.events if e.get("Event") == "QueueMemberStatus"]
    assert states[:2] == ["6", "2"]
    connect = await client.event("AgentConnect")
    assert (connect["Linkedid"], connect["DestLinkedid"]) == ("x1", "x1")
    assert list(connect)[-5:] == ["Queue", "Interface", "MemberName", "HoldTime", "RingTime"]
    (talk,) = switch.talks()
    assert (talk.phone, talk.number) == ("PJSIP/anna", "talks")
    assert talk.ended_s is not None
    assert talk.ended_s - talk.began_s == pytest.approx(30)


async def test_who_waits_is_looked_at_once_a_second(client: Client) -> None:
    await add(client, "anna", 7, paused=True)
    queued(client, "x1", "stays", wait_s=30)
    await client.event("QueueCallerJoin", Uniqueid="x1")
    await client.ask("QueuePause", f"Queue: {QUEUE}", "Interface: PJSIP/anna", "Paused: false")
    await client.event("AgentConnect", Uniqueid="x1")
    await client.ask("Hangup", "Channel: x1")
    waited = (await end_of(client, "x1")).waited_s
    assert waited is not None
    # One tenth for the phone: what is left are whole seconds.
    assert waited >= 1.1
    assert (waited - 0.1) % 1 == pytest.approx(0, abs=0.005)


async def test_who_waits_longest_is_first_and_who_is_free_longest_talks_next(
    switch: SimulatedSwitch, client: Client
) -> None:
    for name in ("x1", "x2"):
        queued(client, name, f"stays.{name}", wait_s=60)
        await client.event("QueueCallerJoin", Uniqueid=name)
    await add(client, "anna", 1)
    assert (await client.event("AgentConnect"))["Uniqueid"] == "x1"
    await client.ask("Hangup", "Channel: x1")
    assert (await client.event("AgentConnect"))["Uniqueid"] == "x2"
    await client.ask("Hangup", "Channel: x2")
    await client.event("AgentComplete", Uniqueid="x2")
    await add(client, "bert", 2)
    queued(client, "x3", "stays")
    assert (await client.event("AgentConnect"))["MemberName"] == "cc-agent-2"
    assert [talk.phone for talk in switch.talks()] == ["PJSIP/anna", "PJSIP/anna", "PJSIP/bert"]


async def test_a_phone_that_is_not_answered_rings_until_the_next_one(client: Client) -> None:
    await add(client, "mute", 1)
    queued(client, "x1", "stays", wait_s=60, CC_AGENT_RING_S="15")
    missed = await client.event("AgentRingNoAnswer")
    assert (missed["MemberName"], missed["RingTime"]) == ("cc-agent-1", "15000")
    # Asterisk itself would ring the same phone again and again.
    await client.ask("QueuePause", f"Queue: {QUEUE}", "Interface: PJSIP/mute", "Paused: true")
    await add(client, "anna", 2)
    assert (await client.event("AgentConnect", Uniqueid="x1"))["MemberName"] == "cc-agent-2"


async def test_a_phone_that_is_not_registered_is_not_rung_until_it_is(
    switch: SimulatedSwitch, client: Client
) -> None:
    await add(client, "gone", 1)
    assert (await client.event("QueueMemberAdded"))["Status"] == "5"
    state = await client.ask("Getvar", "Variable: DEVICE_STATE(PJSIP/gone)")
    assert state["Value"] == "UNAVAILABLE"
    queued(client, "x1", "stays", wait_s=3)
    assert (await end_of(client, "x1")).abandoned is True
    assert not [e for e in client.events if e.get("Event") == "AgentCalled"]
    switch.set_phone("PJSIP/gone", PhoneScript())
    await client.event("QueueMemberStatus", Status="1")
    queued(client, "x2", "stays")
    await client.event("AgentConnect", Uniqueid="x2")


async def test_who_finds_no_agent_hears_a_message_and_may_refuse_more_calls(
    client: Client,
) -> None:
    for name in ("hears", "presses", "stays"):
        queued(client, name, name, wait_s=2)
    hears = await end_of(client, "hears")
    assert (hears.abandoned, hears.waited_s, hears.agent) == (True, 2.0, None)
    # Two seconds of detection, two of waiting, then as long as the person listens.
    assert hears.talk_s == pytest.approx(6.5, abs=0.01)
    assert hears.played is None
    presses = await end_of(client, "presses")
    assert (presses.abandoned, presses.dtmf, presses.played) == (True, "9", "no_agent")
    stays = await end_of(client, "stays")
    assert (stays.abandoned, stays.dtmf, stays.played) == (True, None, "no_agent")
    assert (await client.event("QueueCallerAbandon", Uniqueid="hears"))["HoldTime"] == "2"


async def test_patience_ends_with_an_agent_or_without(client: Client) -> None:
    queued(client, "x1", "impatient", wait_s=60)
    alone = await end_of(client, "x1")
    # Not given up by us: the person hung up after more than two seconds of waiting.
    assert (alone.abandoned, alone.agent, alone.talk_s) == (None, None, 4.0)
    await add(client, "anna", 3)
    queued(client, "x2", "impatient.2")
    met = await end_of(client, "x2")
    assert met.agent == "cc-agent-3"
    assert met.talk_s == pytest.approx(62, abs=1.5)


async def test_an_agent_hangs_up_by_herself_or_when_told(
    switch: SimulatedSwitch, client: Client
) -> None:
    await add(client, "short", 1)
    queued(client, "x1", "stays")
    by_herself = await client.event("AgentComplete", Uniqueid="x1")
    assert (by_herself["Reason"], by_herself["TalkTime"]) == ("agent", "5")
    assert "DestUniqueid" not in by_herself
    await client.ask("QueueRemove", f"Queue: {QUEUE}", "Interface: PJSIP/short")
    await add(client, "anna", 2)
    queued(client, "x2", "stays.2")
    await client.event("AgentConnect", Uniqueid="x2")
    assert switch.hang_up_phone("PJSIP/anna") == 1
    assert (await client.event("AgentComplete", Uniqueid="x2"))["Reason"] == "agent"
    left = await client.event("UserEvent", UserEvent="CallcampAgentLeft", Attempt="x2")
    assert left["Member"] == "cc-agent-2"
    assert (await end_of(client, "x2")).agent == "cc-agent-2"


async def test_lists_of_queues(client: Client) -> None:
    await add(client, "anna", 1)
    await add(client, "bert", 2, paused=True)
    queued(client, "x1", "stays")
    await client.event("AgentConnect", Uniqueid="x1")
    queued(client, "x2", "stays.2", wait_s=600)
    await client.event("QueueCallerJoin", Uniqueid="x2")
    items = await client.listed("QueueStatus", f"Queue: {QUEUE}")
    assert [item["Event"] for item in items] == [
        "QueueParams",
        "QueueMember",
        "QueueMember",
        "QueueEntry",
    ]
    assert [(i["Status"], i["Paused"], i["InCall"]) for i in items[1:3]] == [
        ("2", "0", "1"),
        ("1", "1", "0"),
    ]
    assert (items[3]["Uniqueid"], items[3]["Position"]) == ("x2", "1")
    (summary,) = await client.listed("QueueSummary", f"Queue: {QUEUE}")
    assert (summary["LoggedIn"], summary["Available"], summary["Callers"]) == ("2", "0", "1")
    assert len(await client.listed("QueueStatus")) == len(OWN_QUEUES) + 3


@pytest.mark.parametrize(
    ("action", "headers", "words"),
    [
        ("QueueAdd", ("Interface: PJSIP/anna",), "'Queue' not specified."),
        ("QueueAdd", (f"Queue: {QUEUE}",), "'Interface' not specified."),
        (
            "QueueAdd",
            ("Queue: nope", "Interface: PJSIP/anna"),
            "Unable to add interface to queue: No such queue",
        ),
        (
            "QueueRemove",
            (f"Queue: {QUEUE}", "Interface: PJSIP/anna"),
            "Unable to remove interface: Not there",
        ),
        ("QueuePause", ("Interface: PJSIP/anna", "Paused: true"), "Interface not found"),
        ("Redirect", ("Channel: none", "Context: x"), "Channel does not exist: none"),
        ("PlayDTMF", ("Channel: none", "Digit: 1"), "Channel not found"),
        ("Status", ("Channel: none",), "No such channel"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_asterisks_words(
    client: Client, action: str, headers: tuple[str, ...], words: str
) -> None:
    assert (await client.ask(action, *headers))["Message"] == words


async def test_members_outlive_a_restart_and_callers_do_not(
    switch: SimulatedSwitch, client: Client
) -> None:
    await add(client, "anna", 1, paused=True)
    queued(client, "x1", "stays", wait_s=600)
    await client.event("QueueCallerJoin", Uniqueid="x1")
    await switch.restart()
    after = await Client.connect(switch)
    _, member = await after.listed("QueueStatus", f"Queue: {QUEUE}")
    assert (member["Name"], member["Paused"]) == ("cc-agent-1", "1")
    queued(after, "x2", "stays.2", wait_s=2)
    assert (await end_of(after, "x2")).abandoned is True
    await after.close()


def test_a_population_talks_with_agents_as_it_is_told() -> None:
    model = CalleeModel(
        answer=1.0,
        busy=0,
        rejected=0,
        invalid=0,
        unavailable=0,
        congestion=0,
        silent=0,
        machine=0.0,
        conversation_mean_s=45.0,
        conversation_cv=0.5,
    )
    random = Random(5)
    drawn = [model.draw(random).conversation_s for _ in range(4000)]
    assert None not in drawn
    assert sum(filter(None, drawn)) / 4000 == pytest.approx(45, rel=0.05)


async def test_many_agents_and_switch_and_evidence_agree() -> None:
    model = CalleeModel(
        answer=0.8,
        busy=0.0,
        unavailable=0.0,
        machine=0.1,
        conversation_mean_s=80.0,
        ring_mean_s=4.0,
    )
    async with SimulatedSwitch(behaviour=model, seed=11, speed=100, trunks=["lab"]) as switch:
        client = await Client.connect(switch)
        for number in range(1, 31):
            await add(client, f"agent{number}", number)
        for number in range(150):
            queued(client, f"x{number}", f"+33{number:06d}", wait_s=2)
        ends: dict[str, Evidence] = {}
        while len(ends) < 150:
            block = await client.block()
            if block.get("UserEvent") == "CallcampEnded":
                ends[block["Attempt"]] = parse_evidence(block["Evidence"])
        await client.close()
        talks = switch.talks()
    met = {name: end.agent for name, end in ends.items() if end.agent}
    assert len(talks) == len(met)
    assert {t.number: t.phone.replace("PJSIP/agent", "cc-agent-") for t in talks} == {
        f"+33{int(name[1:]):06d}": agent for name, agent in met.items()
    }
    # With 120 people at once for 30 agents some must go away empty.
    assert sum(end.abandoned is True for end in ends.values()) > 10
    busy_until: dict[str, float] = {}
    for talk in sorted(talks, key=lambda talk: talk.began_s):
        assert talk.ended_s is not None
        assert busy_until.get(talk.phone, 0.0) <= talk.began_s
        busy_until[talk.phone] = talk.ended_s
    assert all(end.waited_s <= 2.5 for end in ends.values() if end.abandoned and end.waited_s)
