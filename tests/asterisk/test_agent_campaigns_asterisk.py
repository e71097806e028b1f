"""Whole campaigns with agents on a real Asterisk: SIPp plays the agents and the people.

Every campaign ends with the store and the witness in agreement: as many INVITEs for each number
as ended attempts.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lab_kit import lab_named, lab_settings, until
from promise_kit import promised

from callcamp.app import run_engine
from callcamp.core.agent_settings import AgentSettings, DialMethod
from callcamp.core.agents import AgentPhone, AgentState, PhoneKind
from callcamp.core.campaign_settings import (
    CampaignMode,
    CampaignSettings,
    DailyWindow,
    RetryPolicy,
)
from callcamp.core.model import Attempt, Campaign
from callcamp.core.outcome import Disposition
from callcamp.core.scripts import CallScript, Element, ElementKind
from callcamp.core.states import AttemptStatus, CampaignStatus, ContactStatus
from callcamp.engine import Engine
from callcamp.engine.agents.views import AgentView, WrapUpNote
from callcamp.engine.contact_commands import RawContact
from callcamp.lab import Ami, LabInfo, number_for, witness, witness_callers, witness_mark
from callcamp.store import migrate

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(180)]

ALL_WEEK = DailyWindow(start=time(0), end=time(0), weekdays=frozenset(range(7)))
S = AgentState


@pytest.fixture(scope="module")
def lab() -> Iterator[LabInfo]:
    with lab_named("modes") as info:
        yield info


@dataclass
class Floor:
    """An engine on the lab, with agents."""

    lab: LabInfo
    engine: Engine
    mark: int

    async def campaign(
        self,
        method: DialMethod,
        endpoints: dict[str, str],
        phones: list[str],
        *,
        ready: bool = True,
        agents: dict[str, Any] | None = None,
        attempts: int = 1,
        **settings: Any,
    ) -> Campaign:
        """Make a campaign, log its agents in by name and endpoint, and start it.

        An endpoint that begins with + is a number behind the trunk.
        """
        store, commands = self.engine.store, self.engine.commands
        trunk = await commands.save_trunk(
            "callees", dial_string=f"PJSIP/{{number}}@{self.lab.trunk}", cps=20
        )
        chosen = {"safe_harbour": self.lab.prompt_sound, "wrap_up_s": 1} | (agents or {})
        defaults: dict[str, Any] = {
            "name": method.value,
            "trunk_id": trunk.id,
            "ring_timeout_s": 8,
            "window": ALL_WEEK,
            "mode": CampaignMode.MULTI_DAY,
            "detect_machines": False,
            "default_region": "FR",
            "retry": RetryPolicy(max_attempts=attempts, delay_s=1),
            "agents": AgentSettings(method=method, **chosen),
        }
        campaign = await commands.create_campaign(CampaignSettings(**(defaults | settings)))
        await commands.add_contacts(campaign.id, [RawContact(p, {}) for p in phones])
        now = self.engine.clock.now()
        for name, endpoint in endpoints.items():
            phone = AgentPhone(PhoneKind.SIP, endpoint)
            if endpoint.startswith("+"):
                phone = AgentPhone(PhoneKind.EXTERNAL, endpoint, trunk.id)
            agent = await store.save_agent(name, phone=phone, now=now)
            await store.add_campaign_agents(campaign.id, [agent.id], now=now)
        for name in endpoints:
            await self.engine.agents.log_in(name, campaign.id)
            if ready:
                await self.engine.agents.ready(name)
        return await commands.start(campaign.id)

    def view(self, name: str) -> AgentView:
        return self.engine.agents.view(name)

    async def becomes(self, name: str, state: AgentState, within_s: float = 30) -> AgentView:
        await until(f"{name} is {state.value}", lambda: self.view(name).state is state, within_s)
        return self.view(name)

    async def attempts(self, campaign: Campaign) -> list[Attempt]:
        return await self.engine.store.attempts(campaign.id, limit=10_000)

    async def completed(self, campaign: Campaign, within_s: float = 90) -> None:
        async def so() -> bool:
            found = await self.engine.store.campaign(campaign.id)
            return found.status is CampaignStatus.COMPLETED

        await until("the campaign is completed", so, within_s)

    async def idle(self) -> None:
        async def so() -> bool:
            return not await self.engine.store.live_attempts()

        await until("all calls have ended", so)

    def invites(self) -> Counter[str]:
        return Counter(witness(self.lab, self.mark))

    async def agrees(self, campaign: Campaign, *agents: str) -> None:
        """Check that the witness got what the store has, besides calls to agents' numbers."""
        await self.idle()
        ended = [a for a in await self.attempts(campaign) if a.status is AttemptStatus.ENDED]
        called = Counter({n: k for n, k in self.invites().items() if n not in agents})
        stored = Counter(a.number for a in ended)
        promised(called == stored, f"callees got {called}, the store has {stored}")


