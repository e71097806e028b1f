"""Agents on a real Asterisk, where only a real one can tell: who hears whom, and who is left.

Who talks to whom is read over an AMI session of its own, from Asterisk's bridges.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from lab_kit import lab_named

from callcamp.core.agent_events import (
    AgentCalled,
    AgentConnected,
    AgentLeft,
    AgentMissed,
    CallerWaited,
    LegAnswered,
    LegEnded,
    PersonReached,
    ThirdLeft,
)
from callcamp.core.events import CallEnded, EvidenceSeen, LinkDown, LinkUp
from callcamp.core.outcome import Disposition, Evidence, classify
from callcamp.errors import Conflict
from callcamp.lab import (
    Ami,
    LabInfo,
    agent_interface,
    number_for,
    restart_asterisk,
)
from callcamp.ports import CallOrder
from callcamp.ports.switchboard import LegOrder, SpyMode, TransferTo
from callcamp.switch import leg_id
from callcamp.switch.ami import AmiGateway, Backoff
from callcamp.switch.switchboard import AmiSwitchboard

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(120)]

RING_S = 8
PATIENCE_S = 40
_agents = count(1)
_indexes = count(11)
_queues = count(1)


@pytest.fixture(scope="module")
def lab() -> Iterator[LabInfo]:
    with lab_named("agents") as info:
        yield info


@dataclass
class Floor:
    """A lab with agents, a gateway to it, and all that the gateway has told."""

    lab: LabInfo
    gateway: AmiGateway
    facts: list[Any] = field(default_factory=list)

    @property
    def board(self) -> AmiSwitchboard:
        return self.gateway.switchboard

    async def read(self) -> None:
        async for fact in self.gateway.events():
            self.facts.append(fact)

    def ami(self) -> Ami:
        lab = self.lab
        return Ami(lab.ami_host, lab.ami_port, lab.ami_username, lab.ami_secret)

    async def channels(self) -> dict[str, dict[str, str]]:
        """Every channel of Asterisk by its unique id."""

        def read() -> dict[str, dict[str, str]]:
            with self.ami() as ami:
                items = ami.listed("CoreShowChannels", "CoreShowChannelsComplete")
            return {item["Uniqueid"]: item for item in items}

        return await asyncio.to_thread(read)

    async def together(self, *channel_ids: str) -> bool:
        """Whether these channels, and no others, are in one bridge."""
        channels = await self.channels()
        bridges = {channels[i]["BridgeId"] for i in channel_ids if i in channels}
        if len(bridges) != 1 or bridges == {""} or not set(channel_ids) <= set(channels):
            return False
        (bridge,) = bridges
        inside = {i for i, one in channels.items() if one["BridgeId"] == bridge}
        return inside == set(channel_ids)

    async def until(self, what: str, is_so: Callable[[], Any]) -> Any:
        limit = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            found = is_so()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            assert asyncio.get_running_loop().time() < limit, f"never came true: {what}"
            await asyncio.sleep(0.03)

    async def talk_together(self, *channel_ids: str) -> None:
        await self.until(f"{channel_ids} talk", lambda: self.together(*channel_ids))

    async def told(self, kind: type, **fields: object) -> Any:
        """Wait for a fact of a kind with these fields; return it."""

        def fitting() -> Any:
            for one in self.facts:
                if isinstance(one, kind) and all(
                    getattr(one, name) == value for name, value in fields.items()
                ):
                    return one
            return None

        return await self.until(f"{kind.__name__} {fields}", fitting)

    async def call(self, slug: str = "person", **variables: str) -> str:
        attempt_id = f"cc-{uuid4().hex}"
        number = number_for(slug, next(_indexes))
        order = CallOrder(
            attempt_id,
            f"PJSIP/{number}@{self.lab.trunk}",
            RING_S,
            variables={"CC_DETECT": "0", "CC_MUSIC": "default", **variables},
        )
        await self.gateway.originate(order)
        return attempt_id

    async def queued(
        self, queue: str, wait_s: int = 20, slug: str = "person", **variables: str
    ) -> str:
        return await self.call(
            slug,
            CC_ROUTE="queue",
            CC_QUEUE=queue,
            CC_QUEUE_WAIT_S=str(wait_s),
            **{"CC_ABANDON_FROM": "greeting", **variables},
        )

    def new_queue(self) -> str:
        return f"callcamp-{next(_queues) % 40 + 1}"

    async def member(self, queue: str, interface: str, *, paused: bool = False) -> int:
        agent_id = next(_agents)
        await self.board.add_member(queue, interface, agent_id, paused=paused)
        return agent_id

    async def leg(self, interface: str, **more: Any) -> str:
        agent_id = next(_agents)
        one = leg_id(agent_id, uuid4().hex)
        await self.board.call_agent(LegOrder(one, agent_id, interface, 10, **more))
        await self.told(LegAnswered, leg_id=one)
        return one

    async def talk(self, queue: str | None = None) -> tuple[str, str]:
        """A contact and an agent of a queue who talk: attempt id, agent's channel."""
        queue = queue or self.new_queue()
        await self.member(queue, agent_interface(1))
        attempt_id = await self.queued(queue)
        channel = (await self.told(AgentConnected, attempt_id=attempt_id)).channel_id
        await self.talk_together(attempt_id, channel)
        return attempt_id, channel

    async def ended(self, attempt_id: str) -> Evidence:
        """Wait for the end of a call; return all that was told of it."""
        await self.told(CallEnded, attempt_id=attempt_id)
        evidence = Evidence()
        for one in self.facts:
            if isinstance(one, EvidenceSeen | CallEnded) and one.attempt_id == attempt_id:
                evidence = evidence.merged(one.evidence)
        return evidence

    async def nobody_left(self) -> None:
        await self.until("no channel is left", self._empty)

    async def _empty(self) -> bool:
        return not await self.channels()


def new_gateway(lab: LabInfo, instance: str = "") -> AmiGateway:
    return AmiGateway(
        host=lab.ami_host,
        port=lab.ami_port,
        username=lab.ami_username,
        secret=lab.ami_secret,
        connect_timeout_s=10.0,
        backoff=Backoff(first_s=0.05, cap_s=0.3),
        instance=instance,
    )


@contextlib.asynccontextmanager
async def opened(lab: LabInfo) -> AsyncIterator[Floor]:
    floor = Floor(lab, new_gateway(lab))
    reader = asyncio.create_task(floor.read())
    try:
        await floor.gateway.start()
        yield floor
    finally:
        await floor.gateway.close()
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


@pytest.fixture
async def floor(lab: LabInfo) -> AsyncIterator[Floor]:
    async with opened(lab) as one:
        yield one
    async with opened(lab) as tidy:
        for channel_id in await tidy.gateway.live_calls():
            await tidy.board.hang_up_channel(channel_id)
        for queue in (await tidy.board.queues()).values():
            for member in queue.members:
                await tidy.board.remove_member(queue.name, member.interface)
        await tidy.nobody_left()
        await tidy.gateway.delete_from_outbox(list(await tidy.gateway.outbox()))


def disposition(evidence: Evidence) -> Disposition:
    return classify(evidence, ring_timeout_s=RING_S)


async def test_the_wait_of_who_hears_an_announcement_counts_from_the_answer(
    floor: Floor,
) -> None:
    # the message alone takes more than three seconds
    attempt_id = await floor.queued(
        floor.new_queue(), wait_s=6, CC_ANNOUNCE=floor.lab.machine_message_sound
    )
    await floor.told(CallerWaited, attempt_id=attempt_id, announced=True)
    channels = await floor.channels()
    assert channels[attempt_id]["Application"] == "Playback"
    await floor.told(CallerWaited, attempt_id=attempt_id, announced=False)
    evidence = await floor.ended(attempt_id)
    assert evidence.abandoned
    assert evidence.waited_s is not None
    # else it would be nine
    assert 5.4 < evidence.waited_s < 9