@pytest_asyncio.fixture
async def floor(lab: LabInfo, tmp_path: Path) -> AsyncIterator[Floor]:
    settings = lab_settings(lab, tmp_path)
    migrate(settings.database_url)
    mark = witness_mark(lab)
    async with run_engine(settings) as engine:
        await until("the link is up", lambda: engine.link_up and engine.tracker.synced)
        yield Floor(lab, engine, mark)
        for view in engine.agents.views():
            if view.state is not S.OFFLINE:
                await engine.agents.log_out(view.agent.name)
        await asyncio.sleep(0.3)


def people(count: int, slugs: tuple[str, ...]) -> list[str]:
    return [number_for(slugs[i % len(slugs)], 10 + i // len(slugs)) for i in range(count)]


async def test_predictive_connects_people_with_agents_and_keeps_its_promises(floor: Floor) -> None:
    talks = tuple(f"talk_{n}" for n in range(0, 16, 2))
    phones = people(48, (*talks, "busy", "unavailable", "declined", "congestion"))
    names = {f"a{n}": f"agent-{n}" for n in range(1, 9)}
    campaign = await floor.campaign(DialMethod.PREDICTIVE, names, phones)
    await floor.completed(campaign, 150)
    await floor.agrees(campaign)
    attempts = await floor.attempts(campaign)
    by = Counter(a.disposition for a in attempts)
    talked = [a for a in attempts if a.disposition is Disposition.ANSWERED_PERSON]
    assert (len(attempts), len(talked) + by[Disposition.ABANDONED]) == (48, 32)
    # The account starts empty: one abandoned call is the most that may happen by misfortune.
    assert by[Disposition.ABANDONED] <= 2
    assert all(a.agent_id is not None and a.connected_at is not None for a in talked)
    assert all(a.evidence["waited_s"] < 2.6 for a in talked)
    assert {a.agent_id for a in talked} == {floor.view(n).agent.id for n in names}
    by_agent: dict[int | None, list[tuple[Any, Any]]] = {}
    for a in talked:
        by_agent.setdefault(a.agent_id, []).append((a.connected_at, a.ended_at))
    for spans in by_agent.values():
        spans.sort()
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))


async def test_agent_first_calls_nobody_before_an_agent_is_on_the_line(floor: Floor) -> None:
    phones = [number_for("talk_0", 50), number_for("busy", 50), number_for("talk_1", 50)]
    names = {"quiet": "agent-silent-1"}
    agents = {"agent_ring_timeout_s": 3}
    campaign = await floor.campaign(DialMethod.AGENT_FIRST, names, phones, agents=agents)
    await floor.becomes("quiet", S.PAUSED)
    await asyncio.sleep(1)
    promised(floor.invites() == Counter(), floor.invites())
    contacts = await floor.engine.store.contacts(campaign.id)
    assert {c.status for c in contacts} == {ContactStatus.PENDING}
    now = floor.engine.clock.now()
    phone = AgentPhone(PhoneKind.SIP, "agent-9")
    agent = await floor.engine.store.save_agent("late", phone=phone, now=now)
    await floor.engine.store.add_campaign_agents(campaign.id, [agent.id], now=now)
    await floor.engine.agents.log_in("late", campaign.id)
    await floor.engine.agents.ready("late")
    await floor.completed(campaign)
    await floor.agrees(campaign)
    attempts = [a for a in await floor.attempts(campaign) if a.disposition]
    assert Counter(a.disposition for a in attempts) == {
        Disposition.ANSWERED_PERSON: 2,
        Disposition.BUSY: 1,
    }
    assert {a.agent_id for a in attempts if a.connected_at} == {agent.id}
    # One call to the agent's phone served all three contacts.
    assert floor.view("late").on_line


async def test_an_agent_who_hangs_up_while_the_contact_rings_stops_the_call(floor: Floor) -> None:
    phones = [number_for("no_answer", 60)]
    campaign = await floor.campaign(
        DialMethod.AGENT_FIRST, {"leaver": "agent-leaves-1"}, phones, ring_timeout_s=30
    )
    await floor.becomes("leaver", S.DIALING)
    await floor.becomes("leaver", S.PAUSED)
    await floor.idle()
    await floor.agrees(campaign)
    (attempt,) = await floor.attempts(campaign)
    assert attempt.connected_at is None
    # 3 is the end of the ring time.
    assert attempt.evidence["originate_reason"] == 0


async def test_preview_offers_dials_and_takes_the_result(floor: Floor) -> None:
    phones = [number_for("talk_2", 70), number_for("talk_3", 70)]
    script = CallScript((Element(ElementKind.TEXT, "Which size?", "size"),))
    agents = {"before_call_work_s": 2, "wrap_up_s": 60, "script": script}
    names = {"pia": "agent-10"}
    campaign = await floor.campaign(DialMethod.PREVIEW, names, phones, agents=agents)
    desk = floor.engine.agents
    offered = await floor.becomes("pia", S.PREVIEWING)
    assert offered.offer is not None
    promised(floor.invites() == Counter(), floor.invites())
    talking = await floor.becomes("pia", S.TALKING)
    assert talking.call is not None
    assert talking.call.number == offered.offer.number
    assert talking.since >= offered.offer.dial_at
    await desk.hold("pia", True)
    await asyncio.sleep(0.5)
    await desk.hold("pia", False)
    await desk.hang_up("pia")
    await floor.becomes("pia", S.WRAP_UP)
    await desk.finish("pia", talking.call.attempt_id, WrapUpNote(answers={"size": "big"}))
    await floor.becomes("pia", S.PREVIEWING)
    await desk.skip("pia", "called this morning")
    assert floor.view("pia").state is S.READY
    attempt = await floor.engine.store.attempt(talking.call.attempt_id)
    assert attempt.variables["size"] == "big"
    assert attempt.agent_id == talking.agent.id
    await floor.agrees(campaign)


async def test_client_first_without_an_agent_has_an_end_and_a_callback(floor: Floor) -> None:
    phones = [number_for("person", 80)]
    agents = {
        "announcement": floor.lab.prompt_sound,
        "no_agent_message": floor.lab.prompt_sound,
        "wait_most_s": 3,
        "callback_after_s": 900,
        "agent_ring_timeout_s": 3,
    }
    names = {"silent": "agent-silent-2"}
    campaign = await floor.campaign(
        DialMethod.CLIENT_FIRST, names, phones, agents=agents, attempts=3
    )

    async def was_called() -> bool:
        return any(a.status is AttemptStatus.ENDED for a in await floor.attempts(campaign))

    await until("the call has ended", was_called)
    (attempt,) = await floor.attempts(campaign)
    assert attempt.disposition is Disposition.ABANDONED
    assert attempt.ended_at is not None
    (contact,) = await floor.engine.store.contacts(campaign.id)
    assert contact.status is ContactStatus.PENDING
    assert contact.due_at is not None
    assert 880 < (contact.due_at - attempt.ended_at).total_seconds() < 960
    await floor.agrees(campaign)