async def test_nobody_who_has_an_agent_hears_the_announcement_to_its_end(floor: Floor) -> None:
    attempt_id = await floor.queued(
        floor.new_queue(), wait_s=20, CC_ANNOUNCE=floor.lab.prompt_sound
    )
    await floor.told(CallerWaited, attempt_id=attempt_id, announced=True)
    leg = await floor.leg(agent_interface(1))
    assert (await floor.channels())[attempt_id]["Application"] == "Playback"
    assert await floor.board.join(attempt_id, leg)
    await floor.told(AgentConnected, attempt_id=attempt_id, channel_id=leg)
    await floor.talk_together(attempt_id, leg)
    assert not await floor.board.join(attempt_id, leg)
    assert not await floor.board.give_to(attempt_id, agent_interface(2), next(_agents))
    assert not any(isinstance(one, CallerWaited) and not one.announced for one in floor.facts)
    await floor.gateway.hang_up(attempt_id)
    evidence = await floor.ended(attempt_id)
    assert evidence.waited_s is not None
    # the prompt takes more than seven seconds
    assert evidence.waited_s < 7


@pytest.mark.parametrize("given", [False, True])
async def test_who_answers_for_an_agent_just_logged_out_takes_nobody_along(
    floor: Floor, given: bool
) -> None:
    """callcamp has said that the phone is to ring no more, and the answer came first."""
    queue, late = floor.new_queue(), agent_interface(1, "late")
    agent = await floor.member(queue, late, paused=given)
    attempt_id = await floor.queued(queue)
    await floor.told(CallerWaited, attempt_id=attempt_id)
    if given:
        assert await floor.board.give_to(attempt_id, late, agent)
    channel = (await floor.told(AgentCalled, attempt_id=attempt_id)).channel_id
    await floor.board.remove_member(queue, late)
    assert await floor.board._set(channel, {"CC_TAKEN": "1"})

    async def gone() -> bool:
        return channel not in await floor.channels()

    await floor.until("the phone is hung up", gone)
    other = await floor.member(queue, agent_interface(2))
    talk = await floor.told(AgentConnected, attempt_id=attempt_id, agent_id=other)
    await floor.talk_together(attempt_id, talk.channel_id)
    await floor.gateway.hang_up(attempt_id)
    evidence = await floor.ended(attempt_id)
    assert evidence.agent == f"cc-agent-{other}"
    assert not evidence.abandoned


async def test_who_was_handed_over_after_that_does_not_wait_again_after_the_talk(
    floor: Floor,
) -> None:
    """callcamp's order came in the moment in which the answer had made way."""
    agent = next(_agents)
    attempt_id = await floor.queued(floor.new_queue())
    await floor.told(CallerWaited, attempt_id=attempt_id)
    assert await floor.board._set(attempt_id, {"SHARED(CC_AGAIN)": "1"})
    assert await floor.board.give_to(attempt_id, agent_interface(1), agent)
    talk = await floor.told(AgentConnected, attempt_id=attempt_id, agent_id=agent)
    await floor.talk_together(attempt_id, talk.channel_id)
    await floor.board.hang_up_channel(talk.channel_id)
    evidence = await floor.ended(attempt_id)
    assert evidence.agent == f"cc-agent-{agent}"
    assert not any(isinstance(one, AgentMissed) for one in floor.facts)


async def test_a_key_during_the_sound_for_whom_nobody_was_free_is_kept(floor: Floor) -> None:
    attempt_id = await floor.queued(
        floor.new_queue(), 2, "presses_key", CC_NO_AGENT=floor.lab.prompt_sound
    )
    evidence = await floor.ended(attempt_id)
    assert (evidence.dtmf, evidence.played, evidence.abandoned) == ("1", "no_agent", True)
    assert disposition(evidence) is Disposition.ABANDONED