async def test_agents_who_leave_in_the_middle_leave_nobody_without_an_end(floor: Floor) -> None:
    phones = people(8, ("talk_4", "talk_8", "talk_12"))
    names = {f"b{n}": f"agent-{n}" for n in range(11, 15)}
    campaign = await floor.campaign(DialMethod.PROGRESSIVE, names, phones)
    desk = floor.engine.agents
    await floor.becomes("b11", S.TALKING)
    for name in ("b11", "b12"):
        await desk.log_out(name)
    await desk.pause("b13", "lunch")
    await until("the calls of who left are over", lambda: len(floor.invites()) >= 5, 60)
    await desk.ready("b13")
    await floor.completed(campaign, 120)
    await floor.agrees(campaign)
    attempts = await floor.attempts(campaign)
    assert {a.disposition for a in attempts} <= {
        Disposition.ANSWERED_PERSON,
        Disposition.ABANDONED,
        Disposition.HUNG_UP,
    }


async def test_a_person_meets_an_agent_also_when_callcamp_is_gone(
    lab: LabInfo, tmp_path: Path
) -> None:
    """The queue is Asterisk's: callcamp stops while the contact rings, and starts again later."""
    settings = lab_settings(lab, tmp_path)
    migrate(settings.database_url)
    mark = witness_mark(lab)
    number = number_for("late_answer", 90)
    async with run_engine(settings) as engine:
        await until("the link is up", lambda: engine.link_up and engine.tracker.synced)
        first = Floor(lab, engine, mark)
        campaign = await first.campaign(
            DialMethod.CLIENT_FIRST, {"zoe": "agent-leaves-2"}, [number], ring_timeout_s=20
        )

        async def rings() -> bool:
            live = await engine.store.live_attempts(campaign.id)
            return any(a.status is AttemptStatus.RINGING for a in live)

        await until("the contact rings", rings)
    await asyncio.sleep(12)
    async with run_engine(settings) as engine:
        second = Floor(lab, engine, mark)
        await second.idle()
        (attempt,) = await second.attempts(campaign)
        assert attempt.disposition is Disposition.ANSWERED_PERSON
        assert attempt.agent_id == second.view("zoe").agent.id
        assert attempt.evidence["waited_s"] < 2.6
        await second.agrees(campaign)
        await engine.agents.log_out("zoe")
        await asyncio.sleep(0.3)


async def test_who_hears_the_announcement_is_brought_to_an_agent_by_the_next_callcamp(
    lab: LabInfo, tmp_path: Path
) -> None:
    """callcamp goes in the middle of the announcement; the next one does not wait for its end."""
    settings = lab_settings(lab, tmp_path)
    migrate(settings.database_url)
    mark = witness_mark(lab)
    agents = {"announcement": lab.prompt_sound, "wait_most_s": 60}
    async with run_engine(settings) as engine:
        await until("the link is up", lambda: engine.link_up and engine.tracker.synced)
        first = Floor(lab, engine, mark)
        campaign = await first.campaign(
            DialMethod.CLIENT_FIRST,
            {"ida": "agent-silent-4", "jon": "agent-32"},
            [number_for("person", 91)],
            agents=agents,
        )
        await engine.agents.pause("jon", "lunch")
        await first.becomes("ida", S.RINGING)
    async with run_engine(settings) as engine:
        second = Floor(lab, engine, mark)
        await until("the link is up", lambda: engine.link_up and engine.tracker.synced)
        await engine.agents.ready("jon")
        await engine.agents.log_out("ida")
        talking = await second.becomes("jon", S.TALKING)
        assert talking.call is not None
        await engine.agents.hang_up("jon")
        await second.idle()
        (attempt,) = await second.attempts(campaign)
        assert attempt.agent_id == talking.agent.id
        # the prompt takes more than seven seconds: on the line, it was an agent's leg
        assert talking.call.channel_id is not None
        assert talking.call.channel_id.startswith("ccleg-")
        await second.agrees(campaign)
        await engine.agents.log_out("jon")
        await asyncio.sleep(0.3)


async def test_who_is_logged_out_while_the_phone_rings_leaves_the_person_to_the_next(
    floor: Floor,
) -> None:
    agents = {"wait_most_s": 60, "agent_ring_timeout_s": 60}
    campaign = await floor.campaign(
        DialMethod.CLIENT_FIRST,
        {"kim": "agent-silent-5"},
        [number_for("person", 92)],
        agents=agents,
    )
    rung = await floor.becomes("kim", S.RINGING)
    assert rung.call is not None
    phone = await floor.engine.store.save_agent(
        "leo", phone=AgentPhone(PhoneKind.SIP, "agent-33"), now=floor.engine.clock.now()
    )
    await floor.engine.store.add_campaign_agents(
        campaign.id, [phone.id], now=floor.engine.clock.now()
    )
    await floor.engine.agents.log_out("kim")

    async def rings_no_more() -> bool:
        found = await asyncio.to_thread(channels, floor.lab)
        return not any(one["Channel"].startswith("PJSIP/agent-silent-5-") for one in found)

    await until("the phone rings no more", rings_no_more)
    await floor.engine.agents.log_in("leo", campaign.id)
    await floor.engine.agents.ready("leo")
    talking = await floor.becomes("leo", S.TALKING)
    assert talking.call is not None
    assert talking.call.attempt_id == rung.call.attempt_id
    await floor.engine.agents.hang_up("leo")
    await floor.completed(campaign)
    await floor.agrees(campaign)
    (attempt,) = await floor.attempts(campaign)
    assert attempt.disposition is Disposition.ANSWERED_PERSON


async def test_a_queue_that_is_gone_leaves_nobody_waiting(floor: Floor) -> None:
    """Agents are in the queue, and then Asterisk has it no more: the person hears the message."""
    names = {"max": "agent-20"}
    campaign = await floor.campaign(
        DialMethod.CLIENT_FIRST, names, [], agents={"wait_most_s": 4}, mode=CampaignMode.ALWAYS_ON
    )
    await floor.becomes("max", S.READY)
    desk = floor.engine.agents
    desk.queueing._queues[campaign.id] = "no-such-queue"
    desk.queueing._has["no-such-queue", "PJSIP/agent-20"] = next(iter(desk.queueing._has.values()))
    await floor.engine.commands.add_contacts(
        campaign.id, [RawContact(number_for("person", 95), {})]
    )

    async def is_over() -> bool:
        return any(a.status is AttemptStatus.ENDED for a in await floor.attempts(campaign))

    await until("the call has ended", is_over)
    (attempt,) = await floor.attempts(campaign)
    assert attempt.disposition is Disposition.ABANDONED
    await floor.agrees(campaign)


SHOWN = number_for("person", 399)


@pytest.mark.parametrize(
    ("method", "calls"),
    [(DialMethod.AGENT_FIRST, 1), (DialMethod.PREVIEW, 1), (DialMethod.PREDICTIVE, 2)],
)
async def test_an_agent_behind_a_trunk_works_from_call_to_call(
    floor: Floor, method: DialMethod, calls: int
) -> None:
    outside = number_for("person", 200 + calls)
    phones = [number_for("talk_0", 110), number_for("talk_1", 110)]
    agents = {"before_call_work_s": 1}
    campaign = await floor.campaign(
        method, {"olga": outside}, phones, agents=agents, caller_id=SHOWN
    )
    await floor.completed(campaign)
    await floor.agrees(campaign, outside)
    attempts = await floor.attempts(campaign)
    assert [a.disposition for a in attempts] == [Disposition.ANSWERED_PERSON] * 2
    assert {a.agent_id for a in attempts} == {floor.view("olga").agent.id}
    # On the line one call serves all contacts; a queue calls for each.
    assert witness_callers(floor.lab, floor.mark)[outside] == [SHOWN] * calls