@pytest.mark.parametrize("since", ["answer", "greeting"])
async def test_the_wait_counts_from_where_the_law_counts_it(floor: Floor, since: str) -> None:
    attempt_id = await floor.queued(
        floor.new_queue(), 2, CC_DETECT="1", CC_ABANDON_FROM=since, CC_NO_AGENT=""
    )
    evidence = await floor.ended(attempt_id)
    assert evidence.amd_status == "HUMAN"
    assert evidence.talk_s is not None
    assert evidence.waited_s is not None
    assert evidence.abandoned
    assert (evidence.talk_s - evidence.waited_s < 0.5) == (since == "answer")


async def test_a_machine_meets_no_agent(floor: Floor) -> None:
    queue = floor.new_queue()
    await floor.member(queue, agent_interface(1))
    attempt_id = await floor.queued(queue, 2, "voicemail", CC_DETECT="1")
    evidence = await floor.ended(attempt_id)
    assert disposition(evidence) is Disposition.VOICEMAIL
    assert (evidence.agent, evidence.waited_s, evidence.abandoned) == (None, None, None)
    assert not any(isinstance(one, AgentCalled | PersonReached) for one in floor.facts)


async def test_a_burst_of_persons_gives_each_agent_one(floor: Floor) -> None:
    queue = floor.new_queue()
    for index in range(1, 6):
        await floor.member(queue, agent_interface(index))
    attempts = [await floor.queued(queue, 3, CC_NO_AGENT="") for _ in range(12)]
    for attempt_id in attempts:
        await floor.told(CallerWaited, attempt_id=attempt_id)
    for attempt_id in attempts:
        if not any(
            isinstance(one, AgentConnected) and one.attempt_id == attempt_id for one in floor.facts
        ):
            continue
        await floor.told(AgentConnected, attempt_id=attempt_id)
    connected = Counter(one.agent_id for one in floor.facts if isinstance(one, AgentConnected))
    await floor.until(
        "five are connected, the others were given up",
        lambda: sum(isinstance(one, CallEnded) for one in floor.facts) == len(attempts) - 5,
    )
    connected = Counter(one.agent_id for one in floor.facts if isinstance(one, AgentConnected))
    assert list(connected.values()) == [1] * 5


async def test_phones_that_may_answer_by_themselves_are_told_so(floor: Floor) -> None:
    attempt_id, channel = await floor.talk()
    leg = await floor.leg(agent_interface(2))
    log = await asyncio.to_thread(floor.lab.agents_log.read_text)
    last = {line.split()[1]: line for line in log.splitlines() if line.startswith("INVITE")}
    for name in ("agent-1", "agent-2"):
        assert last[name].endswith("answer-after=0")
    assert await floor.board.is_up(leg)
    assert await floor.board.is_up(channel)
    await floor.gateway.hang_up(attempt_id)


async def test_an_agent_behind_a_trunk_works_as_others_do(floor: Floor) -> None:
    outside = f"PJSIP/{number_for('person', 390)}@{floor.lab.trunk}"
    assert await floor.board.phone_states([outside]) == {outside: True}
    queue = floor.new_queue()
    agent_id = await floor.member(queue, outside)
    attempt_id = await floor.queued(queue)
    fact = await floor.told(AgentConnected, attempt_id=attempt_id)
    assert fact.agent_id == agent_id
    await floor.talk_together(attempt_id, fact.channel_id)
    leg = await floor.leg(f"PJSIP/{number_for('person', 391)}@{floor.lab.trunk}")
    assert await floor.board.is_up(leg)


async def test_who_is_on_hold_hears_music_and_nobody_hears_them(floor: Floor) -> None:
    attempt_id, channel = await floor.talk()
    for _ in range(2):
        await floor.board.hold(attempt_id, channel)

        async def held() -> bool:
            channels = await floor.channels()
            return (
                channels[attempt_id]["Application"] == "MusicOnHold"
                and channels[channel]["Application"] == "BridgeWait"
                and not channels[attempt_id]["BridgeId"]
            )

        await floor.until("contact hears music, agent waits", held)
        await floor.board.unhold(attempt_id, channel)
        await floor.talk_together(attempt_id, channel)
    assert not any(isinstance(one, AgentLeft) for one in floor.facts)
    await floor.board.transfer(
        attempt_id, TransferTo.NUMBER, f"PJSIP/{number_for('person', 300)}@{floor.lab.trunk}"
    )
    await floor.told(AgentLeft, attempt_id=attempt_id, channel_id=channel)
    assert not await floor.board.is_up(channel)
    await floor.until("contact talks to the number", lambda: _pairs(floor, attempt_id))


async def _pairs(floor: Floor, attempt_id: str) -> str | None:
    """The one other channel with which a contact is in a bridge."""
    channels = await floor.channels()
    bridge = channels.get(attempt_id, {}).get("BridgeId", "")
    others = [i for i, one in channels.items() if one["BridgeId"] == bridge and i != attempt_id]
    return others[0] if bridge and len(others) == 1 else None


async def test_hasty_fingers_end_no_call(floor: Floor) -> None:
    attempt_id, channel = await floor.talk()
    for _ in range(10):
        await floor.board.hold(attempt_id, channel)
        await floor.board.unhold(attempt_id, channel)
    for _ in range(5):
        await asyncio.gather(
            floor.board.hold(attempt_id, channel),
            floor.board.unhold(attempt_id, channel),
            floor.board.unhold(attempt_id, channel),
            floor.board.hold(attempt_id, channel),
            return_exceptions=True,
        )
    await floor.board.unhold(attempt_id, channel)
    await floor.talk_together(attempt_id, channel)
    await floor.gateway.hang_up(attempt_id)
    await floor.ended(attempt_id)
    assert attempt_id in await floor.gateway.outbox()


@pytest.mark.parametrize("way", ["queue", "leg"])
async def test_a_contact_is_handed_on_after_a_word(floor: Floor, way: str) -> None:
    if way == "queue":
        attempt_id, channel = await floor.talk()
    else:
        channel = await floor.leg(agent_interface(1))
        attempt_id = await floor.call(CC_ROUTE="leg", CC_LEG=channel)
        await floor.talk_together(attempt_id, channel)
    third = f"PJSIP/{number_for('person', 301)}@{floor.lab.trunk}"
    await floor.board.consult(attempt_id, channel, TransferTo.NUMBER, third)
    other = await floor.until("agent asks", lambda: _pairs(floor, channel))
    assert other != attempt_id
    await floor.board.complete_consult(attempt_id, channel)
    await floor.talk_together(attempt_id, other)
    await floor.told(AgentLeft, attempt_id=attempt_id, channel_id=channel)
    assert await floor.board.is_up(channel) == (way == "leg")
    if way == "leg":
        second = await floor.call(CC_ROUTE="leg", CC_LEG=channel)
        await floor.talk_together(second, channel)
        assert await floor.together(attempt_id, other)


@pytest.mark.parametrize("end", ["contact", "agent", "third"])
async def test_nobody_is_left_when_one_of_three_goes(floor: Floor, end: str) -> None:
    attempt_id, channel = await floor.talk()
    third = f"PJSIP/{number_for('person', 302)}@{floor.lab.trunk}"
    await floor.board.consult(attempt_id, channel, TransferTo.NUMBER, third)
    other = await floor.until("agent asks", lambda: _pairs(floor, channel))
    await floor.board.hang_up_channel(
        {"contact": attempt_id, "agent": channel, "third": other}[end]
    )
    if end == "third":
        # the agent is alone on the line, and goes back to the contact
        await floor.told(ThirdLeft, attempt_id=attempt_id, channel_id=channel)
        await floor.until("third is gone", lambda: _is_gone(floor, other))
        await floor.board.cancel_consult(attempt_id, channel)
        await floor.talk_together(attempt_id, channel)
        await floor.gateway.hang_up(attempt_id)
    evidence = await floor.ended(attempt_id)
    assert evidence.agent is not None
    await floor.nobody_left()
    assert attempt_id in await floor.gateway.outbox()


async def _is_gone(floor: Floor, channel_id: str) -> bool:
    return channel_id not in await floor.channels()