@pytest.mark.parametrize("method", [DialMethod.AGENT_FIRST, DialMethod.PREDICTIVE])
async def test_an_agent_behind_a_trunk_who_hangs_up_ends_the_talk(
    floor: Floor, method: DialMethod
) -> None:
    outside = number_for("hangs_up_midway", 210)
    phones = [number_for("person", 120)]
    campaign = await floor.campaign(method, {"omar": outside}, phones, agents={"wrap_up_s": 60})
    await floor.becomes("omar", S.TALKING)
    await floor.becomes("omar", S.WRAP_UP)
    await floor.agrees(campaign, outside)
    (attempt,) = await floor.attempts(campaign)
    assert attempt.disposition is Disposition.ANSWERED_PERSON
    assert not floor.view("omar").on_line
    assert floor.invites()[outside] == 1


@pytest.mark.parametrize("slug", ["busy", "no_answer"])
@pytest.mark.parametrize("method", [DialMethod.AGENT_FIRST, DialMethod.PREDICTIVE])
async def test_an_agent_behind_a_trunk_who_does_not_answer_is_paused(
    floor: Floor, method: DialMethod, slug: str
) -> None:
    outside = number_for(slug, 220)
    phones = [number_for("person", 130)]
    agents = {"agent_ring_timeout_s": 3, "connect_limit_s": 8.0}
    campaign = await floor.campaign(method, {"oona": outside}, phones, agents=agents)
    await until("the agent's number is called", lambda: floor.invites()[outside] > 0)
    await floor.becomes("oona", S.PAUSED)
    if method is DialMethod.AGENT_FIRST:
        await asyncio.sleep(1)
        promised(floor.invites() == {outside: 1}, floor.invites())
        return
    await floor.idle()
    (attempt,) = await floor.attempts(campaign)
    assert attempt.disposition is Disposition.ABANDONED
    assert floor.invites()[outside] == (1 if slug == "no_answer" else 3)


def channels(lab: LabInfo) -> list[dict[str, str]]:
    with Ami(lab.ami_host, lab.ami_port, lab.ami_username, lab.ami_secret) as ami:
        return ami.listed("CoreShowChannels", "CoreShowChannelsComplete")


async def test_a_phone_left_on_the_line_while_the_link_was_cut_is_ended(floor: Floor) -> None:
    mode = CampaignMode.ALWAYS_ON
    await floor.campaign(DialMethod.AGENT_FIRST, {"lars": "agent-30"}, [], mode=mode)
    desk = floor.engine.agents
    await desk.call_phone("lars")
    await until("the agent is on the line", lambda: floor.view("lars").on_line)
    session = floor.engine.gateway._keeper.session
    session.fail("The test cut the link.")
    await until("the link is cut", lambda: not floor.engine.link_up)
    await desk.log_out("lars")
    left = await asyncio.to_thread(channels, floor.lab)
    assert [one["Application"] for one in left] == ["BridgeWait"]

    async def nobody() -> bool:
        return not await asyncio.to_thread(channels, floor.lab)

    await until("the phone is on the line no more", nobody)


async def test_client_first_plays_the_announcement_until_the_agent_has_answered(
    floor: Floor,
) -> None:
    """Nobody waits for its end: the prompt takes more than seven seconds."""
    agents = {"announcement": floor.lab.prompt_sound, "wait_most_s": 30}
    phones = [number_for("person", 140)]
    campaign = await floor.campaign(
        DialMethod.CLIENT_FIRST, {"lena": "agent-late-3"}, phones, agents=agents
    )
    await floor.becomes("lena", S.RINGING)

    found = await asyncio.to_thread(channels, floor.lab)
    assert {one["Application"] for one in found if one["Uniqueid"].startswith("cc-")} == {
        "Playback"
    }
    await floor.becomes("lena", S.TALKING)
    await floor.engine.agents.hang_up("lena")
    await floor.completed(campaign)
    await floor.agrees(campaign)
    (attempt,) = await floor.attempts(campaign)
    assert attempt.disposition is Disposition.ANSWERED_PERSON
    assert attempt.agent_id == floor.view("lena").agent.id
    assert 1.4 < attempt.evidence["waited_s"] < 6