async def test_a_muted_agent_is_heard_again_by_the_next_contact(floor: Floor) -> None:
    leg = await floor.leg(agent_interface(1, "speaks"))
    attempt_id = await floor.call(CC_ROUTE="leg", CC_LEG=leg)
    await floor.talk_together(attempt_id, leg)
    await floor.board.mute(leg, muted=True)
    await floor.board.press_keys(attempt_id, "1*#")
    await floor.gateway.hang_up(attempt_id)
    await floor.told(AgentLeft, attempt_id=attempt_id, channel_id=leg)
    second = await floor.call(CC_ROUTE="leg", CC_LEG=leg)
    await floor.talk_together(second, leg)


@pytest.mark.parametrize("mode", list(SpyMode))
async def test_a_supervisor_follows_an_agent_on_the_line_over_calls(
    floor: Floor, mode: SpyMode
) -> None:
    leg = await floor.leg(agent_interface(1))
    spy = await floor.leg(agent_interface(2), spy_on=leg, spy_mode=mode)
    for _ in range(2):
        attempt_id = await floor.call(CC_ROUTE="leg", CC_LEG=leg)
        await floor.talk_together(attempt_id, leg)
        channels = await floor.channels()
        assert channels[spy]["Application"] == "ChanSpy"
        await floor.gateway.hang_up(attempt_id)
        await floor.ended(attempt_id)
    await floor.board.hang_up_channel(leg)
    await floor.told(LegEnded, leg_id=spy)


async def test_a_phone_is_tested_by_its_echo(floor: Floor) -> None:
    leg = await floor.leg(agent_interface(1), variables={"CC_LEG_DO": "echo"})
    assert (await floor.channels())[leg]["Application"] == "Echo"


@pytest.mark.parametrize("slug", ["silent", "busy"])
async def test_an_agent_who_does_not_answer_is_told_of(floor: Floor, slug: str) -> None:
    queue = floor.new_queue()
    agent_id = await floor.member(queue, agent_interface(1, slug))
    attempt_id = await floor.queued(queue, 2, CC_NO_AGENT="")
    missed = await floor.told(AgentMissed, attempt_id=attempt_id, agent_id=agent_id)
    assert (missed.ring_s > 1) == (slug == "silent")
    evidence = await floor.ended(attempt_id)
    assert (evidence.agent, evidence.abandoned) == (None, True)


@pytest.mark.parametrize("what", ["removed", "never"])
async def test_in_a_queue_that_is_not_there_nobody_waits_for_ever(floor: Floor, what: str) -> None:
    if what == "never":
        attempt_id = await floor.queued("nobody-made-this", 60, CC_NO_AGENT="")
        evidence = await floor.ended(attempt_id)
        assert evidence.abandoned
        return
    path = floor.lab.run_dir / "etc" / "queues_callcamp.conf"
    text = path.read_text()
    assert "[callcamp-40](callcamp-queue)" in text
    attempt_id = await floor.queued("callcamp-40", 5, CC_NO_AGENT="")
    await floor.told(CallerWaited, attempt_id=attempt_id)

    def reload() -> None:
        with floor.ami() as ami:
            ami.action("QueueReload", Queue="callcamp-40", Members="no", Rules="no")

    path.write_text(text.replace("[callcamp-40](callcamp-queue)", ""))
    try:
        await asyncio.to_thread(reload)
        evidence = await floor.ended(attempt_id)
    finally:
        path.write_text(text)
        await asyncio.to_thread(reload)
    assert evidence.abandoned
    await floor.until("the queue is back", lambda: _has_queue(floor, "callcamp-40"))


async def _has_queue(floor: Floor, name: str) -> bool:
    return name in await floor.board.queues()


async def test_with_callcamp_gone_every_person_gets_an_end(lab: LabInfo, floor: Floor) -> None:
    agent_id = await floor.member("callcamp-2", agent_interface(1))
    waiting = await floor.queued("callcamp-3", 4, CC_NO_AGENT=lab.machine_message_sound)
    talking = await floor.queued("callcamp-2")
    channel = (await floor.told(AgentConnected, attempt_id=talking)).channel_id
    leg = await floor.leg(agent_interface(2))
    held = await floor.call(CC_ROUTE="leg", CC_LEG=leg)
    await floor.talk_together(held, leg)
    await floor.board.hold(held, leg)
    late = await floor.call("late_answer", CC_ROUTE="leg", CC_LEG=leg_id(99, "0" * 16))
    await floor.gateway.close()

    def end(channel_id: str) -> None:
        with floor.ami() as ami:
            ami.action("Hangup", Channel=channel_id)

    # the agents put their phones down
    await asyncio.to_thread(end, channel)
    await asyncio.to_thread(end, leg)
    await floor.nobody_left()
    async with opened(lab) as again:
        outbox = await again.gateway.outbox()
        assert {waiting, talking, held, late} <= set(outbox)
        assert outbox[waiting].abandoned
        assert outbox[waiting].played == "no_agent"
        assert outbox[late].abandoned
        assert outbox[talking].agent == f"cc-agent-{agent_id}"
        assert outbox[held].agent is not None


async def test_a_cut_link_cuts_no_talk_and_what_was_missed_can_be_asked_for(
    lab: LabInfo, floor: Floor
) -> None:
    queue = floor.new_queue()
    attempt_id, channel = await floor.talk(queue)
    waiting = await floor.queued(queue)
    await floor.told(CallerWaited, attempt_id=waiting)
    session = floor.gateway._keeper.session
    assert session is not None
    floor.facts.clear()
    session.fail("The test cut the link.")
    await floor.told(LinkDown)
    await floor.told(LinkUp)
    assert await floor.together(attempt_id, channel)
    assert await floor.board.is_up(channel)
    view = (await floor.board.queues())[queue]
    assert view.waiting == (waiting,)
    (member,) = view.members
    assert (member.interface, member.status) == (agent_interface(1), 2)
    await floor.board.hold(attempt_id, channel)
    await floor.board.unhold(attempt_id, channel)
    await floor.talk_together(attempt_id, channel)
    await floor.gateway.hang_up(attempt_id)
    # the queue itself finds the agent who got free
    await floor.told(AgentConnected, attempt_id=waiting)


async def test_members_and_reasons_outlive_asterisk(lab: LabInfo, floor: Floor) -> None:
    queue = floor.new_queue()
    agent_id = await floor.member(queue, agent_interface(3))
    reason = 'lunch; then | a "walk", back at 2'
    await floor.board.pause_member(queue, agent_interface(3), paused=True, reason=reason)
    before = (await floor.board.queues())[queue].members
    assert before[0].paused
    await asyncio.to_thread(restart_asterisk, lab, kill=False)
    await floor.told(LinkDown)
    await floor.until("the link is back", lambda: floor.gateway.link_up)

    async def as_before() -> bool:
        members = (await floor.board.queues())[queue].members
        return [(one.agent_id, one.interface, one.paused) for one in members] == [
            (agent_id, agent_interface(3), True)
        ]

    await floor.until("the member is there, and paused", as_before)


async def test_who_was_to_meet_an_agent_who_has_left_waits_on(floor: Floor) -> None:
    attempt_id = await floor.queued(floor.new_queue(), wait_s=5, CC_ANNOUNCE=floor.lab.prompt_sound)
    await floor.told(CallerWaited, attempt_id=attempt_id, announced=True)
    assert await floor.board.join(attempt_id, leg_id(99, "0" * 16))
    await floor.told(CallerWaited, attempt_id=attempt_id, announced=False)
    evidence = await floor.ended(attempt_id)
    assert evidence.abandoned
    assert evidence.agent is None


async def test_the_campaigns_ring_time_counts_in_the_queue_and_in_a_hand_over(
    floor: Floor,
) -> None:
    queue = floor.new_queue()
    silent = agent_interface(1, "silent")
    agent_id = await floor.member(queue, silent)
    attempt_id = await floor.queued(queue, 40, CC_AGENT_RING_S="3")
    missed = await floor.told(AgentMissed, attempt_id=attempt_id, agent_id=agent_id)
    assert 2.5 <= missed.ring_s < 10
    await floor.board.pause_member(queue, silent, paused=True)
    other = await floor.member(queue, agent_interface(2, "silent"), paused=True)
    # the phone that rings a second time for the queue must be left alone first
    await floor.until(
        "it is handed over",
        lambda: floor.board.give_to(attempt_id, agent_interface(2, "silent"), other),
    )
    missed = await floor.told(AgentMissed, attempt_id=attempt_id, agent_id=other)
    assert 2.5 <= missed.ring_s < 10
    # who answers in time is not cut off when that time is over
    late = await floor.member(queue, agent_interface(1, "late"))
    fact = await floor.told(AgentConnected, attempt_id=attempt_id, agent_id=late)
    await floor.talk_together(attempt_id, fact.channel_id)
    await asyncio.sleep(4)
    assert await floor.together(attempt_id, fact.channel_id)
    await floor.gateway.hang_up(attempt_id)


class _Slow(AmiSwitchboard):
    """Takes its time between what it sees and what it does."""

    sees_s = does_s = 0.0

    async def _get(self, channel_id: str, variable: str) -> str:
        found = await super()._get(channel_id, variable)
        if variable == "SHARED(CC_STAGE)":
            await asyncio.sleep(self.sees_s)
        return found

    async def _redirect(self, channel_id: str, context: str, exten: str = "s") -> bool:
        await asyncio.sleep(self.does_s)
        return await super()._redirect(channel_id, context, exten)


@pytest.mark.parametrize(("sees_s", "does_s"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.4)])
async def test_nobody_is_pulled_out_of_a_talk_that_the_queue_began_in_the_same_moment(
    floor: Floor, sees_s: float, does_s: float
) -> None:
    """The queue finds one agent while callcamp hands the caller to another: one talk, no cut."""
    board = _Slow(floor.gateway._keeper)
    board.sees_s, board.does_s = sees_s, does_s
    queue = floor.new_queue()
    first = await floor.member(queue, agent_interface(1), paused=True)
    given = 0
    for turn in range(10):
        attempt_id = await floor.queued(queue, 20)
        await floor.told(CallerWaited, attempt_id=attempt_id)
        second = next(_agents)
        await floor.board.pause_member(queue, agent_interface(1), paused=False)
        # the queue looks one second after it has looked first
        await asyncio.sleep(0.8 - sees_s - does_s + 0.025 * turn)
        while not any(
            isinstance(one, AgentConnected) and one.attempt_id == attempt_id for one in floor.facts
        ):
            given += await board.give_to(attempt_id, agent_interface(2), second)
            await asyncio.sleep(0.02)
        await floor.board.pause_member(queue, agent_interface(1), paused=True)
        await asyncio.sleep(0.5)
        talk = await floor.board.talk_of(attempt_id)
        assert talk is not None
        await floor.talk_together(attempt_id, talk.channel_id)
        last = [
            one.agent_id
            for one in floor.facts
            if isinstance(one, AgentConnected) and one.attempt_id == attempt_id
        ][-1]
        await floor.gateway.hang_up(attempt_id)
        evidence = await floor.ended(attempt_id)
        # who was connected first still talked at the end
        assert evidence.agent == f"cc-agent-{last}"
        assert last in {first, second}
        assert not evidence.abandoned


async def test_two_callcamps_do_not_share_the_queues_of_an_asterisk(lab: LabInfo) -> None:
    one, two = new_gateway(lab, "one"), new_gateway(lab, "two")
    try:
        await one.start()
        await two.start()
        await one.switchboard.hold_agents()
        with pytest.raises(Conflict, match=r"Another callcamp \(one\)"):
            await two.switchboard.hold_agents()
        # who is started again is the same one
        again = new_gateway(lab, "one")
        await again.start()
        await again.switchboard.hold_agents()
        await again.close()
        # and whoever ends lets go
        await two.switchboard.hold_agents()
    finally:
        await one.close()
        await two.close()
